"""JSON as tokens that know where they stand, so that one literal can change and every other byte stays. RFC 8259, without recursion.

The standard parser gives values and forgets spans, number forms, key order and duplicate keys; here nothing is forgotten and nothing is built.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from dsr_engine.content.charset_guess import is_utf8
from dsr_engine.content.format import Unreadable
from dsr_engine.content.stream import BLOCK

_TOKEN = re.compile(
    rb'[ \t\r\n]*+(?:(?P<string>"(?:[^"\\]++|\\(?s:.))*+")|(?P<number>-?[0-9][0-9.eE+-]*+)'
    rb"|(?P<word>true|false|null|NaN|-?Infinity)|(?P<mark>[{}\[\],:]))"
)
_STRING = rb'"[^"\\]*+(?:\\(?s:.)[^"\\]*+)*+"'
_RUN = rb'[^"{}\[\]]*+(?:' + _STRING + rb'[^"{}\[\]]*+)*+'
_SPACE = re.compile(rb"[ \t\r\n]*+\Z")


def _whole_object(levels: int) -> bytes:
    """A pattern for an object with at most so many levels in it."""
    inner = _RUN
    for _ in range(levels):
        inner = _RUN + rb"(?:(?:\{" + inner + rb"\}|\[" + inner + rb"\])" + _RUN + rb")*+"
    return rb"\{" + inner + rb"\}"


_OBJECT = re.compile(_whole_object(3))
_NEXT_OBJECT = re.compile(rb"[ \t\r\n]*+,[ \t\r\n]*+(" + _whole_object(3) + rb")")
_NEXT_BRACKET = re.compile(_RUN + rb"(?P<bracket>[{}\[\]])?")
#: Levels below this are not followed; no serializer writes them, and attackers do.
_DEEPEST = 1000


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is string, number, word or a mark (`{`); the offsets are those of the file."""

    kind: str
    start: int
    end: int
    raw: bytes


class Tokens:
    """The tokens of a stream, through a buffer that holds one token or one skipped value at most, bounded by `limit` bytes."""

    def __init__(self, source: BinaryIO | None, limit: int, data: bytes = b"", offset: int = 0) -> None:
        self._source = source
        self._limit = limit
        self._data = data
        self._at = 0
        self._offset = offset
        self._is_whole = source is None
        self._kept_from = -1

    @property
    def offset(self) -> int:
        """Where the next token is looked for."""
        return self._offset + self._at

    def _more(self) -> bool:
        """Reads on; what lies before the current position is forgotten, but for a value that is being skipped and is not too long."""
        if self._is_whole or self._source is None:
            return False
        if len(self._data) - self._at > self._limit:
            raise Unreadable("json.value_too_long", "a value in a JSON file is longer than the limit; the rest was searched as bytes only")
        start = self._kept_from - self._offset if self._kept_from >= 0 else self._at
        if len(self._data) - start > self._limit:
            self._kept_from, start = -1, self._at
        piece = self._source.read(BLOCK)
        self._is_whole = len(piece) < BLOCK
        self._data = self._data[start:] + piece
        self._offset += start
        self._at -= start
        return bool(piece)

    def next(self) -> Token | None:
        """The next token; None at the end. Raises `Unreadable` (`json.broken`) where there is none."""
        while True:
            found = _TOKEN.match(self._data, self._at)
            if found is not None and (found.end() < len(self._data) or self._is_whole or found.lastgroup == "mark"):
                kind = found.lastgroup or ""
                raw = found[kind]
                start, end = self._offset + found.start(kind), self._offset + found.end()
                self._at = found.end()
                return Token(raw.decode() if kind == "mark" else kind, start, end, raw)
            if self._more():
                continue
            if found is None and self._is_whole:
                if _SPACE.match(self._data, self._at):
                    return None
                raise broken()

    def object_end(self, start: int) -> int:
        """Skips the rest of the object or array whose opening bracket, at `start`, was the last token; where it ends."""
        if self._data[self._at - 1 : self._at] == b"{":
            found = _OBJECT.match(self._data, self._at - 1)
            if found is not None:
                self._at = found.end()
                return self._offset + self._at
        depth = 1
        self._kept_from = start
        while depth:
            found = _NEXT_BRACKET.match(self._data, self._at)
            if found is not None:
                self._at = found.end()
            if found is not None and found["bracket"] is not None:
                depth += 1 if found["bracket"] in b"{[" else -1
            elif not self._more():
                raise broken()
        self._kept_from = -1
        return self._offset + self._at

    def next_object(self) -> tuple[int, bytes] | None:
        """A comma and an object behind it, if they come next and are whole in the buffer: its offset and its bytes."""
        found = _NEXT_OBJECT.match(self._data, self._at)
        if found is None:
            return None
        self._at = found.end()
        return self._offset + found.start(1), found[1]

    def skipped(self, start: int, end: int) -> bytes:
        """The bytes of the value that was just skipped; empty if it was too long to be kept."""
        return self._data[start - self._offset : end - self._offset] if start >= self._offset else b""


