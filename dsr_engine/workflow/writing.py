"""What a letter can say of a case: dates, kinds of data, grounds. Kinds of data only: no count, no name of a system, nothing that was found.

Whatever the engine does not know for sure it does not say: who the recipients were told by, and how, is for the officer to add.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from dsr_engine.certificate.letter import Words, check, words_of, write
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.letter import Letter, LetterKind
from dsr_engine.domain.plan import PlanItem, ResultState
from dsr_engine.domain.policy import KEEPING
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.deadlines import due
from dsr_engine.workflow.extending import EXTENDED, is_extended
from dsr_engine.workflow.house import House

_GONE = frozenset({ResultState.DONE, ResultState.ALREADY_ABSENT, ResultState.ABSENT_AFTER_INTERRUPTION})
#: Letters that tell what was done, and so need a case that is closed.
_AFTERWARDS = frozenset({LetterKind.COMPLETION, LetterKind.PARTIAL})
#: What an officer may add by hand.
SAYABLE = ("question", "reason", "recipients", "verification")


def compose(house: House, case_id: str, kind: LetterKind, said: Mapping[str, str], language: str = "") -> Letter:
    """The letter about this case, with every element that its regime demands.

    Raises `InputWrong` where something demanded is missing (`said` may supply it), `Conflict` for a letter that the case is not ready for.
    """
    unknown = sorted(set(said) - set(SAYABLE))
    if unknown:
        raise InputWrong(f"{unknown[0]} cannot be said in a letter", code="letter.value", hint=f"one of {', '.join(SAYABLE)}")
    settings = house.settings
    language = language or settings.letters.language
    words = words_of(language, settings.home)
    with house.store.snapshot() as tx:
        case = tx.cases.get(case_id)
        if kind in _AFTERWARDS and case.outcome is None:
            raise Conflict("the case is still open: nothing can be said about what was done", code="letter.early", hint="run the case to its end")
        values = {**_known(tx, house, case, words), **said}
    if kind is LetterKind.COMPLETION and values.get("kept"):
        raise Conflict("something was kept, and this letter would not say so", code="letter.partial", hint="write the letter `partial`")
    letter = write(kind, language, values, settings.home)
    check(letter, {element: cite for regime in house.regimes_of(case) for element, cite in regime.letters.get(kind, {}).items()})
    return letter


def _known(tx: Transaction, house: House, case: Case, words: Words) -> dict[str, str]:
    settings, calendar = house.settings, house.calendar
    regimes = house.regimes_of(case)
    today = calendar.day_of(house.clock.now())
    standing = due(case, regimes, calendar, today, extended=is_extended(tx.approvals.of(case.id)))
    items = _items(tx, case)
    values = {
        "reference": case.subject_ref[:12],
        "received": words.day(calendar.day_of(case.received_at or case.opened_at)),
        "today": words.day(today),
        "decided": words.day(calendar.day_of(case.closed_at)) if case.closed_at else "",
        "answer_by": words.day(standing.limits.answer) if standing else "",
        "controller": settings.controller.get("name", ""),
        "contact": settings.controller.get("contact", ""),
        "authority": settings.letters.authority,
        "court": settings.letters.court,
        "sells_data": "yes" if settings.letters.sells_data else "",
        "erased": _bullets(_words(words, (category for item in items.gone for category in item.categories))),
        "kept": _bullets(sorted({line for item in items.kept for line in _kept(words, item)})),
        "kept_for": _months(max(regime.log_keep_months for regime in regimes), words) if regimes else "",
        "reason": _reason(tx, case, words),
    }
    return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class _Items:
    """The items of a case by what became of their records. What an earlier round kept and the last one did not is no longer kept."""

    gone: tuple[PlanItem, ...]
    kept: tuple[PlanItem, ...]


def _items(tx: Transaction, case: Case) -> _Items:
    plans = [plan for number in range(1, case.round + 1) if (plan := tx.plans.of(case.id, number)) is not None]
    changed = {result.item for plan in plans for result in tx.results.of(plan.id) if result.state in _GONE}
    return _Items(
        gone=tuple(item for plan in plans for item in plan.items if item.id in changed and item.treatment not in KEEPING),
        kept=tuple(item for plan in plans[-1:] for item in plan.items if item.treatment in KEEPING),
    )


def _words(words: Words, categories: Iterable[str]) -> list[str]:
    return sorted({words.category(category) for category in categories})


def _kept(words: Words, item: PlanItem) -> Iterable[str]:
    for reason in item.reasons:
        if reason.treatment not in KEEPING:
            continue
        ground = words.grounds.get(reason.because, words.grounds["other"])
        law = f" ({reason.law})" if reason.law and reason.because != "legal_hold" else ""
        until = words.until.format(day=words.day(reason.until)) if isinstance(reason.until, date) else ""
        for category in _words(words, item.categories) or [words.category("user")]:
            yield f"{category}: {ground}{law}{until}"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"– {line}" for line in lines)


def _months(count: int, words: Words) -> str:
    return words.years.format(count=count // 12) if count % 12 == 0 and count > 12 else words.months_long.format(count=count)


def _reason(tx: Transaction, case: Case, words: Words) -> str:
    """Why a case was extended or refused, in words; empty where it was neither."""
    extended = next((entry.plan_digest for entry in tx.approvals.of(case.id) if entry.manner == EXTENDED), "")
    refused = next((str(body["reason"]) for _, body in tx.ledger.find("case.refused", case=case.id)), "")
    return words.reasons.get(refused or extended, "")
