"""What a letter can say of a case: dates, kinds of data, grounds. Kinds of data only: no count, no name of a system, nothing that was found.

Whatever the engine does not know for sure it does not say: then the officer adds it, or the letter is not sent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from dsr_engine.certificate.letter import Words, check, words_of, write
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.incident import IncidentKind
from dsr_engine.domain.letter import Letter, LetterKind
from dsr_engine.domain.plan import HELD, PlanItem, ResultState
from dsr_engine.domain.policy import KEEPING
from dsr_engine.domain.request import Right
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.errands import held_errands
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.standing import EXTENDED, standing
from dsr_engine.workflow.looking import VERIFIED
from dsr_engine.workflow.notices.recipients import told
from dsr_engine.workflow.records.matching import code_for

_GONE = frozenset({ResultState.DONE, ResultState.ALREADY_ABSENT, ResultState.ABSENT_AFTER_INTERRUPTION})
#: Letters that tell what was done, and so need a case that is closed.
_AFTERWARDS = frozenset({LetterKind.COMPLETION, LetterKind.PARTIAL})
#: What an officer may add by hand.
SAYABLE = ("erased", "question", "reason", "recipients", "verification")


def compose(house: House, case_id: str, kind: LetterKind, said: Mapping[str, str], language: str = "") -> Letter:
    """The letter about this case, with every element that its regimes demand.

    Raises `InputWrong` where something demanded is missing (`said` may supply it), `Conflict` for a letter that the case is not ready for.
    """
    with house.store.snapshot() as tx:
        return composed(tx, house, tx.cases.get(case_id), kind, said, language)


def composed(tx: Transaction, house: House, case: Case, kind: LetterKind, said: Mapping[str, str], language: str = "") -> Letter:
    """As `compose`, of the case as the caller's transaction has it, or is about to have it."""
    unknown = sorted(set(said) - set(SAYABLE))
    if unknown:
        raise InputWrong(f"{unknown[0]} cannot be said in a letter", code="letter.value", hint=f"one of {', '.join(SAYABLE)}")
    _refuse_untimely(tx, case, kind)
    home = house.settings.home
    contact = tx.contacts.of(case.id)
    language = language or (contact.language if contact is not None else "") or house.settings.letters.language
    words = words_of(language, home)
    known = {
        **_of_case(tx, house, case, words),
        **_of_effects(tx, case, words),
        **_promised(tx, house, case, kind, words),
        **_appeal(house, case, words),
        "recipients": told(tx, case, house, language) if kind in _AFTERWARDS and "recipients" not in said else "",
    }
    values = {name: value for name, value in {**known, **_said(said, words)}.items() if value}
    if kind is LetterKind.CLARIFICATION and "question" not in values:
        raise InputWrong("this letter has no question", code="letter.question", hint='say what you need to know: --say "question=…"')
    if kind is LetterKind.COMPLETION and "kept" in values:
        raise Conflict("something was kept, and this letter would not say so", code="letter.partial", hint="write the letter `partial`")
    letter = write(kind, language, values, home)
    check(letter, {element: cite for regime in house.regimes_of(case) for element, cite in regime.letters.get(kind, {}).items()})
    return letter


def _refuse_untimely(tx: Transaction, case: Case, kind: LetterKind) -> None:
    if kind in _AFTERWARDS and case.outcome is None:
        raise Conflict("the case is still open: nothing can be said about what was done", code="letter.early", hint="run the case to its end")
    if kind in _AFTERWARDS and tx.contacts.is_case_forgotten(case.id):
        raise Conflict(
            "what was erased is forgotten: the case's key was shredded", code="letter.forgotten", hint="its certificate says what was done, by kind"
        )
    if kind in _AFTERWARDS and case.right is not Right.ERASURE:
        raise Conflict("this letter tells what was erased, and erasure was not asked for", code="letter.right", hint="answer in words of your own")
    if kind is LetterKind.CORRECTION and not any(entry.kind is IncidentKind.RESIDUE for entry in tx.incidents.of(case.id)):
        raise Conflict("nothing of this case was found again", code="letter.untrue", hint="`dsr incident list` shows what went wrong")
    if kind is LetterKind.EXTENSION and case.outcome is not None:
        raise Conflict("the case is closed: nothing is extended any more", code="case.closed")


def _said(said: Mapping[str, str], words: Words) -> dict[str, str]:
    """What the officer adds. A reason may be given by its code (`complexity`), then it is said in the language of the letter."""
    return {what: words.reasons.get(text, text) if what == "reason" else text for what, text in said.items()}


def _of_case(tx: Transaction, house: House, case: Case, words: Words) -> dict[str, str]:
    settings, calendar = house.settings, house.calendar
    regimes = house.regimes_of(case)
    return {
        "reference": case.subject_ref[:12],
        "asked": words.rights[case.right.value],
        "is_erasure": "yes" if case.right is Right.ERASURE else "",
        "received": words.day(calendar.day_of(case.received_at or case.opened_at)),
        "today": words.day(calendar.day_of(house.clock.now())),
        "decided": words.day(calendar.day_of(case.closed_at)) if case.closed_at else "",
        "verification": words.verification["known" if case.identity else "asked"],
        "controller": settings.controller.get("name", ""),
        "contact": settings.controller.get("contact", ""),
        "authority": settings.letters.authority,
        "court": settings.letters.court,
        "sells_data": "yes" if settings.letters.sells_data else "",
        "kept_for": words.months_or_years(max(regime.log_keep_months for regime in regimes)) if regimes else "",
        "reason": _reason(tx, case, words),
        "match_code": code_for(tx, case),
    }


