"""Which plans wait for somebody's approval, and whether this very person may give it."""

from dataclasses import dataclass
from datetime import datetime

from dsr_engine.domain.case import Case
from dsr_engine.domain.user import Permission, User
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.approve import APPROVED, GAP
from dsr_engine.workflow.correcting.preparing import DID, preparers

#: What a case waits for that only an approver ends.
WAITS = ("approval.missing", "approval.over_cap", "sweep.unusual", GAP)


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A plan that waits. `why_not` says why the person who looks cannot approve it (empty: they can)."""

    case: Case
    digest: str
    why_not: str

    @property
    def is_for_me(self) -> bool:
        return not self.why_not


def awaiting(tx: Transaction, user: User, most: int, after: tuple[datetime, str] | None = None) -> tuple[Awaiting, ...]:
    """Plans that wait for an approval, the longest waiting first; those `after` the case with this id that waits since then."""
    me = tx.people.known(user.name) or ""
    return tuple(_awaiting(tx, case, user, me) for case in tx.case_lists.waiting_for(WAITS, most, after))


def why_not(tx: Transaction, case: Case, user: User, digest: str) -> str:
    """Why this user cannot approve the plan with this digest; empty if they can."""
    return _why_not(tx, case, user, tx.people.known(user.name) or "", digest)


def _awaiting(tx: Transaction, case: Case, user: User, me: str) -> Awaiting:
    plan = tx.case_lists.plan_of(case.id)
    digest = plan[0] if plan is not None else ""
    return Awaiting(case, digest, _why_not(tx, case, user, me, digest))


def _why_not(tx: Transaction, case: Case, user: User, me: str, digest: str) -> str:
    if not user.may(Permission.PLAN_APPROVE):
        return "approving is for approvers"
    did = preparers(tx, case).get(me) if me else None
    if did is not None:
        return f"you {DID[did]}, so somebody else approves it"
    if me and any((entry.by, entry.manner, entry.plan_digest) == (me, APPROVED, digest) for entry in tx.approvals.of(case.id)):
        return "you approved it already; the policy wants a second person"
    return ""
