"""How a PDF is rewritten: what is to go is found again by its places, a child takes it out, and the result is read anew before anybody gets it."""

import os
import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from dsr_engine.content.apart import Frame, on_disk, spoken
from dsr_engine.content.format import Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.pdf.compare import Expected, Inventory, digest, inventory, is_as_expected, letters_of, squashed
from dsr_engine.content.pdf.frames import REASONS, WRITE, Texts, frames, inner_reading, pair_list, place_of
from dsr_engine.content.pdf.raw import raw_is_free
from dsr_engine.content.places import local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite
from dsr_engine.domain.anonymize import FieldFacts, Misfit
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, Fence, How, Point, RedactSpans, SetValue

_VIEWS = frozenset({"text", "lines", "meant", "unwrapped"})
_HINT = "delete the whole file, or keep it and say why"


@dataclass(slots=True)
class _Order:
    """What the child is asked to do, and how that will show."""

    contents: dict[str, dict[str, list[tuple[int, int]]]] = field(default_factory=dict)
    strings: dict[str, dict[str, str]] = field(default_factory=dict)
    inner: dict[int, list[Edit]] = field(default_factory=dict)
    drop: list[int] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    come: list[str] = field(default_factory=list)
    #: Places whose text goes because the file is written anew, or is checked afterwards: older revisions, orphans, bytes, PDFium's view.
    shed: set[str] = field(default_factory=set)
    #: What is taken out of each content, by place.
    letters: dict[str, list[str]] = field(default_factory=dict)


