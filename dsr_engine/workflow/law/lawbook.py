"""A regime in words: what its file says, section by section, so that an officer can read a law without knowing YAML."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from dsr_engine.domain.deadline import Clocks, ClockStart, Limit
from dsr_engine.domain.letter import ELEMENTS
from dsr_engine.domain.regime import Assurance, Duty, PauseEffect, Regime
from dsr_engine.workflow.law.deadlines import is_stale

_DUTIES = {
    Duty.REQUIRED: "have to be told",
    Duty.UNLESS_DISPROPORTIONATE: "have to be told, unless that is impossible or disproportionate, with reasons in detail",
    Duty.NONE: "need not be told",
}
_EFFECTS = {
    PauseEffect.STARTS: "the clock starts when it has come",
    PauseEffect.ADDS: "the days from asking to receiving do not count, both included",
    PauseEffect.SHOWN: "a later day is shown beside the limit; alarms run on the whole time",
}
_SCOPES = {
    "all": "all data of the person",
    "obtained_about": "what came from the person, and what was obtained about them elsewhere",
    "from_the_person": "only what came from the person",
}


@dataclass(frozen=True, slots=True)
class Point:
    """One line: what it is about, what the law says of it, and where."""

    what: str
    value: str
    cite: str = ""


@dataclass(frozen=True, slots=True)
class Law:
    """A regime as a person reads it. `warnings` are what stands in the way of relying on it today."""

    name: str
    title: str
    version: str
    warnings: tuple[str, ...]
    sections: tuple[tuple[str, tuple[Point, ...]], ...]

    def as_data(self) -> dict[str, object]:
        """The same as plain data."""
        points = {
            heading.lower().replace(" ", "_"): [{"what": row.what, "says": row.value, "cite": row.cite} for row in rows]
            for heading, rows in self.sections
        }
        return {"regime": self.name, "title": self.title, "version": self.version, "warnings": list(self.warnings), "sections": points}


def grouped(points: Iterable[Point]) -> tuple[tuple[str, tuple[Point, ...]], ...]:
    """The points in their order, neighbours about the same thing together."""
    return tuple((what, tuple(rows)) for what, rows in groupby(points, key=lambda point: point.what))


def law_row(regime: Regime, today: date) -> dict[str, str | int | bool | None]:
    """One line of the list of all laws."""
    clocks = regime.clocks
    stale = " (stale)" if is_stale(regime, today) else ""
    return {
        "regime": regime.name,
        "title": regime.title,
        "answer": str(clocks.answer) if clocks else "no limit",
        "extended": str(clocks.extended) if clocks and clocks.extended else "",
        "appeal": str(regime.appeal.answer) if regime.appeal else "",
        "since": regime.valid_from.isoformat(),
        "checked": f"{regime.checked_on}{stale}",
    }


def lawbook(regime: Regime, today: date) -> Law:
    """Everything that this regime says. Sections that say nothing are left out."""
    sections = (
        ("What it reaches", tuple(_reach(regime))),
        ("Limits", tuple(_limits(regime, regime.clocks)) if regime.clocks else (Point("limits", "the file sets none"),)),
        ("Pauses", tuple(_pauses(regime))),
        ("Why data have to go", tuple(Point(entry.name, entry.about, entry.cite) for entry in regime.entitlements) or (_ASKING,)),
        ("Grounds on which data may stay", tuple(_grounds(regime))),
        ("Verifying who asks", tuple(_verification(regime))),
        ("Who has to be told", tuple(_told(regime))),
        ("What letters have to say", tuple(_letters(regime))),
        ("Appeal", tuple(_appeal(regime))),
        ("Backups and staying erased", tuple(_afterwards(regime))),
        ("Records", tuple(_records(regime))),
        ("Sources", tuple(Point("", source) for source in regime.sources)),
        ("To be checked before you rely on it", tuple(Point("", question) for question in regime.to_check)),
    )
    return Law(regime.name, regime.title, regime.version, tuple(_warnings(regime, today)), tuple((name, rows) for name, rows in sections if rows))


_ASKING = Point("the person asked", "that is enough")


def _warnings(regime: Regime, today: date) -> Iterator[str]:
    if today < regime.valid_from:
        yield f"It applies from {regime.valid_from} on: no case is opened under it for a request that arrives before."
    if regime.valid_to is not None and today > regime.valid_to:
        yield f"It applied until {regime.valid_to}."
    if is_stale(regime, today):
        yield f"Nobody held it against the law since {regime.checked_on}: do so, mend {regime.source.file}, and set `checked_on`."


def _reach(regime: Regime) -> Iterator[Point]:
    yield Point("data", _SCOPES[regime.scope])
    until = f" until {regime.valid_to}" if regime.valid_to else ""
    yield Point("in force", f"from {regime.valid_from}{until}")
    yield Point("last checked", f"{regime.checked_on}, in {regime.source.file}")


def _limits(regime: Regime, clocks: Clocks) -> Iterator[Point]:
    starts = "receipt of the request" if clocks.start is ClockStart.RECEIPT else "the latest of receipt, requested proof of identity and fee"
    yield Point("counted from", starts, clocks.cite)
    yield Point("answer", _limit(clocks.answer) + _own(regime, "clock.answer"))
    for right, limit in clocks.answers.items():
        yield Point(f"answer to {right.replace('_', ' ')}", f"{_limit(limit)}; no extension")
    longer = f"{clocks.extended} in all; the notice with the reasons has to go out within the first limit" if clocks.extended else "no extension"
    yield Point("answer, if extended", longer)
    moved = "an extension moves it too" if clocks.refusal_extends else "an extension does not move it"
    yield Point("saying no", f"{_limit(clocks.refusal)}; {moved}" if clocks.extended else _limit(clocks.refusal))
    yield Point("confirming receipt", _limit(clocks.acknowledge) + _own(regime, "clock.acknowledge") if clocks.acknowledge else "no limit")
    yield Point("erasing", _limit(clocks.erase) + _own(regime, "clock.erase"))
    if clocks.alarm_earlier:
        days = "a day" if clocks.alarm_earlier == 1 else f"{clocks.alarm_earlier} days"
        yield Point("alarms", f"{days} before the corresponding date, because a first day might count")


def _own(regime: Regime, measure: str) -> str:
    """Says of a number that it is not the law's."""
    return " (your own measure: the law names none)" if measure in regime.own_measures else ""


