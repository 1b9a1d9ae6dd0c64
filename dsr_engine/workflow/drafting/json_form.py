"""The draft as plain data for other programs; the same as the YAML says, with every link and every reason."""

from dataclasses import asdict

from dsr_engine.workflow.drafting.draft import CollectionDraft, Draft, FieldDraft, LinkDraft


def as_document(draft: Draft) -> dict[str, object]:
    """What `dsr map --json` prints."""
    return {
        "connector": draft.name,
        "driver": draft.driver,
        "collections": [_collection(entry) for entry in draft.collections],
        "not_looked_at": list(draft.gaps),
    }


def _collection(entry: CollectionDraft) -> dict[str, object]:
    return {
        "name": entry.name,
        "rows": entry.rows,
        "key": list(entry.key),
        "what": entry.role.value,
        "notes": list(entry.notes),
        "gap": entry.gap or None,
        "links": [_link(link) for link in entry.links],
        "fields": [_field(field) for field in entry.fields],
        "looked_at": entry.extent or None,
        "seen": [asdict(trace) for trace in entry.traces],
    }


def _link(entry: LinkDraft) -> dict[str, object]:
    return {
        "fields": list(entry.link.fields),
        "to": entry.link.to_collection,
        "to_fields": list(entry.link.to_fields),
        "on_delete": entry.link.on_delete if entry.is_declared else None,
        "declared": entry.is_declared,
        "sure": entry.is_written,
        "standing": entry.standing.value or None,
        "evidence": entry.evidence,
    }


def _field(field: FieldDraft) -> dict[str, object]:
    return {
        "name": field.name,
        "type": field.type,
        "written": field.written,
        "reasons": [entry.reason for entry in field.proposals if entry.is_written],
        "suggested": [{"words": dict(entry.words), "reason": entry.reason} for entry in field.suggested],
        "notes": list(field.notes),
    }
