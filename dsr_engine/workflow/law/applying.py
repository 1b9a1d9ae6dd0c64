"""Whether a law can apply to a request at all: it was in force when the request arrived, and it knows the grounds on which the policy keeps data."""

from collections.abc import Iterable
from datetime import date

from dsr_engine.domain.case import CaseKind
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.regime import Regime
from dsr_engine.spec.grounds import unfit


def refuse_unfit(kind: CaseKind, policy: Policy, regimes: Iterable[Regime], received: date) -> None:
    """Raises `InputWrong` for a regime that does not apply to a request of this day, or under which the policy would keep data without a ground.

    Work that nobody asked for, such as a sweep, is not held against it.
    """
    for regime in regimes if kind.is_of_a_person else ():
        if received < regime.valid_from:
            raise InputWrong(
                f"{regime.name} applies from {regime.valid_from} on, and the request arrived on {received}",
                code="regime.not_yet",
                hint="name another regime, or put the law as it was on that day into policies/regimes/ of your home",
            )
        if regime.valid_to is not None and received > regime.valid_to:
            raise InputWrong(
                f"{regime.name} applied until {regime.valid_to}, and the request arrived on {received}",
                code="regime.over",
                hint="name the regime that came after it, or put its file into policies/regimes/ of your home",
            )
        if regime.name not in policy.regimes:  # for its own regimes a policy is checked when it is read
            for problem in unfit(policy, regime):
                raise InputWrong(
                    f"policy {policy.name} cannot be used under {regime.name}: {problem}",
                    code="regime.ground",
                    hint="write a policy for this regime and name it with --policy",
                )
