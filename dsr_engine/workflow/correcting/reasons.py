"""For which reasons people let records stay: the engine's own, and exemptions that every law of the case knows."""

from collections.abc import Sequence

from dsr_engine.domain.correction import CITATION, LEGAL_HOLD, REASONS, Kind
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.plan import Reason
from dsr_engine.domain.regime import Regime
from dsr_engine.domain.source import NOWHERE
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.correcting.permitting import Wanted
from dsr_engine.workflow.law.exempting import against


def grounds_of(regimes: Sequence[Regime]) -> tuple[str, ...]:
    """The exemptions that every one of these laws knows, in the order of the first."""
    return tuple(ground.name for ground in regimes[0].grounds if all(regime.ground_named(ground.name) for regime in regimes)) if regimes else ()


def check_reason(tx: Transaction, regimes: Sequence[Regime], wanted: Wanted, hold: str) -> None:
    """Raises `InputWrong` for a reason that does not count, or lacks what it needs: a statute, or the id of a hold that is in force."""
    reason, known = wanted.because, grounds_of(regimes)
    if not reason and wanted.kind is Kind.MOVE:
        return
    if reason not in REASONS and reason not in known:
        raise InputWrong(
            "this reason is neither one of the engine's nor an exemption of every law of the case",
            code="correction.reason",
            hint=f"one of {', '.join((*REASONS, *known))}",
        )
    if (reason == LEGAL_HOLD) != bool(hold) or (hold and hold not in {entry.id for entry in tx.holds.list()}):
        raise InputWrong(
            "`legal_hold` goes with the id of a hold that is in force, and no other reason does",
            code="correction.hold",
            hint="`dsr hold list` shows them; place one first",
        )
    if wanted.law and (reason in REASONS or CITATION.fullmatch(wanted.law) is None):
        raise InputWrong(
            "this is not the citation of a law for an exemption",
            code="correction.law",
            hint="a short citation with its number, such as § 147 AO, beside a ground of the law; no sentence and no name",
        )
    for regime in regimes if reason in known and reason not in REASONS else ():
        why = against(regime, Reason(wanted.treatment, "", NOWHERE, reason, wanted.law))
        if why:
            raise InputWrong(why.replace(f"rule “” ({NOWHERE})", "this decision"), code="correction.law", hint="name the statute, or another ground")
