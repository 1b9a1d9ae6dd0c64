"""What people decide on the way: about possible findings, shared identifiers, refusal, withdrawal."""

import secrets
from collections.abc import Iterable
from dataclasses import replace

from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage
from dsr_engine.domain.correction import NOT_THEIRS as CORRECTED_NOT_THEIRS
from dsr_engine.domain.correction import Kind
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.finding import Finding
from dsr_engine.domain.plan import ResultState
from dsr_engine.domain.policy import Treatment
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.access.bounds import is_released
from dsr_engine.workflow.asking import ANSWERS, ERASE, KEEP, REDACT, WEIGHED, kept_for
from dsr_engine.workflow.correcting.permitting import Wanted
from dsr_engine.workflow.correcting.reasons import check_reason
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.forgetting import forget
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.entitling import is_immediate
from dsr_engine.workflow.law.standing import refusal_late
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.letters.corresponding import write_ending
from dsr_engine.workflow.records.replying import note_closed

#: Why a request is refused that a law lets the controller refuse.
EXEMPT = "exempt"
#: It is about this person: treated as a record that belongs to them.
THEIRS = "theirs"
#: It is about somebody else: left alone, and expected to be there afterwards.
NOT_THEIRS = "not_theirs"
#: It is about this person and stays all the same; the certificate names it as an exception.
STAYS = "stays"
#: It is about this person as a mention: treated by the rules for mentions.
MENTIONED = "mentioned"

VERDICTS = (THEIRS, NOT_THEIRS, STAYS, MENTIONED, *ANSWERS)

_BEFORE_EFFECTS = frozenset({Stage.INTAKE, Stage.VERIFY_IDENTITY, Stage.RESOLVE_IDENTITIES, Stage.DISCOVER, Stage.PLAN, Stage.APPROVE})


def decide_findings(
    house: House, case_id: str, verdicts: Iterable[tuple[str, str]], by: str, *, because: str = "", law: str = "", weighed: str = ""
) -> int:
    """Stores a person's verdicts (finding id, verdict) and lets the plan be made anew. Gives how many were stored.

    `erase`, `redact` and `keep` answer a rule that asks. `keep` needs a reason, which is one of `correction.REASONS` or a ground of every law of the
    case with its citation `law`. `weighed` (one of `asking.WEIGHED`) is why the others let something go, where somebody says it.
    """
    stored = 0
    decided = tuple(verdicts)
    with house.store.transaction() as tx:
        case = _before_effects(tx, case_id)
        if is_released(tx, case, house.clock.now()):
            raise Conflict("the copy is released, with what was decided then", code="copy.released", hint="take it back first")
        person = tx.people.id_of(by)
        if any(verdict == KEEP for _, verdict in decided):
            _check_keeping(tx, house, case, because, law)
        _check_weighed(weighed)
        own = tx.reviews.there(case_id, case.round, FOUND, (finding for finding, _ in decided))
        asked = tx.findings.asked(case_id, case.round, FOUND)
        for finding, verdict in decided:
            _check_verdict(finding, verdict, own, asked)
            reason = {"because": because, "law": law} if verdict == KEEP else {"because": weighed} if weighed and verdict in (ERASE, REDACT) else {}
            tx.findings.decide(finding, kept_for(because, law) if verdict == KEEP else verdict, person, house.clock.now())
            key = f"{finding}:{secrets.token_hex(8)}"  # who changes their mind decides twice
            tx.ledger.append(leaf(house.clock, "finding.decided", key, case=case_id, finding=finding, verdict=verdict, by=person, **reason))
            stored += 1
        if case.stage is Stage.APPROVE:
            tx.cases.save(replace(case, stage=Stage.PLAN, wait=None))
    return stored


def _check_verdict(finding: str, verdict: str, own: frozenset[str], asked: frozenset[str]) -> None:
    if finding not in own:
        raise InputWrong(f"the case has no finding {finding}", code="finding.unknown", hint="it may have been found anew under another id")
    if verdict not in VERDICTS:
        raise InputWrong(f"no such verdict: {verdict}", code="verdict.unknown", hint=f"use one of {', '.join(VERDICTS)}")
    if verdict in ANSWERS and finding not in asked:
        raise InputWrong(
            f"no rule of the policy leaves finding {finding} to a person, so its rules decide what happens to it",
            code="verdict.not_asked",
            hint=f"say whose it is: {THEIRS}, {MENTIONED}, {NOT_THEIRS} or {STAYS}; `then: ask` in a rule leaves the rest to you",
        )


