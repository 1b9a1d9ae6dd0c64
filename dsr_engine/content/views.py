"""Other readings of a text: what it says once escapes, encoded words, base64 and wide characters are undone, with a map back.

A view is built only around the escapes that a text really has, and views of views to a small depth, so that hostile text costs a bounded multiple
of its length. The gate and the matcher use the same views: what one sees, the other sees.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dsr_engine.content.digit_runs import HEX, RUN, Run, runs, said_in
from dsr_engine.content.escapes import GAP, KINDS, Kind
from dsr_engine.content.fold import Origin, Piece, Ruler

#: How many encodings may lie inside each other (JSON inside base64 inside percent is 3).
DEPTH = 3
_READABLE = re.compile("[\t\n\r\x20-\x7e\xa0-\U0010ffff]{6,}")
_READABLE_ASCII = re.compile("[\t\n\r\x20-\x7e]{6,}")
_READABLE_WIDE = re.compile("(?:[^\0]\0){4,}|(?:\0[^\0]){4,}|[\t\n\r\x20-\x7e]{6,}")


class _Map(Protocol):
    def span(self, start: int, end: int) -> tuple[int, int]: ...


@dataclass(frozen=True, slots=True, repr=False)
class View:
    """A derived text. `form` names the outermost encoding; `span` leads back to the offsets of the original; a final one is not read any deeper.

    `had_zeros`: what it was made from had zeros too, so they need not be read as wide characters once more. `breaks` are the offsets at which
    something was left out that looks like a soft line break or a fold: where it was the padding of base64 or a line end, another value follows.
    """

    text: str
    form: str = "plain"
    maps: tuple[_Map, ...] = ()
    is_final: bool = False
    had_zeros: bool = False
    breaks: tuple[int, ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        for step in self.maps:
            start, end = step.span(start, end)
        return start, end

    def inner(self, text: str, form: str, step: _Map, breaks: Iterable[int] = (), *, is_final: bool = False) -> "View":
        name = form if self.form == "plain" else self.form
        return View(text, name, (step, *self.maps), is_final, had_zeros="\0" in self.text, breaks=tuple(dict.fromkeys(breaks)))


def views(text: str, reach: int) -> Iterator[View]:
    """The text itself, then every other reading of it. `reach` is how many characters around an escape belong to one reading."""
    plain = View(text)
    yield plain
    yield from _deeper([*escaped(plain, reach), *encoded(plain)], reach, DEPTH - 1, {text})


def deeper(first: Iterable[View], reach: int) -> Iterator[View]:
    """These views and the views in them."""
    yield from _deeper(list(first), reach, DEPTH - 1, set())


def _deeper(level: list[View], reach: int, depth: int, seen: set[str]) -> Iterator[View]:
    while True:
        fresh = []
        for view in level:
            if view.text not in seen:
                seen.add(view.text)
                fresh.append(view)
        yield from fresh
        if depth == 0 or not fresh:
            return
        depth -= 1
        level = [inner for view in fresh if not view.is_final for inner in (*escaped(view, reach), *encoded(view))]


def escaped(view: View, reach: int) -> Iterator[View]:
    """The readings that undo one notation of escapes each, and wide characters."""
    if "\0" in view.text and not view.had_zeros:
        yield _without_zeros(view)
        yield from _wide(view)
    for kind in KINDS:
        if kind.mark in view.text and kind.pattern.search(view.text):
            yield _unescaped(view, kind, reach)


def unescaped_texts(text: str, reach: int, *, had_zeros: bool = False) -> Iterator[tuple[str, str]]:
    """The form and the text of each of those readings, but the last ones, without a way back."""
    if "\0" in text and not had_zeros:
        yield "utf-16", text.replace("\0", "")
        yield from (("utf-16", view.text) for view in _wide(View(text)))
    for kind in KINDS:
        if not kind.is_last and kind.mark in text and (inner := kind.undone(text, reach)):
            yield kind.form, inner


def last_texts(text: str, reach: int) -> Iterator[str]:
    """The texts of those readings that are not read any deeper."""
    return (inner for kind in KINDS if kind.is_last and kind.mark in text and (inner := kind.undone(text, reach)))


@dataclass(slots=True)
class _Draft:
    """A derived text while it is made."""

    parts: list[str] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    length: int = 0
    breaks: list[int] = field(default_factory=list)

    def copy(self, view: View, start: int, end: int) -> None:
        """A stretch of a view, with its breaks."""
        lying = view.breaks[bisect_left(view.breaks, start) : bisect_right(view.breaks, end)]
        self.breaks += (self.length + at - start for at in lying)
        self.plain(view.text[start:end])

    def plain(self, text: str) -> None:
        self.parts.append(text)
        self.length += len(text)

    def piece(self, text: str, start: int, end: int) -> None:
        self.pieces.append(Piece(self.length, self.length + len(text), start, end))
        self.plain(text)


def _unescaped(view: View, kind: Kind, reach: int) -> View:
    draft = _Draft()
    source = view.text
    done = 0
    for match in kind.pattern.finditer(source):
        is_first = draft.length == 0
        if is_first or match.start() - reach > done + reach:
            if not is_first:
                draft.copy(view, done, done + reach)
            begin = max(done, match.start() - reach)
            draft.piece(GAP, begin, begin)
            done = begin
        draft.copy(view, done, match.start())
        for text, start, end in kind.decode(match):
            draft.piece(text, start, end)
            if not text:
                draft.breaks.append(draft.length)
        done = match.end()
    draft.copy(view, done, done + reach)
    return view.inner("".join(draft.parts), kind.form, Origin(draft.pieces), draft.breaks, is_final=kind.is_last)


@dataclass(frozen=True, slots=True, repr=False)
class _Pairs:
    """The map of UTF-16 that was decoded from bytes which stand as latin-1 text."""

    text: str
    offset: int

    def span(self, start: int, end: int) -> tuple[int, int]:
        first = self.offset + len(self.text[:start].encode("utf-16-le", "surrogatepass"))
        return first, first + len(self.text[start:end].encode("utf-16-le", "surrogatepass"))


def _wide(view: View) -> Iterator[View]:
    """UTF-16 in either byte order at either alignment."""
    try:
        data = view.text.encode("latin-1")
    except UnicodeEncodeError:
        return  # decoded text: its zeros are characters of their own
    for charset in ("utf-16-le", "utf-16-be"):
        for offset in (0, 1):
            end = offset + (len(data) - offset) // 2 * 2
            text = data[offset:end].decode(charset, "replace")
            maps = (_Pairs(text, offset), *view.maps)
            is_garbage = 2 * len(text.encode("ascii", "ignore")) < len(text)
            yield View(text, "utf-16" if view.form == "plain" else view.form, maps, is_final=is_garbage, had_zeros=True)


def _without_zeros(view: View) -> View:
    """ASCII in UTF-16 and UTF-32."""
    draft = _Draft()
    done = 0
    for match in re.finditer("\0+", view.text):
        draft.plain(view.text[done : match.start()])
        draft.piece("", *match.span())
        done = match.end()
    draft.plain(view.text[done:])
    return view.inner("".join(draft.parts), "utf-16", Origin(draft.pieces))


def encoded(view: View) -> Iterator[View]:
    """One view of all runs, each in its four base64 alignments and both of hex.

    Only readable stretches are kept, each mapped to the digits that it came from: a rewrite then takes the lines of encoded text that hold somebody
    as wholes, and neither the path or the token that stands before them nor the word or the value in the line behind.
    """
    drafts = {"base64": _Draft(), "hex": _Draft()}
    for run in (each for found in runs(view.text) for each in (found, *found.values())):
        cuts = _cuts(view, run)
        for shift in range(4):
            _keep(drafts["base64"], run, cuts, said_in(run.digits[shift:]), shift, 3, 4)
        for found in HEX.finditer(run.digits):
            for shift in (found.start(), found.start() + 1):
                usable = (found.end() - shift) // 2 * 2
                if usable >= RUN:
                    _keep(drafts["hex"], run, cuts, bytes.fromhex(run.digits[shift : shift + usable]), shift, 1, 2)
    for form, draft in drafts.items():
        if draft.length:
            yield view.inner("".join(draft.parts), form, Origin(draft.pieces))


def _cuts(view: View, run: Run) -> list[int]:
    """The digits of a run that stand at the beginning of a line, or where a break was left out; not the first."""
    inside = view.breaks[bisect_right(view.breaks, run.start) : bisect_left(view.breaks, run.end)]
    left_out = (first + at - begin for at in inside for first, begin in run.lines[bisect_right(run.lines, at, key=_offset) - 1 :][:1])
    return sorted({*left_out, *(first for first, _ in run.lines[1:])})


def _offset(line: tuple[int, int]) -> int:
    return line[1]


def _keep(draft: _Draft, run: Run, cuts: Sequence[int], data: bytes, shift: int, size: int, digits: int) -> None:
    """Adds the readable stretches of a decoded run: `size` bytes came from `digits` digits, from the digit `shift` on.

    What stands on both sides of a cut is two pieces, each mapped to its own digits.
    """
    text = data.decode("utf-8", "replace")
    is_bytes = text.isascii() or "\ufffd" in text or "\0" in text
    if is_bytes:
        text = data.decode("latin-1")
    pattern = _pattern(text, is_bytes=is_bytes)
    ruler = Ruler(text, "strict")
    for stretch in pattern.finditer(text):
        before, through = (part if is_bytes else ruler.byte(part) for part in stretch.span())
        first = shift + before // size * digits
        done = stretch.start()
        if before % size and run.digits[first + digits - 1] in "+/-_":  # the end of a path or a token, by chance readable
            first += digits
            done += size - before % size
        last = shift - (-through // size) * digits
        is_last = last + digits > len(run.digits) and (not cuts or cuts[-1] < last)
        end = run.end if is_last else run.place(min(last, len(run.digits)) - 1) + 1
        draft.piece(GAP, run.place(first), run.place(first))
        begin = run.place(first)
        for cut in cuts[bisect_right(cuts, first) : bisect_left(cuts, last)]:
            count = (cut - shift) * size // digits
            while not is_bytes and count < len(data) and data[count] & 0xC0 == 0x80:
                count -= 1
            at = min(count if is_bytes else ruler.character(count), stretch.end())
            if at > done:
                draft.piece(text[done:at], begin, run.place(cut - 1) + 1)
                done, begin = at, run.place(shift + count * digits // size)
        draft.piece(text[done : stretch.end()], begin, end)


def _pattern(text: str, *, is_bytes: bool) -> re.Pattern[str]:
    """What counts as readable in a decoded run. Bytes that are not UTF-8 count as latin-1 only where nearly all of them are plain text."""
    if "\0" in text:
        return _READABLE_WIDE
    if not is_bytes:
        return _READABLE
    plain = sum(map(len, _READABLE_ASCII.findall(text)))
    return _READABLE if plain * 10 >= len(text) * 9 else _READABLE_ASCII
