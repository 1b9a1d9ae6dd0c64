"""The requester's edition of a certificate: the same statement in neutral words, for a paper that its owner may show to others.

It names no system, collection, rule or person of the controller, and no count so small that it singles somebody out; what was said of levels, laws,
dates and approval is the auditor's edition's, and the digest of that statement stands in it. It says no less: where the auditor's edition has an
exception, this one has one, too.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from dsr_engine.domain.certificate import Statement, SystemStatement

AUDITOR, REQUESTER = "auditor", "requester"
#: Counts below this are not told: together with a name for a thing they may tell of somebody.
LEAST = 10
FEW = f"fewer than {LEAST}"

_Row = Mapping[str, str | int]
_DONE = ("treatment", "result", "records")
_KEPT = ("treatment", "records", "because", "law", "use", "until")
_RECIPIENTS = ("role", "state", "sent", "answered", "law", "reason")


def requesters(statement: Statement, text: bytes) -> Statement:
    """The requester's edition of the statement whose canonical bytes are `text`. The same for the same statement."""
    return replace(
        statement,
        edition=REQUESTER,
        policy={key: value for key, value in statement.policy.items() if key == "sha256"},
        approvals=tuple({key: entry[key] for key in ("manner", "at") if key in entry} for entry in statement.approvals),
        systems=tuple(_system(number, system) for number, system in enumerate(statement.systems, start=1)),
        exceptions=tuple(_exceptions(statement)),
        grounds=tuple({key: entry[key] for key in ("ground", "law") if key in entry} for entry in statement.grounds),
        holds={},
        recipients=tuple({key: entry[key] for key in _RECIPIENTS if key in entry} for entry in statement.recipients),
        extra={"auditors_edition_sha256": hashlib.sha256(text).hexdigest()},
    )


def _system(number: int, system: SystemStatement) -> SystemStatement:
    return replace(
        system,
        name=f"System {number}",
        kind="",
        owner="",
        coverage=_covered(system.coverage),
        done=_merged(system.done, _DONE),
        kept=_merged(system.kept, _KEPT),
        residuals=_residuals(system.residuals),
        server={},
        channels=(),
    )


def _covered(rows: Iterable[_Row]) -> tuple[_Row, ...]:
    """How far the system was searched, as a whole: fully only if every part of it was."""
    extents = {str(row.get("extent", "none")) for row in rows}
    if not extents:
        return ()
    return ({"extent": "full" if extents == {"full"} else "none" if extents == {"none"} else "partial"},)


def _merged(rows: Iterable[_Row], keys: Iterable[str]) -> tuple[_Row, ...]:
    """Rows that differ in names only are one; their counts are added up before they are made coarse."""
    counts: dict[tuple[tuple[str, str], ...], int] = {}
    for row in rows:
        told = tuple((key, str(row[key])) for key in keys if key in row and key != "records")
        counts[told] = counts.get(told, 0) + int(row.get("records", 0))
    return tuple({**dict(told), **({"records": _coarse(count)} if count else {})} for told, count in counts.items() if told)


def _coarse(count: int) -> str | int:
    return count if count >= LEAST else FEW


def _residuals(rows: Iterable[Mapping[str, str]]) -> tuple[Mapping[str, str], ...]:
    """Backups and the like, by their end and not by the controller's names for them."""
    ends = sorted({row.get("gone_after", "unknown") for row in rows})
    return tuple({"what": "copies that an erasure does not reach", "gone_after": end} for end in ends)


def _exceptions(statement: Statement) -> Iterator[str]:
    if not statement.exceptions:
        return
    told = 0
    if any(row.get("extent") != "full" for system in statement.systems for row in system.coverage):
        told += 1
        yield "Some places could not be searched in full; nothing is claimed of them."
    if any(system.kept for system in statement.systems):
        told += 1
        yield "Some data stay, in whole or in part, for the reasons listed under their system."
    if not told or len(statement.exceptions) > told:
        yield "There are further exceptions; the controller names them in its letter, or on request."
