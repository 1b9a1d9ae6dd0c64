"""A manifest that somebody else wrote, as a draft: what it declares is written, and nothing is guessed."""

import json

from dsr_engine.domain.system import CollectionMap, FieldMap, Manifest
from dsr_engine.workflow.drafting.draft import SEVERAL, CollectionDraft, Draft, FieldDraft, Proposal, Role


def declared(manifest: Manifest, reason: str) -> Draft:
    """The draft of exactly what the manifest says. `reason` stands with every field (`as the fides file says`)."""
    collections = tuple(_collection(entry, reason) for entry in manifest.collections)
    return Draft(manifest.name, manifest.driver, manifest.about, collections, manifest.residuals, discover=manifest.discover.value)


def _collection(entry: CollectionMap, reason: str) -> CollectionDraft:
    fields = tuple(FieldDraft(field.name, "", (Proposal(words_of(field), reason, True),)) for field in entry.fields)
    return CollectionDraft(entry.name, entry.key, None, Role.OTHER, fields, fence=entry.fence)


def words_of(field: FieldMap) -> dict[str, str]:
    """The keys of a field as they are written."""
    words = {
        "category": field.category,
        "selects": field.selects,
        "identifies": "true" if field.identifies else None,
        "role": "actor" if field.is_actor else None,
        "references": ".".join(field.references) if field.references else None,
        "carries": "true" if field.carries else None,
        "search": "text" if field.search_text else None,
        "starts": "retention" if field.starts_retention else None,
        "neutral": None if field.neutral is None else json.dumps(field.neutral, ensure_ascii=False),
        "same_as": SEVERAL.join(field.same_as) or None,
    }
    return {key: value for key, value in words.items() if value is not None}