def _limit(limit: Limit) -> str:
    first = ", the day of receipt being day one" if limit.counts_first_day else ""
    rolls = "; a last day on a weekend or holiday gives way to the next working day" if limit.rolls else ""
    return f"{limit}{first}{rolls}"


def _pauses(regime: Regime) -> Iterator[Point]:
    for pause in regime.pauses:
        rights = f" (for requests of {', '.join(pause.rights)} only)" if pause.rights else ""
        yield Point(pause.why.value, f"{_EFFECTS[pause.effect]}{rights}", pause.cite)
    if not regime.pauses:
        yield Point("none", "the clock runs on, whether or not the person answers", regime.clocks.cite if regime.clocks else "")


def _grounds(regime: Regime) -> Iterator[Point]:
    for ground in regime.grounds:
        statute = " A rule has to name the statute." if ground.needs_law else ""
        foreign = " Some laws do not count and are refused." if ground.never else ""
        yield Point(ground.name, f"{ground.about}.{statute}{foreign}" if ground.about else f"{statute}{foreign}".strip(), ground.cite)


def _verification(regime: Regime) -> Iterator[Point]:
    terms = regime.verification
    if terms.only_on_doubt:
        yield Point("when", "only on reasonable doubts, which are recorded", terms.cite)
    for level in Assurance:
        if level in terms.points:
            declared = ", and a signed declaration" if level in terms.declared else ""
            yield Point(
                f"{level.value} certainty", f"{terms.points[level]} matching data points{declared}{_own(regime, 'verification.points')}", terms.cite
            )
    if terms.sensitive:
        yield Point("high is needed for", ", ".join(terms.sensitive))
    if terms.reauthenticate:
        yield Point("accounts", "who has one logs in again")
    yield Point("agents", _agents(regime))
    if terms.guardian_below is not None:
        yield Point("children", f"under {terms.guardian_below} a parent or guardian acts")


def _agents(regime: Regime) -> str:
    terms = regime.verification
    asked = [text for is_so, text in ((terms.permission, "a signed permission"), (terms.confirm, "the person may be asked to confirm")) if is_so]
    attorney = "; a power of attorney stands instead" if terms.attorney and asked else ""
    return f"{', '.join(asked)}{attorney}" if asked else "nothing is asked for"


def _told(regime: Regime) -> Iterator[Point]:
    terms = regime.notify
    yield Point("processors", _DUTIES[terms.processors], terms.cite)
    yield Point("other recipients", _DUTIES[terms.recipients] + _own(regime, "notify.recipients"))
    yield Point("others, where the data were made public", _DUTIES[terms.public])
    yield Point("how soon", "at once")
    yield Point("the person may ask", "who was told, by name" if terms.names else "nothing of that")


def _letters(regime: Regime) -> Iterator[Point]:
    for kind, elements in regime.letters.items():
        for element, cite in elements.items():
            yield Point(kind.value.replace("_", " "), ELEMENTS[element], cite)


def _appeal(regime: Regime) -> Iterator[Point]:
    terms = regime.appeal
    if terms is None:
        yield Point("to you", "none: the person turns to the authority or to a court")
        return
    longer = f", {terms.extended} if extended" if terms.extended else ""
    yield Point("answer", f"{terms.answer} from the appeal{longer}{_own(regime, 'appeal.answer')}", terms.cite)
    yield Point("in time", f"within {terms.window} after the refusal" if terms.window else "within a reasonable time after the refusal")
    if terms.authority:
        yield Point("after it", f"the person may turn to {terms.authority}")


def _afterwards(regime: Regime) -> Iterator[Point]:
    backups, stay = regime.backups, regime.stay_erased
    wait = "may wait until the backup is restored or next used" if backups.may_wait else "no exception is known for them"
    most = f", but for {backups.most_days} days at most" if backups.most_days else ""
    yield Point("backups", f"{wait}{most}", backups.cite)
    kept = "a record only for what a restored backup could bring back"
    if stay.by_default:
        kept = f"a minimal record of every erased person, for {stay.months} months{_own(regime, 'stay_erased.months')}"
    again = f"; erased anew every {stay.every_days} days" if stay.every_days else ""
    yield Point("staying erased", f"{kept}{again}", stay.cite)


def _records(regime: Regime) -> Iterator[Point]:
    begin = ", counted from the end of the year" if regime.log_to_year_end else ""
    yield Point("record of a request", f"{regime.log_keep_months} months{begin}{_own(regime, 'log_keep_months')}")
    if regime.metrics is not None:
        people = f", for controllers with the data of {regime.metrics.from_people:,} people and more" if regime.metrics.from_people else ""
        yield Point("figures", f"published every year by {regime.metrics.publish_on} (month-day){people}", regime.metrics.cite)
