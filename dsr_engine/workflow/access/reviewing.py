"""An officer looks over what was found before a copy is handed out: possible findings, and records that may name other people.

A case about a copy ends its way through the stages here. It stands at DISCOVER until somebody releases the copy, and afterwards until the answer is
recorded (`records/replying.py`), which closes it and forgets it. Nothing is planned for it, and so nothing can be erased.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dsr_engine.content.match import Matcher
from dsr_engine.domain.case import Case, Stage, Wait
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.finding import Confidence, Coverage, Match
from dsr_engine.domain.request import Right
from dsr_engine.store.access import Possible
from dsr_engine.store.copies import CopyRecord, CopyState
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.access.bounds import ends_at, is_of_copy, is_out
from dsr_engine.workflow.access.choosing import BLACKEN, EXCLUDE, REASONS, may_name_others, seen_text
from dsr_engine.workflow.access.entitled import weak_identity
from dsr_engine.workflow.access.reading import PORTION, Answer, answers, places_of
from dsr_engine.workflow.discover import discover
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.looking import FOUND
from dsr_engine.workflow.step import Stand, Step
from dsr_engine.workflow.turn import Turn

REVIEW = "copy_review"
READY = "copy_ready"
TREATMENTS = (EXCLUDE, BLACKEN)
#: What a digest of a record's content is made for.
_PURPOSE = "copy"


def is_searched(turn: Turn, case: Case) -> bool:
    """True once everything of this round was found and read; running the case again does not search again."""
    with turn.transaction() as tx:
        state = tx.copies.of(case.id)
    return state is not None and state.round == case.round and state.surveyed_at is not None


def look(case: Case, turn: Turn, house: House) -> Step:
    """DISCOVER: an erasure goes on to its plan; a case about a copy stays here, and a person looks it over."""
    if case.right is Right.ERASURE:
        return discover(case, turn, house)
    if not is_searched(turn, case):
        step = discover(case, turn, house)
        if isinstance(step, Stand):
            return step
    return stand_for_review(case, turn, house)


def stand_for_review(case: Case, turn: Turn, house: House) -> Step:
    """After the search: every record is read once, so that the officer knows what to look at; then a person is waited for."""
    if not is_searched(turn, case):
        _survey(case, turn, house)
    with turn.transaction() as tx:
        state = tx.copies.of(case.id)
        weak = weak_identity(tx, house, case)
    if weak is not None:
        return Stand(weak)
    return Stand(_standing(state, case, house))


def _standing(state: CopyState | None, case: Case, house: House) -> Wait:
    return _ready(case, house, state) if state is not None and is_out(state, house.clock.now()) else _unreleased(case, house)


def _unreleased(case: Case, house: House) -> Wait:
    return Wait(
        REVIEW,
        "what was found has to be looked over before the person gets a copy of it",
        f"decide about possible findings, look at records that name others, then release the copy (/cases/{case.id}/copy)",
        house.clock.now(),
    )


def _ready(case: Case, house: House, state: CopyState) -> Wait:
    return Wait(
        READY,
        "the copy is released: it is made from the systems whenever it is fetched",
        f"hand it out, then record the answer: `dsr case answered {case.id} --outcome … --on DATE`, which forgets the person",
        house.clock.now(),
        ends_at(state),
    )


def _survey(case: Case, turn: Turn, house: House) -> None:
    """Reads every record once. Kept are a digest of what a person will decide about, and that a record may name others."""
    with turn.transaction() as tx:
        matcher = Matcher({case.id: tuple(tx.selectors.of(case.id))})
    places = places_of(house, case)
    house.progress.begin("reading what was found", len(places))
    special: list[CopyRecord] = []
    for number, answer in enumerate(answers(house, case, places, matcher), start=1):
        special += _special(house, case, answer, matcher)
        if number % PORTION == 0 or len(special) >= PORTION:
            _keep(case, turn, special)
            special = []
        house.progress.advance("reading what was found", len(answer.wanted))
    _keep(case, turn, special)
    house.progress.end("reading what was found")
    with turn.transaction() as tx:
        tx.copies.surveyed(case.id, case.round, house.clock.now())


def _keep(case: Case, turn: Turn, special: Sequence[CopyRecord]) -> None:
    """In between also where there is nothing to keep: the transaction is what says that this worker still is at work on the case."""
    with turn.transaction() as tx:
        tx.copies.put(case.id, special)


def _special(house: House, case: Case, answer: Answer, matcher: Matcher) -> Iterable[CopyRecord]:
    """A record that is there and could not be read may name anybody; what a person says about it holds for no content."""
    if answer.record is None:
        yield from (CopyRecord(one.id, None, names_others=True) for one in answer.wanted if answer.error and one.finding.match is Match.OWNS)
        return
    for one in answer.wanted:
        names = may_name_others(matcher, one.finding, answer.record)
        is_possible = one.finding.confidence is Confidence.POSSIBLE
        if names or is_possible:
            seen = digest_of(house, case.id, seen_text(one.finding, answer.record)) if is_possible else None
            yield CopyRecord(one.id, seen, names)


def digest_of(house: House, case_id: str, text: bytes) -> bytes:
    """HMAC-SHA-256 under the case's key: equal content is known again, and after the case was forgotten nothing is."""
    return house.store.vault.mac(case_id, text, purpose=_PURPOSE)


