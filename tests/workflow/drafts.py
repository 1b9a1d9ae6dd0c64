"""What the tests of drafting share: a draft of a database file, and the YAML with its suggestions followed."""

import re
from pathlib import Path

from dsr_engine.domain.system import Manifest
from dsr_engine.drivers.registry import open_surveyor
from dsr_engine.spec.connector_file import manifest_from
from dsr_engine.spec.loader import parse_document
from dsr_engine.spec.url import system_from_url
from dsr_engine.workflow.drafting.draft import Draft, LinkDraft
from dsr_engine.workflow.drafting.drafting import draft_from
from dsr_engine.workflow.drafting.yaml_text import SUGGESTED
from dsr_engine.workflow.house import Silence


def drafted(url: str | Path, most: int = 200) -> Draft:
    """The draft of what lies behind a URL or a path."""
    system = system_from_url(str(url))
    surveyor = open_surveyor(system)
    assert surveyor is not None
    try:
        return draft_from(surveyor, system, most, Silence())
    finally:
        surveyor.close()


def loaded(text: str) -> Manifest:
    """The manifest that the engine reads from the text; raises `SpecWrong`."""
    return manifest_from(parse_document(text.encode(), "connectors/draft.yaml"))


def followed(text: str) -> str:
    """The text with every suggestion taken: the last one for a field replaces what stands for it."""
    lines: list[str] = []
    for line in text.splitlines():
        indent, mark, rest = line.partition(SUGGESTED)
        if not mark or indent.strip():
            lines.append(line)
            continue
        name = rest.partition(": {")[0]
        if rest.endswith("}"):
            lines = _without(lines, indent, name)
        lines.append(indent + rest)
    return "\n".join(lines).replace("discover: all", "discover: rest") + "\n"


def _without(lines: list[str], indent: str, name: str) -> list[str]:
    """Without the field's line in the collection that is being written."""
    start = max((number for number, line in enumerate(lines) if re.fullmatch(r"    (\#\? )?fields:", line)), default=0)
    return [line for number, line in enumerate(lines) if number <= start or not line.startswith(f"{indent}{name}: {{")]


def written(draft: Draft, collection: str, field: str) -> dict[str, str]:
    """What the draft says of a field."""
    entry = draft.collection_named(collection)
    found = entry.field_named(field) if entry else None
    assert found is not None, f"{collection}.{field}"
    return found.written


def suggested(draft: Draft, collection: str, field: str) -> list[dict[str, str]]:
    """What it suggests besides, in comments."""
    entry = draft.collection_named(collection)
    found = entry.field_named(field) if entry else None
    assert found is not None, f"{collection}.{field}"
    return [dict(proposal.words) for proposal in found.suggested]


def reason(draft: Draft, collection: str, field: str, key: str) -> str:
    """Why a key is written or suggested; all reasons together."""
    entry = draft.collection_named(collection)
    found = entry.field_named(field) if entry else None
    assert found is not None
    return "; ".join(proposal.reason for proposal in found.proposals if key in proposal.words)


def link(draft: Draft, collection: str, field: str) -> LinkDraft | None:
    entry = draft.collection_named(collection)
    assert entry is not None
    return next((found for found in entry.links if found.link.fields == (field,)), None)
