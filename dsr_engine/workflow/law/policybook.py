"""A policy in words: which data each rule is about, what happens to it, how long it stays and why; how requests and sweeps are paced."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dsr_engine.domain.anonymize import Method
from dsr_engine.domain.correspondence import Whose
from dsr_engine.domain.finding import Match
from dsr_engine.domain.policy import Keep, Pick, Policy, RequestTerms, Rule, Start, SweepTerms, Then, Treatment
from dsr_engine.domain.regime import Regime
from dsr_engine.workflow.law.lawbook import Point
from dsr_engine.workflow.law.linting import place_of

_TREATMENTS: Mapping[Treatment, str] = {
    Treatment.DELETE: "delete the record; where it has to stay, empty the field",
    Treatment.ANONYMIZE: "replace the value",
    Treatment.REDACT: "cut the person's words out of the text",
    Treatment.RESTRICT: "keep it fenced",
    Treatment.RETAIN: "keep it as it is",
    Treatment.VOID: "void it",
    Treatment.ARCHIVE: "archive it",
    Treatment.ASK: "leave it to a person: erase it, redact it, or let it stay",
}
_MAILBOXES = {Whose.OWN: "the person's own", Whose.OTHERS: "somebody else's"}
_APPROVALS = {
    "automatic": "nobody: the policy approves by itself, up to the limit below",
    "one_person": "one person, who did not open the case",
    "two_people": "two people",
}


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule as a person reads it. `narrowed` are pairs of what and which; `place` is `file:line:column`."""

    name: str
    subject: str
    narrowed: tuple[tuple[str, str], ...]
    treatment: str
    then: str
    keep: str
    because: str
    place: str


def rule_row(rule: Rule, regimes: Mapping[str, Regime]) -> RuleRow:
    when, then = rule.when, rule.then
    subject = "mentions of the person" if when.match is Match.MENTIONS else "the person's own data"
    kind = ("place in the mail" if when.role else "category", when.category)
    mail = (("sort of mail", " or ".join(sort.replace("_", " ") for sort in when.message)), ("mailbox", when.mailbox and _MAILBOXES[when.mailbox]))
    said = (*mail, kind, ("field", when.field), ("collection", when.collection), ("system", when.system))
    narrowed = tuple((what, which) for what, which in said if which)
    because = _because(rule.keep, regimes)
    return RuleRow(rule.name, subject, narrowed, str(then.treatment), _then(then), _keep(rule.keep), because, place_of(rule.source))


def _then(then: Then) -> str:
    methods = "; ".join(f"{category or 'others'}: {_method(method)}" for category, method in then.methods.items())
    return _TREATMENTS[then.treatment] + (f" ({methods})" if methods else "")


def _method(method: Method) -> str:
    return f"{method.name} {method.argument}".strip()


def _keep(keep: Keep | None) -> str:
    if keep is None:
        return ""
    parts = []
    if keep.period is not None and keep.start is not None:
        end = ", counted from the end of that year" if keep.to_year_end else ""
        parts.append(f"{keep.period} after {_start(keep.start)}{end}")
    parts += [f"while {field} is {' or '.join(values)}" for field, values in keep.while_.items()]
    return ", and ".join(parts)


def _start(start: Start) -> str:
    if len(start.fields) == 1:
        return start.fields[0]
    return f"the {'latest' if start.pick is Pick.LATEST else 'earliest'} of {', '.join(start.fields)}"


def _because(keep: Keep | None, regimes: Mapping[str, Regime]) -> str:
    if keep is None:
        return ""
    if keep.is_purpose:
        return "its purpose; a person's request ends it"
    about = next((ground.about for regime in regimes.values() for ground in regime.grounds if ground.name == keep.because), "")
    return ", ".join(filter(None, (keep.because.replace("_", " "), keep.law, about if not keep.law else "")))


def request_points(terms: RequestTerms) -> Iterator[Point]:
    """How an erasure request is approved and paced."""
    yield Point("who approves", _APPROVALS.get(terms.approval, terms.approval))
    yield Point("most records without a person", f"{terms.max_affected:,}; above it an automatic approval stops")
    yield Point("time to think it over", f"{terms.cool_off} between approval and effect" if terms.cool_off else "none")
    yield Point("first batch", f"{terms.first_batch:,} records, looked at again before the others follow")
    yield Point("records that changed meanwhile", f"more than {terms.max_drift:.0%} halt the run")
    yield Point("old versions that cannot be rewritten", "are deleted" if terms.superseded == "delete" else "a person is asked")
    yield Point("files that cannot be rewritten", "are deleted as a whole" if terms.unwritable == "delete" else "a person is asked")


def sweep_points(terms: SweepTerms | None) -> Iterator[Point]:
    """When a retention sweep runs, and what stops it."""
    if terms is None:
        yield Point("retention sweep", "none: what outlived its period goes only when a person asks")
        return
    yield Point("runs", f"by the schedule {terms.schedule}" if terms.schedule else "when somebody begins it")
    yield Point("who approves", _APPROVALS.get(terms.approval, terms.approval))
    yield Point("most records", f"{terms.max_affected:,}, or {terms.max_share:.1%} of a collection; above it the sweep stops")
    yield Point("first runs", f"{terms.first_runs_dry} dry ones: they count and change nothing")
    yield Point("each case of it", f"treats at most {terms.tranche:,} records")


def rule_rows(policy: Policy, regimes: Mapping[str, Regime]) -> tuple[RuleRow, ...]:
    """Every rule, in the order of the file; of several that cover a field the most specific decides."""
    return tuple(rule_row(rule, regimes) for rule in policy.rules)