@dataclass(frozen=True, slots=True)
class Review:
    """How far a copy is. `groups` are counts by system and collection: own records, mentions, possible ones that were decided in or out.

    `naming` of the records may name other people, `looked` of them were decided about. `undecided` possible findings keep the copy back.
    """

    case: Case
    state: CopyState | None
    groups: Mapping[tuple[str, str], Mapping[str, int]]
    undecided: int
    naming: int
    looked: int
    treated: Mapping[str, int]
    coverage: tuple[Coverage, ...]
    weak: Wait | None
    at: datetime

    @property
    def is_released(self) -> bool:
        return self.state is not None and self.state.round == self.case.round and is_out(self.state, self.at)

    @property
    def ends_at(self) -> datetime | None:
        """When a release ends, or ended, after which nobody can fetch the copy; None where it was not released."""
        return ends_at(self.state) if self.state is not None and self.state.round == self.case.round else None

    @property
    def is_searched(self) -> bool:
        return self.state is not None and self.state.round == self.case.round and self.state.surveyed_at is not None


def review_of(house: House, case_id: str) -> Review:
    """How the copy of this case stands; counts only. Raises `InputWrong` for a case that is not about a copy."""
    with house.store.snapshot() as tx:
        case = tx.cases.get(case_id)
        if case.stage is Stage.CLOSED or not is_of_copy(case):
            return Review(case, None, {}, 0, 0, 0, {}, (), None, house.clock.now())
        groups: dict[tuple[str, str], dict[str, int]] = {}
        for (system, collection, match, confidence), count in tx.findings.counts(case_id, case.round, FOUND).items():
            name = "possible" if confidence is Confidence.POSSIBLE else "own" if match is Match.OWNS else "mentions"
            group = groups.setdefault((system, collection), {})
            group[name] = group.get(name, 0) + count
        naming, looked = tx.copies.naming_others_count(case_id)
        return Review(
            case,
            tx.copies.of(case_id),
            groups,
            tx.copies.undecided(case_id, case.round, FOUND),
            naming,
            looked,
            tx.copies.treated(case_id),
            tuple(tx.coverage.of(case_id, case.round, FOUND)),
            weak_identity(tx, house, case) if case.stage is Stage.DISCOVER else None,
            house.clock.now(),
        )


@dataclass(frozen=True, slots=True)
class Naming:
    """A page of the records of a copy that may name other people. `after` asks for the next page (empty: there is none)."""

    case: Case
    records: tuple[Possible, ...]
    known: Mapping[str, CopyRecord]
    after: str = ""
    may_decide: bool = False


