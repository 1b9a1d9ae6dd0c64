"""The gate over all subjects: raw buffers at the speed of memory, everything else only where a cheap test says that it may matter.

One buffer is looked at in this order, and the first sign is enough for `passes`: its bytes as they are; folded, where they are not ASCII; the other
Latin charsets, where they are not UTF-8; without their escapes, where they have any; decoded, where they hold runs of base64 or hex digits.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dsr_engine.content import automaton
from dsr_engine.content.fold import Ruler, fold_origin, folded
from dsr_engine.content.forms import Form, Shape, compacted
from dsr_engine.content.views import DIGIT, RUN, View, deeper, encoded, escaped, views
from dsr_engine.content.vocabulary import Vocabulary

#: Up to so many forms are compiled as patterns over raw bytes; beyond, the compact literals are faster.
_FEW = 400
_MARKS = (b"%", b"&", b"\\", b"=", b"\0")
#: Charsets whose letters and spaces fold to ASCII by a table of bytes.
_LATIN = ("cp1252", "cp1250", "iso8859-2", "cp1254", "cp1257", "mac-roman", "koi8-r", "cp437")
_OTHER = ("cp1251", "koi8-r", "iso8859-5", "cp1253", "iso8859-7", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "iso2022_jp")
#: Bytes that were not UTF-8, as `surrogateescape` shows them.
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_RUN = re.compile(f"{DIGIT}{{{RUN},}}".encode())
_PLUS = re.compile(rb"(?<=[A-Za-z\x80-\xff])\+(?=[A-Za-z\x80-\xff])")


class SubjectGate:
    """Implements `content.gate.Gate`."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._patterns: automaton.Database | None = None
        self._runs: automaton.Database | None = None
        self._plus: automaton.Database | None = None
        if isinstance(vocabulary.automaton, automaton.Hyperscan):
            self._runs = automaton.Database([f"{DIGIT}{{{RUN}}}".encode()], is_literal=False)
            self._plus = automaton.Database([rb"[A-Za-z\x80-\xff]\+[A-Za-z\x80-\xff]"], is_literal=False)
            patterns = sorted({pattern for form in vocabulary.forms() for pattern in _patterns(form)})
            if len(patterns) <= _FEW:
                self._patterns = automaton.Database(patterns, is_literal=False)
        self._charsets = () if vocabulary.is_ascii else _OTHER

    @property
    def reach(self) -> int:
        return self._vocabulary.reach

    def passes(self, data: bytes) -> bool:
        return any(True for _ in self._places(data, only_first=True))

    def passes_text(self, text: str) -> bool:
        return any(self._vocabulary.may_hold(view) for view in views(text, self._vocabulary.window))

    def hits(self, data: bytes) -> Sequence[int]:
        return sorted(set(self._places(data, only_first=False)))

    def _places(self, data: bytes, *, only_first: bool) -> Iterator[int]:
        yield from self._plain(data, only_first=only_first)
        text = ""
        if not data.isascii():
            text = data.decode("utf-8", "surrogateescape")
            yield from self._folded(data, text)
            if _NOT_UTF8.search(text, 3, len(text) - 3):
                yield from self._other_charsets(data)
        elif self._charsets and b"\x1b$" in data:
            yield from self._decoded(data, "iso2022_jp")
        if any(mark in data for mark in _MARKS) or (b"+" in data and self._joined(data)):
            yield from self._unescaped(data, text or data.decode("ascii"))
        yield from self._encoded(data)

    def _plain(self, data: bytes, *, only_first: bool) -> Iterator[int]:
        if self._patterns is not None:
            yield from (end for _, end in self._patterns.scan(data, only_first=only_first))
            return
        if only_first and not self._vocabulary.automaton.any(automaton.compact(data)):
            return
        for anchor, start, end in self._vocabulary.found(data):
            if any(entry.form.shape is not Shape.SCOPED for entry in anchor.entries) or _stands_alone(data, start, end):
                yield end

    def _folded(self, data: bytes, text: str) -> Iterator[int]:
        if self._vocabulary.is_ascii and not any(True for _ in self._plain(_quickly_folded(text), only_first=True)):
            return
        yield from self._in_text(data, text, [View(text)])

    def _other_charsets(self, data: bytes) -> Iterator[int]:
        for charset in _LATIN_TABLES:
            for anchor, _, end in self._vocabulary.found(charset.folded(data)):
                yield min(end + len(anchor.literal), len(data))
        for name in self._charsets:
            yield from self._decoded(data, name)

    def _decoded(self, data: bytes, charset: str) -> Iterator[int]:
        """Hits in another charset. Their offsets are those of the text encoded again: exact where that gives the same bytes."""
        text = data.decode(charset, "replace")
        origin = None
        for candidate in self._vocabulary.candidates(folded(text)):
            origin = origin or fold_origin(text)
            _, last = origin.span(candidate.start, candidate.end)
            yield min(len(data), len(text[:last].encode(charset, "replace")))

    def _unescaped(self, data: bytes, text: str) -> Iterator[int]:
        window = self._vocabulary.window
        if b"\0" in data:
            bytewise = data.decode("latin-1")
            yield from self._in_text(data, bytewise, deeper(escaped(View(bytewise), window), window))
        if not text.isascii() or b"\0" not in data:
            yield from self._in_text(data, text, deeper(escaped(View(text), window), window))

    def _in_text(self, data: bytes, text: str, readings: Iterable[View]) -> Iterator[int]:
        """Offsets in the bytes of what the views of a text hold. The text is their UTF-8, or their latin-1 character by character."""
        ruler = None
        for view in readings:
            for _, last in self._in_view(view):
                if len(text) == len(data):
                    yield last
                else:
                    ruler = ruler or Ruler(text, "surrogateescape")
                    yield ruler.byte(last)

    def _joined(self, data: bytes) -> bool:
        """True if letters are joined by `+`, as spaces are in URL-encoded forms."""
        return bool(self._plus.scan(data, only_first=True)) if self._plus is not None else _PLUS.search(data) is not None

    def _in_view(self, view: View) -> Iterator[tuple[int, int]]:
        """Spans of the original that a view has candidates in."""
        loose = folded(view.text)
        candidates = list(self._vocabulary.candidates(loose))
        origin = fold_origin(view.text) if candidates else None
        for candidate in candidates:
            if origin is not None:
                yield view.span(*origin.span(candidate.start, candidate.end))
        for digest in self._vocabulary.digest_hits(view.text):
            yield view.span(digest.start, digest.end)

    def _encoded(self, data: bytes) -> Iterator[int]:
        """Runs of base64 and hex digits, taken out of the buffer with their neighbourhood and decoded."""
        for start, end in self._run_stretches(data):
            view = View(data[start:end].decode("latin-1"))
            yield from (start + found.end for found in self._vocabulary.digest_hits(view.text))
            for inner in deeper(encoded(view), self._vocabulary.window):
                yield from (start + last for _, last in self._in_view(inner))

    def _run_stretches(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Stretches with runs; the lines of one wrapped block are one stretch."""
        stretch: tuple[int, int] | None = None
        for start, end in self._run_spans(data):
            if stretch and start - stretch[1] > 4:
                yield stretch
                stretch = None
            stretch = (stretch[0] if stretch else start, end)
        if stretch:
            yield stretch

    def _run_spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Each run with the white space and the short rest of a wrapped block behind it."""
        if self._runs is None:
            yield from (_with_rest(data, *match.span()) for match in _RUN.finditer(data))
            return
        at = 0
        whole = memoryview(data)
        while found := self._runs.scan(whole[at:], only_first=True):
            match = _RUN.match(data, at + found[0][1] - RUN)
            if match is None:
                return
            start, at = match.span()
            yield _with_rest(data, start, at)


_REST = re.compile(rb"\r?\n[ \t]?[A-Za-z0-9+/_-]+={0,2}|={1,2}")


def _with_rest(data: bytes, start: int, end: int) -> tuple[int, int]:
    rest = _REST.match(data, end)
    return start, rest.end() if rest and (end - start >= 32 or data[end : end + 1] == b"=") else end


def _stands_alone(data: bytes, start: int, end: int) -> bool:
    return not data[max(0, start - 1) : start].isalnum() and not data[end : end + 1].isalnum()


def _patterns(form: Form) -> Iterator[bytes]:
    """What to look for in raw bytes: every writing that `confirm` accepts, and as little else as is fast."""
    text = form.text
    local, _, domain = text.rpartition("@")
    if form.shape is Shape.SCOPED:
        yield _bounded(text)
    elif form.shape is Shape.WORDS:
        yield rb"[\s.,_/\-]{1,4}".join(b"'?".join(map(_literal, word.split("'"))) for word in text.split(" "))
    elif form.shape in (Shape.SPACED, Shape.DIGITS):
        yield _spread(text[-6:], r"[ \t\r\n.()/\-]{0,3}")
    elif form.shape is Shape.WHOLE:
        yield _literal(text)
    else:
        stem = _spread(local, r"\.?") if form.shape is Shape.DOTTED else _literal(local)
        yield stem + b"@" + _literal(domain)
        yield stem + rb"\+"


def _bounded(text: str) -> bytes:
    """A scoped key as a word of its own; `\\b` means something at letters and digits only."""
    pattern = _literal(text)
    first = rb"\b" if text[0].isascii() and text[0].isalnum() else b""
    return first + pattern + (rb"\b" if text[-1].isascii() and text[-1].isalnum() else b"")


def _literal(text: str) -> bytes:
    return _spread(text, "")


def _spread(text: str, between: str) -> bytes:
    """The characters with a pattern between them, each byte escaped."""
    return between.encode().join(b"".join(f"\\x{byte:02x}".encode() for byte in character.encode("utf-8", "replace")) for character in text)


@dataclass(frozen=True, slots=True)
class _Latin:
    """A charset whose letters fold to ASCII: by a table of bytes, apart from those that vanish and those that become several letters."""

    table: bytes
    vanish: bytes
    long: tuple[tuple[bytes, bytes], ...]

    @classmethod
    def of(cls, charset: str) -> "_Latin":
        table, vanish, long = bytearray(range(256)), bytearray(), []
        for byte in range(128, 256):
            character = bytes([byte]).decode(charset, "replace")
            plain = folded(character)
            if not plain:
                vanish.append(byte)
            elif plain.isascii() and len(plain) == 1:
                table[byte] = ord(plain)
            elif plain.isascii() and compacted(plain):
                long.append((bytes([byte]), plain.encode()))
        return cls(bytes(table), bytes(vanish), tuple(long))

    def folded(self, data: bytes) -> bytes:
        """The loose fold of text in this charset, but for ASCII case."""
        plain = data.translate(self.table, self.vanish)
        for byte, letters in self.long:
            if byte in plain:
                plain = plain.replace(byte, letters)
        return plain


_LATIN_TABLES = tuple(_Latin.of(charset) for charset in _LATIN)
_LATIN1 = _Latin.of("latin-1")
_BEYOND = re.compile("[^\x00-\xff]+")


def _quickly_folded(text: str) -> bytes:
    """The loose fold of a text as ASCII, as far as it can be; what cannot becomes `?` or stays a byte above 127."""
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError:
        data = _BEYOND.sub(lambda match: folded(match.group()), text).encode("latin-1", "replace")
    return _LATIN1.folded(data)
