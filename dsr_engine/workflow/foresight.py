"""Asks a system what a plan would do to it, before anybody approves: fingerprints, dependents, refusals. Nothing is written.

Dependents of a row that is to go (`policies/README.md`, *From fields to records*): what a cascade would take goes with it, listed and counted,
unless a rule keeps that collection; everything else that points at the row makes it an anonymous shell. Nothing is taken or cut loose silently.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.case import Case, CaseKind
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.hold import NOTHING_KNOWN, Bearing, Hold
from dsr_engine.domain.plan import Delete, Notice, Obstacle, PlanItem, Planned, Reason, Rewrite
from dsr_engine.domain.policy import KEEPING, Policy, Treatment, concerns
from dsr_engine.domain.record import Locator
from dsr_engine.domain.selector import Selector
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Change, CollectionFacts, Driver, Foreseen, Moved, Present, Watched
from dsr_engine.workflow.batching import Draft, Ranks
from dsr_engine.workflow.disposal import Disposal, Shape, fixed_links, shell
from dsr_engine.workflow.holds.protecting import may_concern
from dsr_engine.workflow.house import House
from dsr_engine.workflow.mailboxes import notice_of

#: Turning rows into shells can only remove deletions, so the fixed point is near; the bound is there for a driver that contradicts itself.
MOST_PASSES = 6
#: How every kind of bucket ends its refusal to rewrite an old version, a snapshot or a generation.
NONCURRENT = ".noncurrent"
#: Refusals that end only when the file goes as a whole: its format cannot be written, or its store takes no other content for it.
UNWRITABLE = frozenset({"format.cannot_rewrite", "azure.blob_type", "azure.metadata_full", "gcs.metadata_full"})
#: How the codes of signatures begin that a rewrite breaks.
SIGNATURE = "mail.signature_"
_SAMPLE = 1000


def fingerprint(house: House, case: Case, state: bytes) -> bytes:
    """The keyed fingerprint of a record's state: useless to whoever does not have the case's key."""
    return house.store.vault.mac(case.id, state, purpose="fingerprint")


def watched(house: House, case: Case, item: PlanItem, records: Sequence[Planned] | None = None) -> list[Watched]:
    """The records of an item (or these of them) to be observed: each with what the plan makes of it, so that it is known wherever it then lies."""

    def of(planned: Planned) -> Watched:
        foreseen = planned.becomes
        if foreseen is None or foreseen == planned.expect:
            return Watched(planned.locator, item.fields)
        return Watched(planned.locator, item.fields, lambda state: fingerprint(house, case, state) == foreseen)

    return [of(planned) for planned in (item.records if records is None else records)]


def rewriter_for(house: House, case: Case, selectors: Sequence[Selector]) -> CaseRewriter:
    """The same rewriter at plan time, at execution and after a crash: pure in the case's key and selectors."""
    key = house.store.vault.key(case.id, "anonymize")
    return CaseRewriter(Matcher({case.id: tuple(selectors)}), case.id, key, reference=case.subject_ref[:12])


def is_superseded(answer: Foreseen) -> bool:
    """True if a system refuses because this is an old version, a snapshot or a generation; each kind of bucket has a code of its own."""
    return answer.refusal is not None and answer.refusal.code.endswith(NONCURRENT)


def _below(name: str, children: Mapping[str, set[str]]) -> set[str]:
    """All collections from which links lead to this one, at any distance."""
    found: set[str] = set()
    todo = [name]
    while todo:
        for child in children.get(todo.pop(), ()):
            if child not in found:
                found.add(child)
                todo.append(child)
    return found


