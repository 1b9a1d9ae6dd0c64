"""The copy itself: a ZIP that is made from the systems while it is fetched, a few records at a time, and that the engine keeps no part of."""

import io
import re
import threading
import zipfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from dsr_engine.content.match import Matcher
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.request import Right
from dsr_engine.domain.selector import Selector
from dsr_engine.drivers.reading import Original
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.access.bounds import is_released
from dsr_engine.workflow.access.choosing import EXCLUDE, NOT_ENCLOSED, UNREADABLE, Choice, Chosen, LeftOut, choose, is_meant, seen_text
from dsr_engine.workflow.access.confirming import confirmed
from dsr_engine.workflow.access.entitled import weak_identity
from dsr_engine.workflow.access.facts import facts_of
from dsr_engine.workflow.access.paper import Made, Part, about_json, index_html, part_csv, part_html, part_json
from dsr_engine.workflow.access.reading import Answer, Wanted, answers, places_of
from dsr_engine.workflow.access.reviewing import digest_of
from dsr_engine.workflow.access.wording import CopyWords, copy_words
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

#: Who fetches a copy that no officer fetches.
REQUESTER = "requester"
#: Characters of data after which a file is written and a new one begun.
_FILE = 4_000_000
#: What a field weighs beside its value; a page of many short ones is as hard to open as one of few long ones.
_FIELD = 100
#: Bytes that are given out at once.
_PIECE = 256 * 1024
#: Copies that one process makes at the same time: each keeps a thread of the server for as long as the systems take to be read.
_AT_ONCE = 2
_seats = threading.BoundedSemaphore(_AT_ONCE)
#: Records after which is asked whether the copy may still go out.
_LOOKS = 20


def is_copy_ready(tx: Transaction, house: House, case: Case) -> bool:
    """True while the copy may be fetched: an officer released it, it is sure enough who asked, and no answer was recorded yet."""
    return is_released(tx, case, house.clock.now()) and weak_identity(tx, house, case) is None


def copy_of(house: House, case_id: str, language: str = "", by: str = "") -> "_Seated":
    """The bytes of the ZIP, as they are made. `language` empty: that of the letters; `by` empty: the requester fetches it.

    What keeps it back is said before the first byte: raises `Conflict` (`copy.unreleased`), `InputWrong`. Once it has begun, a system that does not
    answer is said inside; if the copy is taken back meanwhile, it breaks off with the same `Conflict`. To be closed by whoever stops taking it.
    """
    words = copy_words(house.settings, language or house.settings.letters.language)
    with ExitStack() as seat, house.store.transaction() as tx:
        case = _ready(tx, house, case_id)
        if not _seats.acquire(blocking=False):
            raise Conflict("other copies are being made at this moment", code="copy.busy", hint="try again in a few minutes")
        seat.callback(_seats.release)
        person = tx.people.id_of(by) if by else REQUESTER
        number = tx.copies.fetch(case_id, house.clock.now())
        tx.ledger.append(leaf(house.clock, "copy.fetched", f"{case_id}:{case.round}:{number}", case=case_id, by=person, number=number))
        making = _Making(house, case, tuple(tx.selectors.of(case_id)), words, number)
        return _Seated(making.run(), seat.pop_all())


def _ready(tx: Transaction, house: House, case_id: str) -> Case:
    case = tx.cases.get(case_id)
    if not is_copy_ready(tx, house, case):
        raise _held()
    return case


