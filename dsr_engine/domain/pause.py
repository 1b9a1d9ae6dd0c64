"""What stops a clock while a controller waits for the person, and what each law makes of it.

A stop is a fact: what was asked for, on which day, and when it came. Whether it moves a limit is the regime's word (`Regime.pauses`), so one stop may
start the clock of one law, add days under another and change nothing under a third.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dsr_engine.domain.regime import Pause, PauseEffect, PauseWhy, Regime
from dsr_engine.domain.request import Right


class Doubt(StrEnum):
    """Why a controller could not be sure who asked (GDPR Art. 12(6)): a code, because a text would describe the person."""

    SENDER_UNKNOWN = "sender_unknown"
    DATA_DO_NOT_MATCH = "data_do_not_match"
    UNUSUAL_CHANNEL = "unusual_channel"
    SEVERAL_PEOPLE = "several_people"
    AGENT_UNPROVEN = "agent_unproven"


@dataclass(frozen=True, slots=True)
class Stop:
    """The controller asked on the day `asked`, and what it asked for came on the day `ended` (None: not yet)."""

    why: PauseWhy
    asked: date
    ended: date | None = None
    doubt: Doubt | None = None

    def days(self, today: date) -> frozenset[date]:
        """Every day from asking to receiving, both included."""
        last = self.ended or max(today, self.asked)
        return frozenset(self.asked + timedelta(days=number) for number in range((last - self.asked).days + 1))


@dataclass(frozen=True, slots=True)
class Stopped:
    """What stops do under one regime: days that count beside receipt, how many days do not count, and how many only make a second date.

    An end that has not come is taken to be today: the limit moves on every day until it does.
    """

    starts: tuple[date, ...] = ()
    added: int = 0
    shown: int = 0


def pause_for(regime: Regime, why: PauseWhy, right: Right) -> Pause | None:
    """The regime's pause for this reason, if it knows one for this right."""
    return next((pause for pause in regime.pauses if pause.why is why and (not pause.rights or right in pause.rights)), None)


def stopped(regime: Regime, right: Right, stops: Iterable[Stop], today: date) -> Stopped:
    """What these stops do to the regime's clock as of today."""
    starts: list[date] = []
    added: frozenset[date] = frozenset()
    shown: frozenset[date] = frozenset()
    for stop in stops:
        match getattr(pause_for(regime, stop.why, right), "effect", None):
            case PauseEffect.STARTS:
                starts.append(stop.ended or max(today, stop.asked))
            case PauseEffect.ADDS:
                added |= stop.days(today)
            case PauseEffect.SHOWN:
                # The careful reading of a pause that stands in no statute: the day of asking still counts.
                shown |= stop.days(today) - {stop.asked}
            case _:
                pass
    return Stopped(tuple(starts), len(added), len(shown))


def moves(regime: Regime, right: Right, stops: Iterable[Stop]) -> bool:
    """True if a limit of the regime moves on every day, because what it waits for has not come."""
    pauses = (pause_for(regime, stop.why, right) for stop in stops if stop.ended is None)
    return any(pause is not None and pause.effect is not PauseEffect.SHOWN for pause in pauses)