@dataclass(slots=True)
class Foresight(AbstractContextManager["Foresight"]):
    """One system, seen ahead. Holds a read-only connection while it is open.

    `wholes` are records that a person said shall go as wholes; `unwritable` are findings in files that cannot be written without the person.
    """

    case: Case
    system: System
    policy: Policy
    house: House
    driver: Driver
    rewriter: CaseRewriter
    facts: dict[str, CollectionFacts]
    obstacles: list[Obstacle] = field(default_factory=list)
    shared: Counter[str] = field(default_factory=Counter)
    sharing: Counter[str] = field(default_factory=Counter)
    remarks: dict[Notice, None] = field(default_factory=dict)
    unsealed: Counter[Notice] = field(default_factory=Counter)
    holds: tuple[Hold, ...] = ()
    people: frozenset[str] = frozenset()
    bearings: Mapping[Locator, Bearing] = field(default_factory=dict)
    spared: frozenset[str] = frozenset()
    wholes: frozenset[Locator] = frozenset()
    unwritable: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, case: Case, system: System, policy: Policy, house: House) -> "Foresight":
        with house.store.transaction() as tx:
            selectors = tx.selectors.of(case.id)
        driver = house.open_driver(system, read_only=True)
        try:
            facts = {entry.name: entry for entry in driver.describe()}
        except DsrError:
            driver.close()
            raise
        return cls(case, system, policy, house, driver, rewriter_for(house, case, selectors), facts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.driver.close()

    def protect(self, holds: tuple[Hold, ...], people: frozenset[str], bearings: Mapping[Locator, Bearing], spared: frozenset[str]) -> None:
        """Says which holds are in force, whom the case is about, and what holds may ask of its records: a cascade must not get around them.

        `spared` are the collections in which people corrected the plan: no cascade reaches there either.
        """
        self.holds, self.people, self.bearings, self.spared = holds, people, bearings, spared

    def shape(self, collection: str) -> Shape:
        """What disposal needs to know of a collection."""
        return Shape(self.facts.get(collection), self.system.manifest.collection_named(collection), self.system.manifest.driver == "sql")

    def ranks(self) -> Ranks:
        children: dict[str, set[str]] = {}
        for name, entry in self.facts.items():
            for link in entry.links:
                children.setdefault(link.to_collection, set()).add(name)
            if entry.made_from:  # a copy is refreshed when everything that it is made from has been treated
                children.setdefault(name, set()).update(entry.made_from)
        below = {name: _below(name, children) for name in children}
        return Ranks(
            {name: entry.rank for name, entry in self.facts.items()},
            {parent: frozenset(names - {parent}) for parent, names in children.items()},
            self.system.manifest.driver == "sql",
            {name: frozenset(one for one in found if name in below.get(one, ())) for name, found in below.items() if name in found},
        )

    def stays(self, disposals: Sequence[Disposal]) -> list[Draft]:
        """Records that nothing is done to, with the fingerprint under which they are expected to be there afterwards."""
        drafts = []
        for start in range(0, len(disposals), _SAMPLE):
            batch = disposals[start : start + _SAMPLE]
            seen = self.driver.observe([Watched(entry.locator, entry.fields) for entry in batch])
            for entry, now in zip(batch, seen, strict=True):
                if isinstance(now, Present | Moved):
                    mark = fingerprint(self.house, self.case, now.state)
                    drafts.append(Draft(entry, mark, mark, now.server))
        return drafts

    def foreseen(self, disposals: Sequence[Disposal]) -> list[Draft]:
        """Drafts of all disposals; those that the system refuses become obstacles."""
        kept = [entry for entry in disposals if entry.effect is None]
        acting = [entry for entry in disposals if entry.effect is not None]
        if acting:
            self._check_rights()
        for _ in range(MOST_PASSES):
            answers = self._ask(acting, kept)
            revised = [self._revised(entry, answer) for entry, answer in zip(acting, answers, strict=True)]
            if all(after is before for after, before in zip(revised, acting, strict=True)):
                break
            kept += [entry for entry in revised if entry is not None and entry.effect is None]
            acting = [entry for entry in revised if entry is not None and entry.effect is not None]
        else:
            self.obstacles.append(Obstacle("system.unsteady", "the system gives a different answer each time it is asked what a deletion would do"))
            return []
        return self._drafts(acting, answers) + self.stays(kept)

    def _check_rights(self) -> None:
        """A right that is missing must show before somebody approves, not in the middle of the effects."""
        for problem in self.driver.check():
            if problem.is_fatal:
                text = f"{problem.message} ({problem.hint})" if problem.hint else problem.message
                self.obstacles.append(Obstacle(problem.code, text, self.system.name))

    def _ask(self, disposals: Sequence[Disposal], kept: Sequence[Disposal]) -> Sequence[Foreseen]:
        """The answers for the disposals. What the person carries must know which of the records that point at it are theirs and stay."""
        changes = [Change(entry.locator, entry.effect or Delete(), entry.fields, b"", "") for entry in disposals]
        if any(entry.is_carried for entry in disposals):
            changes += [Change(entry.locator, Rewrite(()), entry.fields, b"", "") for entry in kept if not entry.is_carried]
        return self.driver.foresee(changes, self.rewriter)[: len(disposals)] if disposals else []

    def _revised(self, entry: Disposal, answer: Foreseen) -> Disposal | None:
        """The disposal as it is, or what it has to become instead; None if it cannot be done (an obstacle says why)."""
        if is_superseded(answer) and self.policy.request.superseded == "delete":
            reason = Reason(Treatment.DELETE, "superseded versions", self.policy.source, "request.superseded")
            return replace(entry, treatment=Treatment.DELETE, effect=Delete(), reasons=(*entry.reasons, reason))
        if answer.refusal is not None and answer.refusal.code in UNWRITABLE and self._may_go_whole(entry):
            return self._whole(entry)
        others = sum(dep.count for dep in answer.dependents) - answer.staying
        if entry.is_carried and entry.effect is not None and others > 0:
            self.shared[entry.locator.collection] += 1
            self.sharing[entry.locator.collection] += others
            reason = Reason(Treatment.RETAIN, "others point at it too", self.system.manifest.source, "rights_of_others")
            return replace(entry, treatment=Treatment.RETAIN, effect=None, reasons=(reason,))
        if isinstance(entry.effect, Delete) and (self._must_stay(answer) or self._takes_held(entry, answer)):
            hollow = shell(entry, self.shape(entry.locator.collection), self._categorised(entry.locator.collection))
            if hollow is None:
                message = "others point at these records and no manifest says which of their fields are personal"
                self.obstacles.append(Obstacle("shell.unmapped", message, self.system.name, entry.locator.collection))
            self._note_links(entry.locator.collection)
            return hollow
        return entry

    def freed(self, entry: Disposal) -> Disposal:
        """The disposal as it is; or, where the person cannot be cut out of a file and the policy lets such files go, its deletion."""
        return self._whole(entry) if entry.stuck and self._may_go_whole(entry) else entry

    def _may_go_whole(self, entry: Disposal) -> bool:
        """True if the policy, or a person, lets the file go with whatever else is in it, and nothing is known that has to stay.

        Nobody looks for other people in it, so any hold that may reach its collection keeps it. A sweep is about single records: never for it.
        """
        return (
            (entry.locator.whole in self.wholes or (self.policy.request.unwritable == "delete" and self.system.manifest.driver == "objectstore"))
            and self.case.kind is not CaseKind.SWEEP
            and not entry.keeps_part
            and not any(reason.treatment in KEEPING for reason in entry.reasons)
            and not any(may_concern(hold, self.case.id, self.system, entry.locator.collection) for hold in self.holds)
        )

    def _whole(self, entry: Disposal) -> Disposal:
        text = "the person cannot be cut out of these files: each goes as a whole, with whatever else is in it"
        self.remarks[Notice("file.whole", text, self.system.name, entry.locator.collection)] = None
        is_told = entry.locator.whole in self.wholes
        rule = "files that cannot be rewritten (decided by a person)" if is_told else "files that cannot be rewritten"
        reason = Reason(Treatment.DELETE, rule, self.policy.source, "" if is_told else "request.unwritable")
        return replace(entry, treatment=Treatment.DELETE, effect=Delete(), reasons=(*entry.reasons, reason), stuck="")

    def _note_links(self, collection: str) -> None:
        """A shell goes on showing whom it pointed at where a link can neither be emptied nor pointed elsewhere."""
        shape = self.shape(collection)
        for name in fixed_links(shape):
            text = f"{name} may not be empty and names no neutral record, so the anonymous row goes on pointing at what it carried"
            self.remarks[Notice("link.stays", text, self.system.name, collection)] = None

    def notices(self) -> list[Notice]:
        """What whoever approves should know, beside the obstacles."""
        stays = [
            Notice(
                "shared.stays",
                "others point at these records too, so they stay",
                self.system.name,
                collection,
                f"{count} records, at which {self.sharing[collection]} others point",
            )
            for collection, count in sorted(self.shared.items())
        ]
        unsealed = [replace(notice, today=f"{count} mails") for notice, count in sorted(self.unsealed.items(), key=lambda entry: entry[0].code)]
        return [*self.remarks, *stays, *unsealed, *notice_of(self.system)]

    def _must_stay(self, answer: Foreseen) -> bool:
        """True if a record that stays points at it; a cascade must not take one that has a treatment of its own either."""
        return answer.staying > 0 or any(dep.on_delete != "cascade" or self._is_kept(dep.collection) for dep in answer.dependents if dep.count)

    def _takes_held(self, entry: Disposal, answer: Foreseen) -> bool:
        """True if records that may be under a legal hold would go with it. When they are from is not known of records that nobody read."""
        bearing = Bearing(people=self.bearings.get(entry.locator, NOTHING_KNOWN).people)
        holds = [hold for hold in self.holds if hold.holds(bearing, self.people)]
        return any(may_concern(hold, self.case.id, self.system, dep.collection) for dep in answer.dependents if dep.count for hold in holds)

    def _is_kept(self, collection: str) -> bool:
        """True if a rule keeps data of this collection on a legal ground, or a correction does: a cascade must not get around it."""
        origin = self.system.manifest.origin_of(collection)
        return bool({collection, origin} & self.spared) or any(
            concerns(rule, self.system.name, origin) and ((rule.keep is not None and not rule.keep.is_purpose) or rule.then.treatment in KEEPING)
            for rule in self.policy.rules
        )

    def _categorised(self, collection: str) -> dict[str, str]:
        known = self.system.manifest.collection_named(collection)
        return {entry.name: entry.category for entry in known.fields if entry.category and not entry.is_actor} if known else {}

    def _drafts(self, disposals: Sequence[Disposal], answers: Sequence[Foreseen]) -> list[Draft]:
        drafts = []
        refused: Counter[tuple[str, str, str]] = Counter()
        for entry, answer in zip(disposals, answers, strict=True):
            for told in answer.warnings:
                if told.code.startswith(SIGNATURE):  # counted for the whole system: a line for each of a thousand folders would hide the rest
                    self.unsealed[Notice(told.code, told.message, self.system.name)] += 1
                    continue
                self.remarks[Notice(told.code, told.message, self.system.name, entry.locator.collection, told.hint)] = None
            if answer.refusal is not None:
                text = f"{answer.refusal.message} ({answer.refusal.hint})" if answer.refusal.hint else answer.refusal.message
                refused[answer.refusal.code, text, entry.locator.collection] += 1
                self.unwritable += entry.findings if answer.refusal.code in UNWRITABLE else ()
            elif answer.state is not None:
                becomes = None if answer.becomes is None else fingerprint(self.house, self.case, answer.becomes)
                effect = replace(entry, effect=answer.effect)
                drafts.append(
                    Draft(effect, fingerprint(self.house, self.case, answer.state), becomes, answer.server, answer.dependents, answer.together)
                )
        for (code, text, collection), count in sorted(refused.items()):
            self.obstacles.append(Obstacle(code, text, self.system.name, collection, count))
        return drafts
