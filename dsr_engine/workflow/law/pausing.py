"""Waiting for the person: what was asked, and what that does to each law's clock.

California knows no pause, the United Kingdom starts the clock when what was asked for is there, and for the European Union a second date is shown
while the alarms run on. A pause that no law of the case knows is refused, because a limit that nobody watches any more is missed.
"""

import secrets
from collections.abc import Iterator
from datetime import date

from dsr_engine.domain.case import Case, CaseKind
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.pause import Doubt, Stop, pause_for
from dsr_engine.domain.regime import PauseEffect, PauseWhy, Regime
from dsr_engine.store.pauses import Paused
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.standing import standing
from dsr_engine.workflow.leaves import leaf

_EFFECTS = {
    PauseEffect.STARTS: "its clock starts when that has come",
    PauseEffect.ADDS: "the days until that comes do not count",
    PauseEffect.SHOWN: "its limit stays where it is; a later day is shown beside it",
}
#: Who asks later than after so many days may have to explain that: "without undue delay" has no number, and this is our own.
_PROMPT = 7


def pause(house: House, case_id: str, stop: Stop, by: str) -> tuple[str, ...]:
    """Records that something was asked of the requester; gives a line for each regime on what that does to its clock.

    Raises `InputWrong` for what no regime of the case knows or what cannot have been, `Conflict` for a case that is closed or waits for it already.
    """
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        regimes = [regime for regime in house.regimes_of(case) if regime.clocks is not None]
        _refuse_closed(case)
        if case.kind is not CaseKind.REQUEST:
            raise Conflict(
                "nobody asked in this case of whom something could be asked back", code="pause.kind", hint="`dsr case show` tells what it is"
            )
        _refuse_bad_day(house, case, stop)
        _refuse_unknown(case, stop, regimes)
        _refuse_late(tx, house, case, stop)
        if any(entry.stop.why is stop.why and entry.stop.ended is None for entry in tx.pauses.of(case_id)):
            hint = f"`dsr case unpause {case_id} --on DATE` when it has come"
            raise Conflict(f"the case waits for this already: {stop.why.value}", code="pause.open", hint=hint)
        person = tx.people.id_of(by)
        id_ = secrets.token_hex(8)
        tx.pauses.add(id_, case_id, stop, person, house.clock.now())
        facts = {"why": stop.why.value, "asked": stop.asked.isoformat(), "doubt": stop.doubt.value if stop.doubt else ""}
        tx.ledger.append(leaf(house.clock, "case.paused", id_, case=case_id, by=person, **facts))
        days = (stop.asked - house.calendar.day_of(case.received_at or case.opened_at)).days
    late = (
        f"it was asked for {days} days after the request arrived; that has to be without undue delay, so be ready to say why"
        if days > _PROMPT
        else ""
    )
    return (*(_told(regime, case, stop.why) for regime in regimes), *([late] if late else []))


def unpause(house: House, case_id: str, on: date, by: str, why: PauseWhy | None = None) -> Stop:
    """Records that what was asked for came on this day; where it is recorded already, the day is put right. Gives the stop as it is now.

    Raises `InputWrong` where several things were asked for and `why` does not say which, or for a day that cannot be; `Conflict` where nothing was.
    """
    today = house.calendar.day_of(house.clock.now())
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        _refuse_closed(case)
        entry = _meant(tx.pauses.of(case_id), why)
        if not entry.stop.asked <= on <= today:
            message = f"it was asked for on {entry.stop.asked}, and today is {today}: {on} lies outside"
            raise InputWrong(message, code="pause.day", hint="name the day on which it came")
        ended(tx, house, entry, on, tx.people.id_of(by))
        return next(each.stop for each in tx.pauses.of(case_id) if each.id == entry.id)


def end_for(tx: Transaction, house: House, case: Case, why: PauseWhy, person: str) -> None:
    """Ends what the case waits for as of today, because it is there: who was verified has shown who they are."""
    for entry in tx.pauses.of(case.id):
        if entry.stop.why is why and entry.stop.ended is None:
            ended(tx, house, entry, max(house.calendar.day_of(house.clock.now()), entry.stop.asked), person)


