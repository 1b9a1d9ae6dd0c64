"""The copy itself: a ZIP that is made from the systems while it is fetched, a few records at a time, and that the engine keeps no part of."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dsr_engine.content.match import Matcher
from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.request import Right
from dsr_engine.domain.selector import Selector
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.access.bounds import is_of_copy
from dsr_engine.workflow.access.choosing import UNREADABLE, Choice, Chosen, LeftOut, choose, is_meant, seen_text
from dsr_engine.workflow.access.confirming import confirmed
from dsr_engine.workflow.access.entitled import weak_identity
from dsr_engine.workflow.access.facts import facts_of
from dsr_engine.workflow.access.paper import Made, Part, about_json, index_html, part_csv, part_html, part_json
from dsr_engine.workflow.access.reading import Portion, Wanted, portions, wanted_of
from dsr_engine.workflow.access.reviewing import digest_of
from dsr_engine.workflow.access.wording import CopyWords, copy_words
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

#: Who fetches a copy that no officer fetches.
REQUESTER = "requester"
#: Characters of data after which a file is written and a new one begun.
_FILE = 4_000_000


def is_copy_ready(tx: Transaction, house: House, case: Case) -> bool:
    """True while the copy may be fetched: an officer released it, it is sure enough who asked, and no answer was recorded yet."""
    if case.stage is not Stage.DISCOVER or not is_of_copy(case):
        return False
    state = tx.copies.of(case.id)
    return state is not None and state.round == case.round and state.released_at is not None and weak_identity(tx, house, case) is None


def copy_of(house: House, case_id: str, language: str = "", by: str = "") -> Iterator[bytes]:
    """The bytes of the ZIP, as they are made. `language` empty: that of the letters; `by` empty: the requester fetches it.

    What keeps it back is said before the first byte: raises `Conflict` (`copy.unreleased`), `InputWrong`. Once it has begun, a system that does not
    answer is said inside; if the copy is taken back meanwhile, it breaks off with the same `Conflict`.
    """
    with house.store.transaction() as tx:
        case = _ready(tx, house, case_id)
        person = tx.people.id_of(by) if by else REQUESTER
        number = tx.copies.fetch(case_id, house.clock.now())
        tx.ledger.append(leaf(house.clock, "copy.fetched", f"{case_id}:{case.round}:{number}", case=case_id, by=person, number=number))
        selectors = tuple(tx.selectors.of(case_id))
    words = copy_words(house.settings, language or house.settings.letters.language)
    return _Making(house, case, selectors, words, number).run()


def _ready(tx: Transaction, house: House, case_id: str) -> Case:
    case = tx.cases.get(case_id)
    if not is_copy_ready(tx, house, case):
        raise Conflict(
            "the copy may not be fetched: nobody released it, or the case is closed", code="copy.unreleased", hint="an officer releases it"
        )
    return case


@dataclass(slots=True)
class _Making:
    """One copy while it is made."""

    house: House
    case: Case
    selectors: tuple[Selector, ...]
    words: CopyWords
    number: int
    parts: list[Part] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def _is_portable(self) -> bool:
        return self.case.right is Right.PORTABILITY

    def run(self) -> Iterator[bytes]:
        tape = _Tape()
        with zipfile.ZipFile(tape, "w", zipfile.ZIP_DEFLATED) as archive:
            csv = self.words["csv"] if self._is_portable else ""
            self._write(archive, "README.txt", self.words["readme"].format(title=self.words["title"], csv=csv).lstrip())
            yield tape.taken()
            for part, records in self._files():
                self.parts.append(part)
                self._write(archive, f"{part.name}.json", part_json(part, records))
                self._write(archive, f"{part.name}.html", part_html(part, records, self.words))
                if self._is_portable:
                    self._write(archive, f"{part.name}.csv", part_csv(records))
                yield tape.taken()
            self._end(archive)
        yield tape.taken()

    def _end(self, archive: zipfile.ZipFile) -> None:
        """What the whole became, last: only now is it known."""
        made = Made(tuple(self.parts), self.left_out)
        with self.house.store.snapshot() as tx:
            facts = facts_of(tx, self.house, _ready(tx, self.house, self.case.id), self.words)
        now = self.house.clock.now()
        day = self.words.words.day(self.house.calendar.day_of(now))
        about = self.words["made"].format(day=day, case=self.case.id, controller=self.house.settings.controller.get("name", ""))
        self._write(archive, "index.html", index_html(facts, made, self.words, about, self.words["portable"] if self._is_portable else ""))
        self._write(archive, "about.json", about_json(facts, made, self.words, self.case.id, now))
        with self.house.store.transaction() as tx:
            key = f"{self.case.id}:{self.case.round}:{self.number}"
            given = sum(part.records for part in self.parts)
            tx.ledger.append(leaf(self.house.clock, "copy.made", key, case=self.case.id, records=given, left_out=dict(self.left_out)))

    def _files(self) -> Iterator[tuple[Part, list[Chosen]]]:
        """The records in files of a bounded size, never two collections in one."""
        wanted = [one for one in wanted_of(self.house, self.case) if is_meant(one.finding, one.verdict)]
        matcher = Matcher({self.case.id: confirmed(self.house, self.case, self.selectors, wanted)})
        records: list[Chosen] = []
        place, size = ("", ""), 0
        for portion in portions(self.house, self.case, wanted, matcher):
            self._still_ready()
            if (portion.system, portion.collection) != place:
                if records:
                    yield self._part(place, records), records
                records, size, place = [], 0, (portion.system, portion.collection)
            for chosen in self._chosen(portion, matcher):
                records.append(chosen)
                size += sum(len(entry.value) for entry in chosen.fields)
                if size > _FILE:
                    yield self._part(place, records), records
                    records, size = [], 0
        if records:
            yield self._part(place, records), records

    def _part(self, place: tuple[str, str], records: Sequence[Chosen]) -> Part:
        system, collection = place
        folder = f"data/{_name(system)}.{_name(collection)}"
        return Part(system, collection, f"{folder}/{len(self.parts) + 1:04}", len(records))

    def _chosen(self, portion: Portion, matcher: Matcher) -> Iterator[Chosen]:
        choice = Choice(matcher, self.case.right, self.words["hidden"], self.words["security"])
        for one in portion.wanted:
            chosen = LeftOut(UNREADABLE) if portion.error or one.finding.locator.whole not in portion.records else self._of(choice, one, portion)
            if isinstance(chosen, Chosen):
                yield chosen
            else:
                self.left_out[chosen.because] = self.left_out.get(chosen.because, 0) + 1

    def _of(self, choice: Choice, one: Wanted, portion: Portion) -> Chosen | LeftOut:
        record = portion.records[one.finding.locator.whole]
        seen = digest_of(self.house, self.case.id, seen_text(one.finding, record)) if record is not None else b""
        return choose(choice, one.finding, one.verdict, one.known, record, seen)

    def _still_ready(self) -> None:
        """Between portions: nothing more goes out once the copy was taken back or the case closed."""
        with self.house.store.snapshot() as tx:
            _ready(tx, self.house, self.case.id)

    def _write(self, archive: zipfile.ZipFile, name: str, text: str) -> None:
        now = self.house.clock.now()
        info = zipfile.ZipInfo(name, (now.year, now.month, now.day, now.hour, now.minute, now.second))
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, text.encode(errors="replace"))


class _Tape(io.RawIOBase):
    """What was written since somebody last took it. It cannot seek, so an archive on it is made from front to back."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # any buffer, as io allows
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


def _name(text: str) -> str:
    """A part of a file name that every system takes."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "_"