def _promised(tx: Transaction, house: House, case: Case, kind: LetterKind, words: Words) -> dict[str, str]:
    """Until when the person has an answer. The notice of an extension goes out before that is recorded, and names the later day."""
    stood = standing(tx, house, case)
    if stood is None:
        return {}
    day = stood.limits.answer
    if kind is LetterKind.EXTENSION and stood.limits.extended is not None:
        day = max(day, stood.limits.extended)
    return {"answer_by": words.day(day)}


def _appeal(house: House, case: Case, words: Words) -> dict[str, str]:
    """How the person appeals to the controller, where a regime of the case knows that: until when, how soon it is answered, and to whom after it."""
    terms = next((regime.appeal for regime in house.regimes_of(case) if regime.appeal is not None), None)
    if terms is None:
        return {}
    decided = house.calendar.day_of(case.closed_at or house.clock.now())
    return {
        "appeal_by": words.day(terms.window.last_day(decided, house.calendar)) if terms.window else "",
        "appeal_answer": words.length(terms.answer.length, terms.answer.unit.value),
        "appeal_authority": words.authorities.get(terms.authority, terms.authority) or house.settings.letters.authority,
    }


def _of_effects(tx: Transaction, case: Case, words: Words) -> dict[str, str]:
    items = _items(tx, case)
    held = [what for item in items.held for what in _words(words, item.categories) or [words.category("user")]]
    held += [words.category("user")] if case.outcome is not None and held_errands(tx, case) else []
    kept = {line for item in items.kept for line in _kept(words, item)}
    kept |= {words.kept.format(what=what, why=words.grounds["legal_hold"]) for what in held}
    failed = [what for item in items.failed for what in _words(words, item.categories) or [words.category("user")]]
    kept |= {words.kept.format(what=what, why=words.grounds.get("failed", words.grounds["other"])) for what in failed}
    if items.is_unsearched:
        kept.add(words.kept.format(what=words.category("user"), why=words.grounds.get("not_searched", words.grounds["other"])))
    has_any = bool(items.gone or kept or tx.tasks.of(case.id))
    return {
        "nothing_found": "" if has_any or case.outcome is None else "yes",
        "erased": _bullets(_words(words, (category for item in items.gone for category in item.categories))),
        "kept": _bullets(sorted(kept)),
    }


@dataclass(frozen=True, slots=True)
class _Items:
    """The items of a case by what became of their records. What an earlier round kept and the last one did not is no longer kept.

    `held`: some of their records were to go, and a legal hold that came after the approval kept them. `failed`: the system did not let them go.
    `is_unsearched`: the last look was not made everywhere.
    """

    gone: tuple[PlanItem, ...]
    kept: tuple[PlanItem, ...]
    held: tuple[PlanItem, ...] = ()
    failed: tuple[PlanItem, ...] = ()
    is_unsearched: bool = False


def _items(tx: Transaction, case: Case) -> _Items:
    if case.outcome is None:
        return _Items((), ())
    plans = [plan for number in range(1, case.round + 1) if (plan := tx.plans.of(case.id, number)) is not None]
    results = [tx.results.of(plan.id) for plan in plans]
    looked = tx.coverage.of(case.id, case.round, VERIFIED)
    by_people = {task.system for task in tx.tasks.of(case.id)} | held_errands(tx, case).keys()
    held = {result.item for last in results[-1:] for result in last if result.code == HELD}
    failed = {result.item for last in results[-1:] for result in last if result.state is ResultState.FAILED}
    changed = {result.item for of_plan in results for result in of_plan if result.state in _GONE}
    return _Items(
        gone=tuple(item for plan in plans for item in plan.items if item.id in changed and item.treatment not in KEEPING),
        kept=tuple(item for plan in plans[-1:] for item in plan.items if item.treatment in KEEPING),
        held=tuple(item for plan in plans[-1:] for item in plan.items if item.id in held),
        failed=tuple(item for plan in plans[-1:] for item in plan.items if item.id in failed),
        is_unsearched=any(row.extent is not Extent.FULL for row in looked if row.system not in by_people),
    )


def is_in_part(tx: Transaction, case: Case) -> bool:
    """True unless everything of the person that was looked for is gone: only recipients or the like are open then."""
    items = _items(tx, case)
    is_known = tx.plans.of(case.id, case.round) is not None
    return not is_known or bool(items.kept or items.held or items.failed or items.is_unsearched or held_errands(tx, case))


def _words(words: Words, categories: Iterable[str]) -> list[str]:
    return sorted({words.category(category) for category in categories})


def _kept(words: Words, item: PlanItem) -> Iterable[str]:
    for reason in item.reasons:
        if reason.treatment not in KEEPING:
            continue
        ground = words.grounds.get(reason.because, words.grounds["other"])
        law = words.law.format(law=reason.law) if reason.law and reason.because != "legal_hold" else ""
        until = words.until.format(day=words.day(reason.until)) if isinstance(reason.until, date) else ""
        for category in _words(words, item.categories) or [words.category("user")]:
            yield words.kept.format(what=category, why=f"{ground}{law}{until}")


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"– {line}" for line in lines)


def _reason(tx: Transaction, case: Case, words: Words) -> str:
    """Why a case was extended or refused, in words; empty where it was neither."""
    extended = next((entry.plan_digest for entry in tx.approvals.of(case.id) if entry.manner == EXTENDED), "")
    refused = next((str(body["reason"]) for _, body in tx.ledger.find("case.refused", case=case.id)), "")
    return words.reasons.get(refused or extended, "")