def _check_weighed(weighed: str) -> None:
    if weighed and weighed not in WEIGHED:
        raise InputWrong("this is no reason for letting something go", code="verdict.weighed", hint=f"one of {', '.join(WEIGHED)}")


def _check_keeping(tx: Transaction, house: House, case: Case, because: str, law: str) -> None:
    if not because or because == CORRECTED_NOT_THEIRS:
        raise InputWrong(
            "what is kept needs a reason",
            code="verdict.reason",
            hint=f"a ground of the laws with its statute (legal_obligation, § 257 HGB); else `{NOT_THEIRS}` or `{STAYS}`",
        )
    check_reason(tx, house.regimes_of(case), Wanted(Kind.EXCLUDE, Treatment.RETAIN, because, law), "")


def possible_findings(tx: Transaction, case: Case, phase: str) -> list[tuple[str, Finding]]:
    """The findings of this round that wait for a person, with their ids; none of a closed case, which may be forgotten already."""
    if case.stage is Stage.CLOSED:
        return []
    verdicts = tx.findings.verdicts(case.id)
    asked = tx.findings.asked(case.id, case.round, phase)
    found = tx.findings.of(case.id, case.round, phase)
    return [(id_, finding) for id_, finding in found if (finding.confidence.rank == 0 or id_ in asked) and id_ not in verdicts]


def close_unfulfilled(house: House, case_id: str, outcome: Outcome, reason: str, by: str, *, evidence: str = "") -> int:
    """Refuses or withdraws a case before it had any effect. The reason is a code; free text may name people and is not kept.

    An order of an authority is not refused or withdrawn; it ends with `evidence`, the digest of what shows that it does not bind any more.
    Gives by how many days a refusal came after its limit; 0 if it did not.
    """
    with house.store.transaction() as tx:
        case = _before_effects(tx, case_id)
        if case.kind is CaseKind.SUPERVISORY_ORDER and not evidence:
            raise Conflict(
                "an authority ordered this: it can be neither refused nor withdrawn",
                code="order.binding",
                hint=f"carry it out; if the order was taken back or annulled: `dsr case end-order {case_id} --evidence FILE`",
            )
        if outcome is Outcome.REFUSED and reason == EXEMPT and is_immediate(tx, house, case):
            raise Conflict(
                "the person objected to direct marketing: no exemption is held against that",
                code="ground.absolute",
                hint="take the ground back if they did not (`dsr case ground --take-back`), or carry it out",
            )
        if _had_effect(tx, case):
            raise Conflict(
                "an earlier round of the case had effects: it cannot be closed as if nothing had happened",
                code="case.had_effect",
                hint="carry it through; its certificate says what was done and what was left",
            )
        person = tx.people.id_of(by)
        late = refusal_late(tx, house, case) if outcome is Outcome.REFUSED else 0
        facts: dict[str, int | str] = {"late_days": late} if late else {}
        facts |= {"evidence": evidence} if evidence else {}
        after = replace(case, stage=Stage.CLOSED, wait=None, outcome=outcome, closed_at=house.clock.now())
        tx.cases.save(after)
        note_closed(tx, house, after, basis=(reason,) if outcome is Outcome.REFUSED else ())
        tx.ledger.append(leaf(house.clock, f"case.{outcome.value}", case_id, case=case_id, reason=reason, by=person, **facts))
        write_ending(tx, house, after)
        forget(tx, house, case_id)
    return late


def _had_effect(tx: Transaction, case: Case) -> bool:
    plans = [plan for number in range(1, case.round + 1) if (plan := tx.plans.of(case.id, number)) is not None]
    made = (ResultState.DONE, ResultState.ACCEPTED, ResultState.ABSENT_AFTER_INTERRUPTION)
    return any(result.state in made for plan in plans for result in tx.results.of(plan.id))


def _before_effects(tx: Transaction, case_id: str) -> Case:
    case = tx.cases.locked(case_id)
    if case.stage not in _BEFORE_EFFECTS:
        raise Conflict(
            f"the case is at {case.stage.value}: it is too late for that",
            code="case.stage",
            hint="what was executed cannot be undone; `dsr case show` tells what happened",
        )
    return case
