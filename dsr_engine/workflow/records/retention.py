"""The retention table for privacy notices: what is kept for how long, and why, in plain words (GDPR Art. 13(2)(a), Civ. Code § 1798.100(a)(3)).

It names no system, no table and no field but the dates from which a period runs; those have words in `templates/retention/`, which a home may shadow.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsr_engine.certificate.letter import Words, words_of
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.period import Period, PeriodUnit
from dsr_engine.domain.policy import Keep, Pick, Treatment
from dsr_engine.domain.regime import Regime
from dsr_engine.settings import Settings
from dsr_engine.shipped import shipped
from dsr_engine.workflow.house import House
from dsr_engine.workflow.records.keeping import Kept, kept_data, policies_at_work
from dsr_engine.workflow.records.logbook import kept_for


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. `what` are categories in the words of the letters, sorted; what is undecided says so in `how_long`."""

    what: tuple[str, ...]
    how_long: str
    why: str
    then: str


@dataclass(frozen=True, slots=True)
class Table:
    """The table in one language. `own` are lines about what the engine itself keeps of requests."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    own: tuple[Line, ...]

    @property
    def is_decided(self) -> bool:
        return all(line.then for line in (*self.lines, *self.own))


def retention_languages(home: Path) -> tuple[str, ...]:
    folders = (shipped("templates") / "retention", home / "templates" / "retention")
    return tuple(sorted({path.stem for folder in folders for path in folder.glob("*.toml")}))


def retention_table(house: House, language: str = "") -> Table:
    """The table in this language (empty: that of the letters). Raises `InputWrong` for a language without words."""
    settings = house.settings
    language = language or settings.letters.language
    text = wording(settings, language)
    grouped: dict[tuple[str, str, str], set[str]] = {}
    for kept in kept_data(house):
        grouped.setdefault(text.line_of(kept), set()).add(text.words.category(kept.category))
    lines = [Line(tuple(sorted(what)), *rest) for rest, what in grouped.items()]
    own = text.own_lines(house)
    return Table(text.document["title"], tuple(text.document["columns"]), tuple(sorted(lines, key=lambda line: (line.what, line.how_long))), own)


def wording(settings: Settings, language: str) -> "Wording":
    """How this language words periods and reasons. Raises `InputWrong` for one without words."""
    return Wording(_document(language, settings), words_of(language, settings.home))


def _document(language: str, settings: Settings) -> Mapping[str, Any]:
    own = settings.home / "templates" / "retention" / f"{language}.toml"
    path = own if own.is_file() else shipped("templates") / "retention" / f"{language}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        known = ", ".join(retention_languages(settings.home))
        raise InputWrong(f"there is no retention table in {language}", code="retention.language", hint=f"languages are {known}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        hint = "compare it with the shipped one"
        raise InputWrong(f"templates/retention/{language}.toml is not valid TOML", code="retention.words", hint=hint) from None


@dataclass(frozen=True, slots=True)
class Wording:
    """Puts what policies say into sentences."""

    document: Mapping[str, Any]
    words: Words

    def line_of(self, kept: Kept) -> tuple[str, str, str]:
        """How long, why, and what happens then; without the last where nobody decided."""
        periods = self.document["periods"]
        if kept.treatment is None:
            return periods["undecided"], "", ""
        texts = list(dict.fromkeys(self.of(keep) for keep in kept.keeps))
        if not texts:
            how_long = periods["none"]
        elif len(texts) == 1:
            how_long = texts[0]
        else:
            how_long = periods["longest"].format(periods="; ".join(texts))
        if texts and all(keep.is_purpose for keep in kept.keeps):
            how_long += periods["asked"]
        reasons = dict.fromkeys(self.reason(keep) for keep in kept.keeps) or {self.document["reasons"]["purpose"]: None}
        return how_long, "; ".join(reasons), self.treatment(kept.treatment)

    def of(self, keep: Keep) -> str:
        """How long one rule keeps data."""
        periods = self.document["periods"]
        if keep.period is None:
            return "; ".join(
                periods["while"].format(
                    field=self._start(name, is_state=True), values=periods["value_or"].join(periods["quote"].format(text=value) for value in values)
                )
                for name, values in keep.while_.items()
            )
        starts = [self._start(name) for name in (keep.start.fields if keep.start else ())]
        if len(starts) > 1 and keep.start is not None:
            start = periods["latest" if keep.start.pick is Pick.LATEST else "earliest"].format(starts=", ".join(starts))
        else:
            start = "".join(starts)
        return str(periods["year_end" if keep.to_year_end else "plain"].format(period=self.period(keep.period), start=start))

    def period(self, period: Period) -> str:
        one, many = self.document["units"][period.unit.value]
        return str((one if period.count == 1 else many).format(n=period.count))

    def own_lines(self, house: House) -> tuple[Line, ...]:
        """What the engine itself keeps of whoever asks; nothing of it is a system's."""
        regimes = [house.regimes[name] for policy in policies_at_work(house) for name in policy.regimes if name in house.regimes]
        months, to_year_end = kept_for(regimes)
        periods = self.document["periods"]
        follow_up = periods["plain"].format(period=self.period(Period(house.followup_days, PeriodUnit.DAYS)), start=self._start("request_closed"))
        log = periods["year_end" if to_year_end else "plain"].format(period=self._spell(months), start=self._start("request_closed"))
        spans = dict.fromkeys(("requests", "correspondence", "proofs"), follow_up) | {
            "request_log": log,
            "suppression": self._suppressed(house, regimes),
        }
        gone = self.treatment(Treatment.DELETE)
        return tuple(Line((self.document["own"][name],), how_long, self.document["bases"][name], gone) for name, how_long in spans.items())

    def _suppressed(self, house: House, regimes: Iterable[Regime]) -> str:
        """How long keyed digests keep an erased person out: what a backup could bring back, or a law's own period."""
        months = max((regime.stay_erased.months for regime in regimes if regime.stay_erased.by_default), default=0)
        period = self._spell(months) if months else self.period(Period(house.settings.backup_days, PeriodUnit.DAYS))
        return str(self.document["periods"]["plain"].format(period=period, start=self._start("erased")))

    def _spell(self, months: int) -> str:
        return self.period(Period(months // 12, PeriodUnit.YEARS) if months % 12 == 0 else Period(months, PeriodUnit.MONTHS))

    def reason(self, keep: Keep) -> str:
        """Why it is kept: the purpose itself, or a ground with its law."""
        if keep.is_purpose:
            return str(self.document["reasons"]["purpose"])
        ground = self.words.grounds.get(keep.because, self.words.grounds["other"])
        return f"{ground} ({keep.law})" if keep.law else ground

    def treatment(self, treatment: Treatment) -> str:
        return str(self.document["treatments"][treatment.value])

    def _start(self, name: str, *, is_state: bool = False) -> str:
        """The words for a date, or for a state; the field's own name in quotes where there are none."""
        short = name.rpartition(".")[2]
        known = {} if is_state else self.document["dates"]
        return str(known.get(name) or known.get(short) or self.document["periods"]["quote"].format(text=short.replace("_", " ")))


def as_rows(table: Table) -> Iterable[dict[str, str]]:
    """The lines with the columns' names as keys, for CSV."""
    for line in (*table.lines, *table.own):
        yield dict(zip(table.columns, (", ".join(line.what), line.how_long, line.why, line.then), strict=True))


def as_markdown(table: Table) -> str:
    """The table as Markdown, ready for a privacy notice."""
    head = [f"# {table.title}", "", f"| {' | '.join(table.columns)} |", f"|{'---|' * len(table.columns)}"]
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row.values()] for row in as_rows(table)]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in cells)]) + "\n"
