"""One channel, one assessor: the shape that the tables of `postgresql.py`, `mariadb.py` and `sqlite.py` have in common.

An assessor that the server refuses becomes *not assessed* with the missing right named, so that no account, however poor, makes a channel vanish.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Generic, TypeVar

from dsr_engine.domain.errors import DsrError, NotAllowed, Unreachable
from dsr_engine.domain.residue import Channel, ResidueState, Work

L = TypeVar("L")

NOTHING = "nothing was erased or rewritten here"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of one channel. `works` close it; `marks` are what the next assessment compares with."""

    state: ResidueState
    detail: str = ""
    until: date | None = None
    works: tuple[Work, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assessor(Generic[L]):
    """One way by which bytes outlive their deletion, and who finds out. `needs` is the right without which the server does not tell."""

    code: str
    what: str
    level: str
    ask: Callable[[L], Answer]
    needs: str = ""


def absent(detail: str, **marks: str) -> Answer:
    return Answer(ResidueState.VERIFIED_ABSENT, detail, marks=marks)


def erased(detail: str, **marks: str) -> Answer:
    return Answer(ResidueState.ERASED, detail, marks=marks)


def stays(detail: str, *works: Work, **marks: str) -> Answer:
    """It is there and stays until somebody does the works."""
    return Answer(ResidueState.RETAINED, detail, works=works, marks=marks)


def elsewhere(detail: str, *works: Work, **marks: str) -> Answer:
    """It is there, or may be, where this engine does not reach."""
    return Answer(ResidueState.OUTSIDE_CONTROL, detail, works=works, marks=marks)


def expires(until: date, detail: str, **marks: str) -> Answer:
    return Answer(ResidueState.EXPIRES_ON, detail, until, marks=marks)


def unknown(detail: str) -> Answer:
    return Answer(ResidueState.NOT_ASSESSED, detail)


def assessed(assessors: Sequence[Assessor[L]], look: L, *, is_touched: bool) -> tuple[tuple[Channel, ...], tuple[Work, ...], dict[str, str]]:
    """Every channel with its state, the works that close what is open, and the marks. Raises `Unreachable` only.

    Without anything touched, nothing of the case can lie in primary storage.
    """
    channels: list[Channel] = []
    works: dict[str, Work] = {}
    marks: dict[str, str] = {}
    for assessor in assessors:
        answer = _asked(assessor, look)
        if not is_touched and assessor.level == "C1":  # asked all the same, for its marks: a later round may touch something
            answer = Answer(ResidueState.VERIFIED_ABSENT, NOTHING, marks=answer.marks)
        channels.append(Channel(assessor.code, assessor.what, answer.state, answer.detail, answer.until, assessor.level))
        marks |= answer.marks
        for work in answer.works:
            known = works.get(work.statement, work)
            works[work.statement] = replace(known, closes=tuple(dict.fromkeys((*known.closes, assessor.code))))
    return tuple(channels), tuple(works.values()), marks


def _asked(assessor: Assessor[L], look: L) -> Answer:
    try:
        return assessor.ask(look)
    except Unreachable:
        raise
    except NotAllowed:
        return unknown(f"this account may not see it: {assessor.needs or 'more rights'} needed")
    except DsrError as error:
        return unknown(f"the server does not tell ({error.code})")
    except OSError as error:
        return unknown(f"the files cannot be looked at from here ({type(error).__name__})")
    except (LookupError, ValueError) as error:  # a server that is like the one that was meant, and answers otherwise
        return unknown(f"the server's answer is not understood ({type(error).__name__})")


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def plain(quoted: str) -> str:
    """A quoted name as an administrator types it: preparers double percent signs for their connectors."""
    return quoted.replace("%%", "%")
