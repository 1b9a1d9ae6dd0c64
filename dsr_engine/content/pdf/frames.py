"""What the child says of a PDF, made into units, as far as the engine believes it: places are words that are known beforehand."""

import json
import re
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from hashlib import blake2b
from typing import Any, BinaryIO, cast

from dsr_engine.content.apart import Frame, spoken
from dsr_engine.content.containers.held import view_of
from dsr_engine.content.containers.members import budget_of, step_into
from dsr_engine.content.format import Nested, Opener, Reading, Unreadable
from dsr_engine.content.pdf.places import VIEWS, is_path
from dsr_engine.content.places import inside
from dsr_engine.domain.record import Gap, Unit

READ, WRITE = "dsr_engine.content.pdf.child:read", "dsr_engine.content.pdf.write:write"
REASONS = {
    "pdf.encrypted": "a PDF can be opened with a password only; it was not read",
    "pdf.broken": "a PDF is too damaged to be read; its bytes were searched as they are",
    "pdf.damaged": "parts of a PDF are damaged and were not read",
    "pdf.image_only": "a page of a PDF is a picture without text; the picture was not read: that takes dsr-engine[ocr]",
    "pdf.no_letters": "a font in a PDF does not tell which letters its glyphs are; text in it may be missed",
    "pdf.revisions": "a PDF has more old revisions than the limit; the oldest were not read",
    "pdf.too_big": "a part of a PDF unpacks to more than the limit; it was not read",
    "pdf.namesakes": "two fields of its form would be called alike, and so become one",
    "pdf.signed": "the PDF is signed",
    "pdf.lost": "a place of the plan is not in the file",
    "pdf.picture_text": "the text lies over a picture that shows it",
}
_AT = re.compile(r"(page|content|orphan|object):\d{1,9}")
#: What is read in files that are parts of a PDF's machinery: their texts, not what could not be understood of them.
_WHOLE = ("file", "orphan-file")
_IN_MEMORY = 1024 * 1024


def frames(open_file: Opener, request: Mapping[str, Any], reading: Reading | None = None) -> Generator[Frame, None, None]:
    """What the child says. Raises `Unreadable`."""
    yield from spoken(READ, open_file, request, reasons=REASONS, reading=reading)


def pair_list(body: bytes) -> Sequence[tuple[str, str]]:
    """Pairs of path and text, those left out whose path is none."""
    try:
        said = json.loads(body)
        return [(path, text) for path, text in said if isinstance(path, str) and isinstance(text, str) and is_path(path)]
    except (ValueError, TypeError, RecursionError):
        raise Unreadable("pdf.broken", REASONS["pdf.broken"]) from None


def place_of(frame: Frame) -> str:
    """The place that a frame is about. Raises `Unreadable` where there is no such place."""
    at = str(frame.head.get("at"))
    if not _AT.fullmatch(at):
        raise Unreadable("pdf.broken", REASONS["pdf.broken"])
    return at


def number_in(frame: Frame) -> int:
    """The number in a frame's head."""
    number = frame.head.get("number")
    if not isinstance(number, int) or not 0 <= number < 10**9:
        raise Unreadable("pdf.broken", REASONS["pdf.broken"])
    return number