def ended(tx: Transaction, house: House, entry: Paused, on: date, person: str) -> None:
    """Writes the end of a stop, with its leaf, in the caller's transaction."""
    tx.pauses.end(entry.id, on)
    key = f"{entry.id}:{tx.ledger.size()}"  # a corrected day is an entry of its own
    tx.ledger.append(leaf(house.clock, "case.unpaused", key, case=entry.case, by=person, why=entry.stop.why.value, on=on.isoformat()))


def _told(regime: Regime, case: Case, why: PauseWhy) -> str:
    found = pause_for(regime, why, case.right)
    return f"{regime.name}: {_EFFECTS[found.effect]} ({found.cite})" if found else f"{regime.name}: {_runs_on(regime, case, why)}"


def _runs_on(regime: Regime, case: Case, why: PauseWhy) -> str:
    """Why a regime's clock does not stop, in words."""
    other = next((entry for entry in regime.pauses if entry.why is why), None)
    if other is not None:
        return f"a pause for {why.value} is for requests of {', '.join(other.rights)} and not of {case.right.value} ({other.cite}); the limit runs on"
    cite = f" ({regime.clocks.cite})" if regime.clocks and regime.clocks.cite else ""
    return f"knows no pause for {why.value}; the limit runs on whether or not the person answers{cite}"


def _refuse_closed(case: Case) -> None:
    if case.outcome is not None:
        raise Conflict("the case is closed: no limit runs for it any more", code="case.closed")


def _refuse_bad_day(house: House, case: Case, stop: Stop) -> None:
    received, today = house.calendar.day_of(case.received_at or case.opened_at), house.calendar.day_of(house.clock.now())
    if not received <= stop.asked <= today:
        raise InputWrong(
            f"the request arrived on {received}, and today is {today}: {stop.asked} lies outside",
            code="pause.day",
            hint="name the day on which you asked the requester",
        )


def _refuse_unknown(case: Case, stop: Stop, regimes: list[Regime]) -> None:
    knowing = [regime for regime in regimes if pause_for(regime, stop.why, case.right)]
    if not knowing:
        reasons = "; ".join(f"{regime.name}: {_runs_on(regime, case, stop.why)}" for regime in regimes) or "no regime of the case has a clock"
        raise InputWrong(reasons, code="pause.unknown", hint="ask all the same; the answer is due within the limit, whatever you have by then")
    strict = [regime.name for regime in knowing if regime.verification.only_on_doubt]
    if stop.why is PauseWhy.IDENTITY and strict and stop.doubt is None:
        raise InputWrong(
            f"{', '.join(strict)}: more proof of identity may be asked for on reasonable doubts only, and none is recorded",
            code="pause.doubt",
            hint=f"--doubt with one of {', '.join(Doubt)}",
        )


def _refuse_late(tx: Transaction, house: House, case: Case, stop: Stop) -> None:
    found = standing(tx, house, case)
    if found is not None and stop.asked > found.limits.answer:
        raise InputWrong(
            f"the limit of {found.limits.answer} ({found.limits.set_by['answer']}) was over when it was asked for on {stop.asked}",
            code="pause.late",
            hint="the answer is overdue: answer at once, and say why it is late",
        )


def _meant(stops: tuple[Paused, ...], why: PauseWhy | None) -> Paused:
    wanted = [entry for entry in stops if why in (None, entry.stop.why)]
    still_open = [entry for entry in wanted if entry.stop.ended is None]
    if not wanted:
        raise Conflict("nothing was asked of the requester that the case could wait for", code="pause.none", hint="`dsr case pause` records that")
    if len(still_open) > 1:
        raise InputWrong("the case waits for several things", code="pause.which", hint=f"--for {' or '.join(_names(still_open))}")
    return still_open[0] if still_open else wanted[-1]


def _names(stops: list[Paused]) -> Iterator[str]:
    return (entry.stop.why.value for entry in stops)
