"""What each system told of its own storage after the effects of one round: the last word, which the certificate repeats.

An assessment speaks of tables, settings and files, never of a person, so nothing here is sealed. Its commands may name mailboxes: they go when the
case is forgotten (`Vault.shred`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from dsr_engine.domain.residue import Assessment, Channel, ResidueState, ServerFacts, Work
from dsr_engine.store.tables import assessments
from dsr_engine.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class Assessed:
    """An assessment and when it was made."""

    assessment: Assessment
    at: datetime


class Assessments:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, case: str, round: int, system: str, assessment: Assessment, at: datetime) -> None:
        """Writes the assessment of this system, or replaces it by a later one."""
        row = {
            "case_id": case,
            "round": round,
            "system": system,
            "at": at,
            "server": asdict(assessment.server),
            "channels": [json.loads(json.dumps(asdict(channel), default=str)) for channel in assessment.channels],
            "works": [asdict(work) for work in assessment.works],
            "marks": dict(assessment.marks),
        }
        upsert(self._connection, assessments, [row])

    def of(self, case: str, round: int) -> Mapping[str, Assessed]:
        """System → its last assessment in this round, in the order of names."""
        those = (assessments.c.case_id == case, assessments.c.round == round)
        rows = self._connection.execute(select(assessments).where(*those).order_by(assessments.c.system))
        return {row.system: Assessed(_read(row.server, row.channels, row.works, row.marks), row.at) for row in rows}


def _read(server: dict[str, Any], channels: list[dict[str, Any]], works: list[dict[str, Any]], marks: dict[str, str]) -> Assessment:
    return Assessment(
        server=ServerFacts(**server),
        channels=tuple(_channel(entry) for entry in channels),
        works=tuple(Work(**{**entry, "closes": tuple(entry["closes"])}) for entry in works),
        marks=marks,
    )


def _channel(entry: dict[str, Any]) -> Channel:
    until = date.fromisoformat(entry["until"]) if entry["until"] else None
    return Channel(**{**entry, "state": ResidueState(entry["state"]), "until": until})