class Texts:
    """Turns frames into the units that pass the gate."""

    def __init__(self, nested: Nested, reading: Reading) -> None:
        self._nested = nested
        self._reading = replace(reading, budget=budget_of(reading))
        self._revision = ""
        self._told: set[str] = set()
        self._spool = _Spool()
        #: What our reading of each page says, without spaces.
        self._drawn: dict[str, bytes] = {}
        #: Texts that were given.
        self.given: set[str] = set()

    def units(self, said: Iterator[Frame]) -> Iterator[Unit | Gap]:
        """The units and gaps. Raises `Unreadable` as `frames` does, behind what came before."""
        with closing(self._spool):
            for frame in said:
                for got in self._of(frame):
                    if self._is_news(got):
                        yield got

    def _is_news(self, got: Unit | Gap) -> bool:
        """False for what was told: a gap for the same reason, a text of an older revision that the newest has as well."""
        if isinstance(got, Gap):
            is_told = got.code in self._told
            self._told.add(got.code)
            return not is_told
        is_known = bool(self._revision) and got.text in self.given
        self.given.add(got.text)
        return not is_known

    def streams(self, said: Iterator[Frame]) -> Iterator[tuple[int, str, Opener]]:
        """The streams that were asked for: number, role and content, which is there until the next one comes."""
        with closing(self._spool):
            for frame in said:
                if frame.head.get("is") == "gap":
                    code = str(frame.head.get("code"))
                    raise Unreadable(code, REASONS.get(code, REASONS["pdf.damaged"]))
                if self._spool.is_whole(frame):
                    yield number_in(frame), str(frame.head.get("role")), self._spool.open

    def _of(self, frame: Frame) -> Iterator[Unit | Gap]:
        match frame.head.get("is"):
            case "text" | "names" | "seen" as kind:
                yield from self._text(frame, kind)
            case "strings":
                at = place_of(frame)
                for path, text in pair_list(frame.body):
                    yield from self._unit(f"{at}/{path}", text, is_value=True)
            case "stream":
                yield from self._stream(frame)
            case "revision":
                self._revision = f"revision:{number_in(frame)}/"
            case "gap":
                yield self._gap(str(frame.head.get("code")))

    def _text(self, frame: Frame, kind: str) -> Iterator[Unit]:
        view = str(frame.head.get("view")) if kind == "text" else kind
        at = f"page:{number_in(frame)}" if kind == "seen" else place_of(frame)
        text = frame.body.decode("utf-8", "replace")
        if view not in VIEWS or (self._reading.gate is None and view in ("lines", "unwrapped", "seen", "names")):
            return
        if view == "text" and not self._revision:
            self._drawn[at] = _letters(text)
        elif view == "seen" and self._drawn.get(at) == _letters(text):
            return
        is_fixed = kind == "names" and at.startswith("object") and not self._revision
        yield from self._unit(f"{at}/{view}", text, is_opaque=is_fixed)

    def _unit(self, place: str, text: str, *, is_value: bool = False, is_opaque: bool = False) -> Iterator[Unit]:
        gate = self._reading.gate
        if text and (gate is None or gate.passes_text(text)):
            where = self._reading.prefix + self._revision + place
            yield Unit(where, text, inside(self._reading), is_value=is_value, is_opaque=is_opaque)

    def _gap(self, code: str) -> Gap:
        code = code if code in REASONS else "pdf.damaged"
        return Gap(self._reading.collection, code, REASONS[code])

    def _stream(self, frame: Frame) -> Iterator[Unit | Gap]:
        """A stream that is a file of its own, once it is there as a whole."""
        budget = budget_of(self._reading)
        budget.decoded += len(frame.body)
        budget.check()
        if self._spool.is_whole(frame):
            yield from self._inner(frame, self._spool.open)

    def _inner(self, frame: Frame, open_stream: Opener) -> Iterator[Unit | Gap]:
        number, role = number_in(frame), str(frame.head.get("role"))
        is_live = not self._revision and not role.startswith("orphan")
        word = "file" if role == "file" else "stream" if not role.startswith("orphan") else "orphan"
        if role not in _WHOLE and self._reading.gate is None:
            return
        inner = inner_reading(self._reading, f"{self._revision}{word}:{number}", role, str(frame.head.get("name", "")))
        for got in self._nested.read(open_stream, inner):
            if isinstance(got, Gap):
                if role in _WHOLE:
                    yield got
            elif role == "file" and is_live:
                yield got
            else:
                yield replace(got, inside=inside(self._reading), is_opaque=got.is_opaque and is_live)


def inner_reading(reading: Reading, step: str, role: str, name: str) -> Reading:
    """How a stream is read. What is no file has no name that says what it is."""
    hint = {"file": name, "xml": "x.xml", "script": "x.txt"}.get(role.removeprefix("orphan-"), "")
    # A picture on a page is looked at where the page is drawn.
    return replace(step_into(reading, step, hint[:255], budget_of(reading)), is_drawn=role == "picture" and not step.startswith("revision"))


def _letters(text: str) -> bytes:
    """Stands for the letters of a text in their order."""
    return blake2b("".join(letter for letter in text if letter.isalnum()).encode("utf-8", "replace"), digest_size=16).digest()


class _Spool:
    """The pieces of one stream after another, in a file without a name; in memory while it is small."""

    def __init__(self) -> None:
        self._file = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115  # closed in `close`
        self._is_whole = False

    def is_whole(self, frame: Frame) -> bool:
        """Takes a piece. True if it was the last."""
        if self._is_whole:
            self._file.seek(0)
            self._file.truncate()
        self._file.write(frame.body)
        self._is_whole = bool(frame.head.get("last"))
        return self._is_whole

    def open(self) -> BinaryIO:
        """The stream at its start."""
        return view_of(self._file)

    def close(self) -> None:
        self._file.close()