def _held() -> Conflict:
    return Conflict(
        "the copy may not be fetched: nobody released it, its time is over, or the case is closed",
        code="copy.unreleased",
        hint="an officer releases it",
    )


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
    hidden: dict[str, int] = field(default_factory=dict)
    unread: int = 0

    @property
    def _is_portable(self) -> bool:
        return self.case.right is Right.PORTABILITY

    def run(self) -> Generator[bytes]:
        tape = _Tape()
        with zipfile.ZipFile(tape, "w", zipfile.ZIP_DEFLATED) as archive:
            csv = self.words["csv"] if self._is_portable else ""
            self._write(archive, "README.txt", self.words["readme"].format(title=self.words["title"], csv=csv).lstrip())
            yield from tape.taken()
            for _ in self._records(archive):
                yield from tape.taken()
            self._end(archive)
        yield from tape.taken()

    def _end(self, archive: zipfile.ZipFile) -> None:
        """What the whole became, last: only now is it known."""
        made = Made(tuple(self.parts), self.left_out, self.hidden, self.unread)
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

    def _records(self, archive: zipfile.ZipFile) -> Iterator[None]:
        """Writes the records into files of a bounded size, never two collections in one; stops after each record, so that somebody can take it."""
        places = [place for place in places_of(self.house, self.case) if is_meant(place.confidence, place.verdict)]
        matcher = Matcher({self.case.id: confirmed(self.house, self.case, self.selectors, places)})
        file = _File("", "")
        for number, answer in enumerate(answers(self.house, self.case, places, matcher, with_originals=not self._is_portable)):
            if number % _LOOKS == 0:
                self._still_ready()
            if answer.collection != (file.system, file.collection) or file.size > _FILE:
                self._close(archive, file)
                file = _File(*answer.collection)
            for one in answer.wanted:
                chosen = self._chosen(matcher, one, answer)
                if isinstance(chosen, Chosen):
                    given = self._enclosed(archive, file, chosen, answer.originals)
                    file.take(given)
                    self._count(given)
                else:
                    self.left_out[chosen.because] = self.left_out.get(chosen.because, 0) + 1
            yield
        self._close(archive, file)

    def _count(self, given: Chosen) -> None:
        self.unread += bool(given.gaps)
        for note in {entry.note for entry in given.fields if entry.note}:
            self.hidden[note] = self.hidden.get(note, 0) + 1

    def _chosen(self, matcher: Matcher, one: Wanted, answer: Answer) -> Chosen | LeftOut:
        if answer.error:
            return LeftOut(one.known.reason if one.known.treatment == EXCLUDE else UNREADABLE)
        seen = digest_of(self.house, self.case.id, seen_text(one.finding, answer.record)) if answer.record is not None else b""
        choice = Choice(matcher, self.case.right, self.words["hidden"], self.words["security"])
        return choose(choice, one.finding, one.verdict, one.known, answer.record, seen)

    def _enclosed(self, archive: zipfile.ZipFile, file: "_File", chosen: Chosen, originals: Sequence[Original]) -> Chosen:
        """The record with the names of the files that are put beside it."""
        if not chosen.may_enclose or not originals:
            return chosen
        names, number = [], len(file.records) + 1
        for original in originals:
            if original.data is not None:
                name = f"{self._path(file)}-{number}-{file_name(original)}"
                archive.writestr(self._info(name), original.data)
                names.append(name.rpartition("/")[2])
        missing = (NOT_ENCLOSED,) if any(original.data is None for original in originals) else ()
        return replace(chosen, files=tuple(names), gaps=(*chosen.gaps, *missing))

    def _close(self, archive: zipfile.ZipFile, file: "_File") -> None:
        if not file.records:
            return
        part = Part(file.system, file.collection, self._path(file), len(file.records))
        self._write(archive, f"{part.name}.json", part_json(part, file.records))
        self._write(archive, f"{part.name}.html", part_html(part, file.records, self.words))
        if self._is_portable:
            self._write(archive, f"{part.name}.csv", part_csv(file.records))
        self.parts.append(part)

    def _path(self, file: "_File") -> str:
        return f"data/{_name(file.system)}.{_name(file.collection)}/{len(self.parts) + 1:04}"

    def _still_ready(self) -> None:
        """Again and again: nothing more goes out once the copy was taken back or the case closed."""
        with self.house.store.snapshot() as tx:
            if not is_released(tx, tx.cases.get(self.case.id), self.house.clock.now()):
                raise _held()

    def _write(self, archive: zipfile.ZipFile, name: str, text: str) -> None:
        archive.writestr(self._info(name), text.encode(errors="replace"))

    def _info(self, name: str) -> zipfile.ZipInfo:
        now = self.house.clock.now()
        info = zipfile.ZipInfo(name, (now.year, now.month, now.day, now.hour, now.minute, now.second))
        info.compress_type = zipfile.ZIP_DEFLATED
        return info


@dataclass(slots=True)
class _File:
    """The records of one file of the archive, until it is written."""

    system: str
    collection: str
    records: list[Chosen] = field(default_factory=list)
    size: int = 0

    def take(self, chosen: Chosen) -> None:
        self.records.append(chosen)
        self.size += _FIELD * len(chosen.fields) + sum(len(entry.value) for entry in chosen.fields)


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

    def taken(self) -> Iterator[bytes]:
        """In small pieces: what a server cannot hold in memory for a slow browser it would write to a disk."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        yield from (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))


class _Seated(Iterator[bytes]):
    """A copy that is being made. Its seat is free again once it was taken to its end, broke off, or nobody wants it any more."""

    def __init__(self, pieces: Generator[bytes], seat: ExitStack) -> None:
        self._pieces, self._seat = pieces, seat

    def __next__(self) -> bytes:
        with ExitStack() as failing:
            failing.callback(self.close)
            piece = next(self._pieces)
            failing.pop_all()
        return piece

    def close(self) -> None:
        """May be called twice."""
        self._pieces.close()
        self._seat.close()

    def __del__(self) -> None:
        self.close()


def _name(text: str) -> str:
    """A part of a file name that every system takes."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "_"


#: How a file begins, and what it is called then; a browser and a desktop go by the ending.
_BEGINNINGS = (
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG\r\n", "png"),
    (b"GIF8", "gif"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"RIFF", "riff"),
)


def file_name(original: Original) -> str:
    """What an enclosed file is called: never by an ending that came from outside, and never one that a desktop would run."""
    if original.name == "mail.eml":
        return original.name
    data = original.data or b""
    return f"{_name(original.name)}.{next((ending for beginning, ending in _BEGINNINGS if data.startswith(beginning)), 'bin')}"