class Rewriting:
    """One rewrite of one file."""

    def __init__(self, nested: Nested, open_file: Opener, rewriter: Rewriter, reading: Reading) -> None:
        self._nested = nested
        self._open = open_file
        self._rewriter = rewriter
        self._reading = reading

    def writer(self, edits: Sequence[Edit]) -> Writer:
        """What writes the result, which is there already and has been checked. Raises `NotSupported`."""
        places = {local_place(edit, self._reading): edit.how for edit in edits}
        try:
            with on_disk(self._open) as source:
                before = _inventory(source, frozenset(places))
                _insist_free(before)
                result = self._made(source, self._order(places, before), before)
        except Unreadable as unreadable:
            raise _refusal(unreadable) from None
        return result.write

    def _order(self, places: Mapping[str, How], before: Inventory) -> _Order:
        order = _Order()
        for place, how in places.items():
            first, _, rest = place.partition("/")
            word, _, number = first.partition(":")
            if word in ("revision", "orphan", "bytes") or (word == "page" and rest == "seen"):
                order.shed.add(word)
            elif word in ("file", "stream") and number.isdecimal():
                self._take_inner(order, word, int(number), rest, how)
            elif place not in before.kept:
                raise cannot_rewrite("A place of the plan is not in the file.", "plan again: the file is not what it was")
            elif word in ("page", "content") and rest in _VIEWS:
                self._take_content(order, first, rest, how, before.kept[place])
            else:
                self._take_string(order, number, rest, how, before.kept[place])
        return order

    def _take_inner(self, order: _Order, word: str, number: int, rest: str, how: How) -> None:
        if not rest:
            if not isinstance(how, DropPart) or word != "file":
                raise cannot_rewrite("An embedded file can be dropped, and places in it changed.")
            order.drop.append(number)
            return
        order.inner.setdefault(number, []).append(Edit(f"{self._reading.prefix}{word}:{number}/{rest}", how))

    def _take_content(self, order: _Order, at: str, view: str, how: How, text: str) -> None:
        if not isinstance(how, RedactSpans):
            raise cannot_rewrite("Text on a page has no fields: spans in it can be redacted, nothing else.")
        spans = list(self._rewriter.spans(text))
        order.contents.setdefault(at, {})[view] = spans
        order.letters.setdefault(at, []).extend(text[first:last] for first, last in spans)

    def _take_string(self, order: _Order, number: str, path: str, how: How, text: str) -> None:
        match how:
            case RedactSpans():
                now = self._rewriter.redacted(text)
            case SetValue():
                now = self._replaced(how, path, text)
            case Fence(value) | Point(value):
                now = str(value)
            case DropPart():
                raise cannot_rewrite("A text cannot be dropped: redact it or set its value.")
        order.strings.setdefault(number, {})[path] = now
        order.gone.append(text)
        order.come.append(now)

    def _replaced(self, how: SetValue, path: str, text: str) -> str:
        try:
            value = self._rewriter.replaced(how, text, FieldFacts(path.rpartition("/")[2]))
        except Misfit as misfit:
            raise cannot_rewrite(f"A field cannot hold what the method gives: {misfit}.") from None
        return "" if value is None else str(value)

    def _made(self, source: BinaryIO, order: _Order, before: Inventory) -> "_Result":
        """The rewritten file, checked."""
        request: dict[str, Any] = {"contents": order.contents, "strings": order.strings, "drop": order.drop}
        with ExitStack() as held:
            files: list[BinaryIO] = []
            request["streams"] = {}
            for number, file in self._inner_files(source, order):
                request["streams"][str(number)] = len(files)
                files.append(held.enter_context(file))
            if len(files) < len(order.inner):
                raise cannot_rewrite("A place of the plan is not in the file.", "plan again: the file is not what it was")
            result = _Result()
            said = list(spoken(WRITE, _again(source), request, reasons=REASONS, files=files, sink=result.file))
            self._check(result.file, order, before, said)
        return result

    def _inner_files(self, source: BinaryIO, order: _Order) -> Iterator[tuple[int, BinaryIO]]:
        """The streams that change, as they will be."""
        asked = {"streams": [number for number in order.inner if number not in order.drop]}
        for number in order.drop:
            order.inner.pop(number, None)
        if not order.inner:
            return
        with closing(frames(_again(source), asked)) as said:
            for number, role, open_stream in Texts(self._nested, self._reading).streams(said):
                edits = order.inner[number]
                step = edits[0].place[len(self._reading.prefix) :].partition("/")[0]
                writer = self._nested.prepare(open_stream, edits, self._rewriter, inner_reading(self._reading, step, role, ""))
                now = tempfile.TemporaryFile()  # noqa: SIM115  # whoever takes it closes it
                writer(now)
                now.seek(0)
                yield number, now

    def _check(self, result: BinaryIO, order: _Order, before: Inventory, said: Sequence[Frame]) -> None:
        """Raises `NotSupported` unless the result is the file without what was to go."""
        expected = self._expected(order, before, said)
        if expected is None or not is_as_expected(before, _inventory(result, frozenset()), expected):
            raise cannot_rewrite("A PDF did not come out of the rewrite as it should, so it was left as it was.", _HINT)
        if not self._is_free(result, order, before):
            raise cannot_rewrite("A PDF shows a text in a way that cannot be taken out of it.", _HINT)

    def _expected(self, order: _Order, before: Inventory, said: Sequence[Frame]) -> Expected | None:
        """What the result is to be; None where more letters were taken out than were to go."""
        contents: dict[str, str] = {}
        for frame in said:
            if frame.head.get("is") == "left":
                at = place_of(frame)
                contents[at] = squashed(frame.body.decode("utf-8", "replace"))
                gone = Counter(before.contents.get(at, "")) - Counter(contents[at])
                if "meant" not in order.contents.get(at, {}) and gone - Counter("".join(order.letters.get(at, ()))):
                    return None
                order.letters.setdefault(at, []).extend(gone)
        removed = frozenset(number for frame in said for number in frame.head.get("removed", ()) if isinstance(number, int))
        letters = letters_of("".join(text for texts in order.letters.values() for text in texts))
        return Expected(contents, order.gone, order.come, frozenset(order.inner), removed, letters)

    def _is_free(self, result: BinaryIO, order: _Order, before: Inventory) -> bool:
        """True if nothing in the result would be redacted but what stood in places that the plan leaves alone."""
        with closing(frames(_again(result), {})) as said:
            for frame in said:
                kind = frame.head.get("is")
                if kind == "revision":
                    return False
                texts = [text for _, text in pair_list(frame.body)] if kind == "strings" else []
                texts += [frame.body.decode("utf-8", "replace")] if kind in ("text", "seen", "names") else []
                if any(digest(text) not in before.texts and self._rewriter.redacted(text) != text for text in texts):
                    return False
        return "bytes" not in order.shed or raw_is_free(_again(result), self._rewriter)


def _inventory(source: BinaryIO, wanted: frozenset[str]) -> Inventory:
    with closing(frames(_again(source), {"exact": True})) as said:
        return inventory(said, wanted)


def _again(file: BinaryIO) -> Opener:
    """The file at its start, and what it stands for stays open. One at a time: they share one position."""

    def opened() -> BinaryIO:
        file.flush()
        file.seek(0)
        return os.fdopen(os.dup(file.fileno()), "rb")

    return opened


class _Result:
    """The rewritten file, which goes with the last who could write it."""

    def __init__(self) -> None:
        self.file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  # closed by the finalizer
        weakref.finalize(self, self.file.close)

    def write(self, sink: BinaryIO) -> None:
        """Copies it."""
        self.file.seek(0)
        shutil.copyfileobj(self.file, sink)


def _insist_free(found: Inventory) -> None:
    if found.is_encrypted:
        raise cannot_rewrite("The PDF is encrypted, and writing it back would take its owner's password.")
    if found.is_signed:
        raise cannot_rewrite("The PDF is signed: changing it would break the signature.")


def _refusal(unreadable: Unreadable) -> NotSupported:
    return cannot_rewrite(f"The PDF cannot be rewritten: {unreadable.reason}.")