def broken() -> Unreadable:
    """The error for what is not JSON."""
    return Unreadable("json.broken", "a JSON file is not valid from some place on; the rest was searched as bytes only")


@dataclass(slots=True)
class Frame:
    """An object or array that is open: the place of its current child."""

    is_object: bool
    start: int
    index: int = -1
    key: Token | None = None
    name: str = ""
    is_repeated: bool = False
    seen: set[str] = field(default_factory=set)
    expects: str = "first"


@dataclass(frozen=True, slots=True)
class Event:
    """`kind`: key, scalar, enter, leave. For `leave` the token is the closing bracket."""

    kind: str
    token: Token


class Walker:
    """The events of a document in their order; `frames` are the open containers, outermost first, while an event is looked at."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.frames: list[Frame] = []

    def skip(self, event: Event) -> int:
        """Goes behind the container that was just entered; where it ends. Its `leave` does not come."""
        end = self.tokens.object_end(event.token.start)
        self.frames.pop()
        return end

    def following(self, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Offset and bytes of the objects that come next in the array whose element was just skipped, before index `stop`.

        A quick way through a long array; it ends early where an object is not whole in the buffer.
        """
        frame = self.frames[-1]
        while not frame.is_object and (stop is None or frame.index + 1 < stop) and (found := self.tokens.next_object()) is not None:
            frame.index += 1
            yield found

    def events(self) -> Iterator[Event]:
        """Raises `Unreadable` for what is not JSON and for what is nested too deep."""
        is_done = False
        while (token := self.tokens.next()) is not None:
            if is_done:
                raise broken()
            event = self._event(token)
            if event is not None:
                yield event
            is_done = not self.frames
        if not is_done:
            raise broken()

    def _event(self, token: Token) -> Event | None:
        frame = self.frames[-1] if self.frames else None
        if token.kind in ("}", "]"):
            return self._left(frame, token)
        if frame is None:
            return self._value(token)
        if frame.expects in ("comma", "colon"):
            if token.kind != {"comma": ",", "colon": ":"}[frame.expects]:
                raise broken()
            frame.expects = "key" if frame.is_object and frame.expects == "comma" else "value"
            return None
        if frame.is_object and frame.expects in ("first", "key"):
            return self._key(frame, token)
        if not frame.is_object:
            frame.index += 1
        frame.expects = "comma"
        return self._value(token)

    def _left(self, frame: Frame | None, token: Token) -> Event:
        if frame is None or frame.expects not in ("first", "comma") or frame.is_object != (token.kind == "}"):
            raise broken()
        self.frames.pop()
        return Event("leave", token)

    def _key(self, frame: Frame, token: Token) -> Event:
        if token.kind != "string":
            raise broken()
        frame.index += 1
        frame.key = token
        frame.name = text_of(token.raw)
        frame.is_repeated = frame.name in frame.seen
        if len(frame.name) <= 64:
            frame.seen.add(frame.name)
        frame.expects = "colon"
        return Event("key", token)

    def _value(self, token: Token) -> Event:
        if token.kind in ("string", "number", "word"):
            return Event("scalar", token)
        if token.kind not in ("{", "["):
            raise broken()
        if len(self.frames) >= _DEEPEST:
            raise Unreadable("json.too_deep", "a JSON file is nested deeper than the limit; the rest was searched as bytes only")
        self.frames.append(Frame(token.kind == "{", token.start))
        return Event("enter", token)


# ---- literals

_CHARACTER = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\(?s:.)|[\xc0-\xff][\x80-\xbf]+|(?s:.)")


def text_of(literal: bytes) -> str:
    """What a string literal says; bytes that are not UTF-8 are read as Windows-1252."""
    for read in (bytes, lambda raw: raw.decode("cp1252", "replace")):
        try:
            return str(json.loads(read(literal), strict=False))
        except ValueError:
            continue
    return literal[1:-1].decode("latin-1")


def literal_like(literal: bytes, now: str) -> bytes:
    """The string literal that says `now`; what did not change at both ends keeps its own bytes and escapes."""
    pieces = _CHARACTER.findall(literal[1:-1])
    texts = [text_of(b'"' + piece + b'"') for piece in pieces]
    head = tail = 0
    at = 0
    while head < len(texts) and now.startswith(texts[head], at):
        at += len(texts[head])
        head += 1
    end = len(now)
    while tail < len(texts) - head and end - len(texts[-1 - tail]) >= at and now.endswith(texts[-1 - tail], at, end):
        end -= len(texts[-1 - tail])
        tail += 1
    is_ascii = literal.isascii() or not is_utf8(literal)
    middle = json.dumps(now[at:end], ensure_ascii=is_ascii)[1:-1].encode("utf-8", "replace")
    return b'"' + b"".join(pieces[:head]) + middle + b"".join(pieces[len(pieces) - tail :]) + b'"'
