"""What a verifier has to say, in three parts that must not be confused: integrity, issuer, time."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dsr_engine.domain.certificate import Statement


@dataclass(frozen=True, slots=True)
class Step:
    """One check. `code` is stable and empty for a check that held; `detail` is a sentence for people."""

    name: str
    is_ok: bool
    detail: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Issuer(Step):
    """Whether the issuer is one that the trust bundle names. `fingerprints` (SHA-256) are there to compare, trusted or not."""

    fingerprints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Time(Step):
    """When the certificate was made. `is_trusted`: a timestamp authority that the bundle names says so; else the operator does."""

    at: str = ""
    is_trusted: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """`is_genuine` only if every part holds. `later` is what an exported ledger says: unknown, none, completed, superseded or withdrawn.

    `entry` and `checkpoint` are the certificate's own place in the ledger, and the signed note that covers it; -1 and empty where they were not read.
    """

    integrity: tuple[Step, ...]
    issuer: Issuer
    time: Time
    statement: Statement | None
    status: str
    is_genuine: bool
    later: str = "unknown"
    entry: int = -1
    checkpoint: str = ""

    @property
    def code(self) -> str:
        """The code of the first check that failed; empty if none did."""
        return next((step.code for step in (*self.integrity, self.issuer, self.time) if not step.is_ok), "")

    @property
    def is_in_force(self) -> bool:
        """True if it is genuine and, as far as is known, neither superseded nor withdrawn."""
        return self.is_genuine and self.later not in ("superseded", "withdrawn")