def naming_others(house: House, case_id: str, after: str = "", most: int = 50) -> Naming:
    """The person's own records in which somebody else may be named; nothing once the case is closed."""
    with house.store.snapshot() as tx:
        case = tx.cases.get(case_id)
        if case.stage is Stage.CLOSED or not is_of_copy(case):
            return Naming(case, (), {})
        ids = tx.copies.naming_others(case_id, after, most + 1)
        found = tx.reviews.chosen(case_id, ids[:most])
        known = tx.copies.records(case_id, ids[:most])
        state = tx.copies.of(case_id)
    records = tuple(Possible(id_, finding) for id_, finding in found.items())
    is_open = case.stage is Stage.DISCOVER and state is not None and not is_out(state, house.clock.now())
    return Naming(case, records, known, ids[most - 1] if len(ids) > most else "", is_open)


def treat_record(house: House, case_id: str, finding_id: str, treatment: str, reason: str, by: str) -> None:
    """Leaves a record out of the copy, has what names others blackened in it, or (`treatment` empty) gives it as it is, having looked at it.

    `reason` is a code of `REASONS`; free text may name people. Raises `InputWrong` for what is unknown, `Conflict` once the copy is released.
    """
    if treatment and treatment not in TREATMENTS:
        raise InputWrong(f"no such treatment: {treatment}", code="copy.treatment", hint=f"one of {', '.join(TREATMENTS)}")
    if treatment and reason not in REASONS:
        raise InputWrong(f"no such reason: {reason}", code="copy.reason", hint=f"one of {', '.join(REASONS)}")
    with house.store.transaction() as tx:
        case = _open_review(tx, house, case_id)
        if finding_id not in tx.reviews.there(case_id, case.round, FOUND, (finding_id,)):
            raise InputWrong(f"the case has no finding {finding_id}", code="finding.unknown", hint="it may have been found anew under another id")
        person = tx.people.id_of(by)
        tx.copies.treat(case_id, finding_id, treatment, reason if treatment else "", person, house.clock.now())
        key = f"{finding_id}:{secrets.token_hex(8)}"
        facts = {"treatment": treatment or "give", "reason": reason if treatment else ""}
        tx.ledger.append(leaf(house.clock, "copy.treated", key, case=case_id, finding=finding_id, by=person, **facts))


def release(house: House, case_id: str, by: str) -> Case:
    """Lets the copy be fetched. Raises `Conflict` while something is undecided or it is not sure enough who asked."""
    with house.store.transaction() as tx:
        case = _open_review(tx, house, case_id)
        weak = weak_identity(tx, house, case)
        if weak is not None:
            raise Conflict(weak.reason, code=weak.code, hint=weak.needs)
        undecided = tx.copies.undecided(case_id, case.round, FOUND)
        if undecided:
            raise Conflict(
                f"{undecided} possible findings are undecided: nobody knows yet whose they are",
                code="copy.undecided",
                hint=f"decide about them (/cases/{case_id}/possible, or `dsr case decide`)",
            )
        person = tx.people.id_of(by)
        tx.copies.release(case_id, person, house.clock.now())
        after = replace(case, wait=_standing(tx.copies.of(case_id), case, house))
        tx.cases.save(after)
        key = f"{case_id}:{secrets.token_hex(8)}"
        tx.ledger.append(leaf(house.clock, "copy.released", key, case=case_id, round=case.round, by=person))
    return after


def take_back(house: House, case_id: str, by: str) -> Case:
    """Holds a released copy back again. What was fetched already is out of anybody's hands."""
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        if not tx.copies.take_back(case_id):
            raise Conflict("the copy is not released", code="copy.unreleased")
        after = replace(case, wait=_unreleased(case, house))
        tx.cases.save(after)
        key = f"{case_id}:{secrets.token_hex(8)}"
        tx.ledger.append(leaf(house.clock, "copy.taken_back", key, case=case_id, by=tx.people.id_of(by)))
    return after


def _open_review(tx: Transaction, house: House, case_id: str) -> Case:
    case = tx.cases.locked(case_id)
    state = tx.copies.of(case_id)
    if not is_of_copy(case) or case.stage is not Stage.DISCOVER or state is None or state.round != case.round:
        raise Conflict("there is no copy to be looked over yet", code="copy.early", hint="the systems have to be searched first")
    if is_out(state, house.clock.now()):
        raise Conflict("the copy is released", code="copy.released", hint="take it back first")
    return case
