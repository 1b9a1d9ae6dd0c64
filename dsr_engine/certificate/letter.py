"""Letters to requesters: a template, filled; and no sending while something is missing that the law demands.

A template is a text file with sections: `[reasons]` on a line of its own, then paragraphs. `[kept if kept]` stands only where there is a value of
that name, `[kept if not kept]` only where there is none. A section with a placeholder for which there is no value is left out as a whole, so that no
letter ever goes out with a hole in it; whether it may be left out is the regime's to say (GDPR Art. 12(4), 11 CCR § 7022(f)).
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dsr_engine.certificate.blocks import Block, Paragraph, Title
from dsr_engine.certificate.look import Look
from dsr_engine.certificate.page import Sheet, draw
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.letter import ELEMENTS, Letter, LetterKind, Section
from dsr_engine.shipped import shipped

#: What a letter has beside the elements of a law.
FRAMES = ("subject", "greeting", "introduction", "closing")
#: Every value that a template may name.
VALUES = frozenset(
    {
        *("answer_by", "authority", "contact", "controller", "court", "decided", "erased", "kept", "kept_for", "question", "reason", "received"),
        *("match_code", "recipients", "reference", "sells_data", "today", "verification"),
        *("appeal_answer", "appeal_authority", "appeal_by", "asked", "is_erasure", "nothing_found"),
    }
)
#: Letters are read by everybody, so they are set larger than certificates.
_SCALE, _HEADING = 1.2, 15
_HEADER = re.compile(r"\[(?P<name>[a-z_]+)(?: if (?P<no>not )?(?P<value>[a-z_]+))?\]")
_PLACE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Words:
    """How a language writes dates, and its words for categories, grounds, reasons, rights, and for how a requester is verified (`known`, `asked`)."""

    pattern: str
    months: tuple[str, ...]
    categories: Mapping[str, str]
    grounds: Mapping[str, str]
    reasons: Mapping[str, str]
    rights: Mapping[str, str]
    verification: Mapping[str, str]
    spans: Mapping[str, str]
    authorities: Mapping[str, str]

    def day(self, day: date) -> str:
        return self.pattern.format(day=day.day, month=self.months[day.month - 1], year=day.year)

    @property
    def until(self) -> str:
        """How a line about data that are kept ends: until `{day}`."""
        return self.spans["until"]

    @property
    def law(self) -> str:
        """How a line about data that are kept names the `{law}`."""
        return self.spans["law"]

    @property
    def kept(self) -> str:
        """A line about data that are kept: `{what}` and `{why}`."""
        return self.spans["kept"]

    def length(self, count: int, unit: str) -> str:
        """So many `days`, `months`, `years` or `working_days`."""
        return self.spans[f"one_{unit}" if count == 1 else unit].format(count=count)

    def months_or_years(self, months: int) -> str:
        """A span in months, in years where they are full."""
        return self.length(months // 12, "years") if months % 12 == 0 and months > 12 else self.length(months, "months")

    def category(self, category: str) -> str:
        """The word for the category, or for the nearest one above it that has a word."""
        while category and category not in self.categories:
            category = category.rpartition(".")[0]
        return self.categories[category or "user"]


def languages(home: Path | None = None) -> tuple[str, ...]:
    """The languages in which letters can be written."""
    folders = [shipped("templates") / "letters", *([home / "templates" / "letters"] if home else [])]
    return tuple(sorted({path.parent.name for folder in folders for path in folder.glob("*/words.toml")}))


def words_of(language: str, home: Path | None = None) -> Words:
    """The words of a language. Raises `InputWrong` for one in which there are none."""
    document = tomllib.loads(_read(language, "words.toml", home))
    sections = ("categories", "grounds", "reasons", "rights", "verification", "spans", "authorities")
    return Words(document["date"], tuple(document["months"]), *(document[section] for section in sections))


def write(kind: LetterKind, language: str, values: Mapping[str, str], home: Path | None = None) -> Letter:
    """The letter, filled with the values. Raises `InputWrong` for a template that cannot be read or names a value that does not exist."""
    name = f"{kind.value}.txt"
    subject = ""
    sections = []
    for section, paragraphs in _sections(_read(language, name, home), name, values):
        if section == "subject":
            subject = " ".join(paragraphs)
        else:
            sections.append(Section(section, paragraphs))
    if not subject:
        raise InputWrong(f"{language}/{name} has no subject", code="letter.template", hint="add a section [subject]")
    return Letter(kind, language, subject, tuple(sections), values.get("today", ""))


def check(letter: Letter, demanded: Mapping[str, str]) -> None:
    """Raises `InputWrong` unless the letter has every element that the law demands (`demanded`: element → citation)."""
    missing = [f"{ELEMENTS[element]} ({cite})" for element, cite in demanded.items() if element not in letter.elements]
    if missing:
        raise InputWrong(
            f"the letter must also say: {'; '.join(missing)}",
            code="letter.incomplete",
            hint="fill in what only you know; whom to complain to, and which court, stand in [letters] of dsr.toml; else mend the template",
        )


def as_text(letter: Letter) -> str:
    """The letter as plain text, paragraphs apart."""
    return "\n\n".join(paragraph for section in letter.sections for paragraph in section.paragraphs) + "\n"


def as_pdf(letter: Letter, letterhead: Sequence[str], look: Look) -> bytes:
    """The letter as an A4 document. Raises `InputWrong` for a character that no font can draw."""
    blocks: list[Block] = [Title(letter.subject, letter.dated)]
    blocks += [Paragraph(paragraph) for section in letter.sections for paragraph in section.paragraphs]
    sheet = Sheet(letter.subject, letter.language, _SCALE, _HEADING, keeps_lines=True, is_asian_drawn=True)
    return draw(blocks, letterhead, look, lambda page, pages: f"{page} / {pages}" if pages > 1 else "", sheet)


def _sections(text: str, name: str, values: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for header, body in _parts(text, name):
        wanted = header["value"]
        if wanted and wanted not in VALUES:
            raise _unknown(name, wanted)
        if wanted and bool(values.get(wanted)) == bool(header["no"]):
            continue
        filled = _filled(body, name, values)
        if filled:
            yield header["name"], tuple(paragraph.strip() for paragraph in re.split(r"\n\s*\n", filled.strip()))


def _parts(text: str, name: str) -> Iterator[tuple[re.Match[str], str]]:
    header: re.Match[str] | None = None
    body: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        found = _HEADER.fullmatch(line.strip())
        if found is None:
            if header is None and line.strip():
                raise InputWrong(f"{name}:{number}: text before the first section", code="letter.template", hint="begin with [subject]")
            body.append(line)
            continue
        if found["name"] not in ELEMENTS and found["name"] not in FRAMES:
            raise InputWrong(f"{name}:{number}: no such section: {found['name']}", code="letter.template", hint=f"one of {', '.join(ELEMENTS)}")
        if header is not None:
            yield header, "\n".join(body)
        header, body = found, []
    if header is not None:
        yield header, "\n".join(body)


def _filled(body: str, name: str, values: Mapping[str, str]) -> str:
    """The body with its values; empty where one of them is not there."""
    wanted = _PLACE.findall(body)
    for value in wanted:
        if value not in VALUES:
            raise _unknown(name, value)
    if any(not values.get(value) for value in wanted):
        return ""
    return _PLACE.sub(lambda place: values[place[1]], body)


def _unknown(name: str, value: str) -> InputWrong:
    return InputWrong(f"{name}: no such value: {value}", code="letter.template", hint=f"one of {', '.join(sorted(VALUES))}")


def _read(language: str, name: str, home: Path | None) -> str:
    """A file of the home, else the shipped one."""
    own = home / "templates" / "letters" / language / name if home else None
    path = own if own and own.is_file() else shipped("templates") / "letters" / language / name
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        raise InputWrong(f"there is no {name} in {language}", code="letter.language", hint=f"languages are {', '.join(languages(home))}") from None
