"""One piece of work from intake to certificate: its stage, why it stands still, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dsr_engine.domain.request import Right


class CaseKind(StrEnum):
    REQUEST = "request"
    SWEEP = "sweep"
    REPLAY = "replay"
    DECOMMISSION = "decommission"
    SUPERVISORY_ORDER = "supervisory_order"

    @property
    def is_of_a_person(self) -> bool:
        """True for work on one named person, with identifiers of theirs; a sweep and the end of a system have none."""
        return self in (CaseKind.REQUEST, CaseKind.REPLAY, CaseKind.SUPERVISORY_ORDER)


class Stage(StrEnum):
    INTAKE = "intake"
    VERIFY_IDENTITY = "verify_identity"
    RESOLVE_IDENTITIES = "resolve_identities"
    DISCOVER = "discover"
    PLAN = "plan"
    APPROVE = "approve"
    EXECUTE = "execute"
    VERIFY_ABSENCE = "verify_absence"
    NOTIFY = "notify"
    CERTIFY = "certify"
    PUBLISH = "publish"
    CLOSED = "closed"


class Outcome(StrEnum):
    FULFILLED = "fulfilled"
    FULFILLED_WITH_EXCEPTIONS = "fulfilled_with_exceptions"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    CANNOT_IDENTIFY = "cannot_identify"


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a case stands still; orthogonal to its stage. `code` is stable and has a heading in the README's Troubleshooting.

    `needs` says in one sentence what ends the wait. `wake_at` is when the engine looks again by itself; None: only a person ends it.
    """

    code: str
    reason: str
    needs: str
    since: datetime
    wake_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tranche:
    """Which part of a sweep a case is: a sweep of many records is done in cases of bounded size, one after the other.

    `sweep` is the random id of the whole, `number` counts its cases from 1. `begun` is when the whole began: its day decides what is due in every
    tranche. `before` is how many records the earlier tranches planned to change. A dry one ends with its plan.
    """

    sweep: str
    number: int
    begun: datetime
    is_dry: bool = False
    before: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """`subject_ref` is random and is all that a certificate says of the person. `systems` are the names of the systems in scope.

    `identity` says how the requester was verified (`vouched_by_operator`, `code_to_known_address`, …), empty until then; never the proof.
    `regimes` are the laws that apply, the one that the case was opened under first; `digests` pins each (`regime:gdpr`, `regime_version:gdpr`).
    `tranche` is set for sweeps only. `right` is what was asked for; the engine carries out erasure and nothing else.
    """

    id: str
    subject_ref: str
    kind: CaseKind
    policy: str
    regimes: tuple[str, ...]
    stage: Stage
    opened_at: datetime
    systems: tuple[str, ...]
    round: int = 1
    identity: str = ""
    wait: Wait | None = None
    outcome: Outcome | None = None
    opened_by: str = ""
    received_at: datetime | None = None
    closed_at: datetime | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    tranche: Tranche | None = None
    right: Right = Right.ERASURE

    @property
    def is_dry(self) -> bool:
        """True for a case that ends with its plan, whoever runs it."""
        return self.tranche is not None and self.tranche.is_dry
