"""Reads SQL that others wrote (the text of a table, the body of a trigger) far enough to tell words, names and strings apart.

Not a parser of SQL: it finds what stands behind `CHECK` and where a trigger writes, and never takes a word inside a string or a comment for one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    WORD = "word"
    NAME = "quoted name"
    STRING = "string"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL and where it stands. `text` of a quoted name is the name itself."""

    kind: Kind
    text: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        return self.kind is Kind.WORD and self.text.upper() in words

    @property
    def is_name(self) -> bool:
        return self.kind in (Kind.WORD, Kind.NAME)


_TOKEN = re.compile(
    r"""
      (?P<skip>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<dollar>\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))
    | (?P<escaped>[eE]'(?:[^'\\]|''|\\.)*(?:'|\Z))
    | (?P<string>[xXbBnN]?'(?:[^']|'')*(?:'|\Z))
    | (?P<double>"(?:[^"]|"")*(?:"|\Z))
    | (?P<back>`(?:[^`]|``)*(?:`|\Z))
    | (?P<bracket>\[[^\]]*(?:\]|\Z))
    | (?P<word>\w[\w$]*)
    | (?P<mark>.)
    """,
    re.DOTALL | re.VERBOSE,
)


_ESCAPED = re.compile(r"'(?:[^'\\]|''|\\.)*(?:'|\Z)", re.DOTALL)

#: What a quoted name is without its quotes.
_NAMES: dict[str, Callable[[str], str]] = {
    "double": lambda raw: raw[1:-1].replace('""', '"'),
    "back": lambda raw: raw[1:-1].replace("``", "`"),
    "bracket": lambda raw: raw[1:-1],
}
_KINDS = {"word": Kind.WORD, "mark": Kind.MARK, "escaped": Kind.STRING, "string": Kind.STRING, "dollar": Kind.STRING}


@dataclass(frozen=True, slots=True)
class Style:
    """What a server takes for what. `brackets`: `[name]` is a name (SQLite). `escapes`: a backslash in a string escapes (MariaDB)."""

    brackets: bool = False
    escapes: bool = False


PLAIN, SQLITE, MARIADB = Style(), Style(brackets=True), Style(escapes=True)


def tokens(text: str, style: Style = PLAIN) -> Iterator[Token]:
    """The tokens of a text, comments and blanks left out."""
    at = 0
    while at < len(text):
        found = _ESCAPED.match(text, at) if style.escapes and text[at] == "'" else _TOKEN.match(text, at)
        assert found is not None
        kind, end = found.lastgroup or "string", found.end()
        if kind == "bracket" and not style.brackets:
            kind, end = "mark", at + 1
        raw = text[at:end]
        if kind in _NAMES:
            yield Token(Kind.NAME, _NAMES[kind](raw), at, end)
        elif kind != "skip":
            yield Token(_KINDS[kind], raw, at, end)
        at = end


def checks_in(create: str) -> list[str]:
    """The expressions of all CHECK constraints in a `CREATE TABLE` of SQLite, without their outer parentheses."""
    found: list[str] = []
    known = list(tokens(create, SQLITE))
    for number, token in enumerate(known[:-1]):
        if token.is_word("CHECK") and known[number + 1].text == "(" and known[number + 1].kind is Kind.MARK:
            end = _closing(known, number + 1)
            if end is not None:
                found.append(create[known[number + 1].end : known[end].start])
    return found


def _closing(known: Sequence[Token], opening: int) -> int | None:
    depth = 0
    for number in range(opening, len(known)):
        if known[number].kind is Kind.MARK and known[number].text in "()":
            depth += 1 if known[number].text == "(" else -1
            if depth == 0:
                return number
    return None


@dataclass(frozen=True, slots=True)
class Writes:
    """What a trigger's body does. `targets` are tables as they are named there.

    `uses_old`: it looks at the row as it was, or at the statement's text. `is_dynamic`: it runs statements that are put together when it runs, or
    calls on others, so `targets` may be incomplete.
    """

    targets: tuple[str, ...]
    uses_old: bool
    is_dynamic: bool


def writes_of(body: str, style: Style = PLAIN, *, old: str = "OLD") -> Writes:
    """Where the body of a trigger writes. `old` is the name of the old row (or of a transition table that holds the old rows)."""
    known = list(tokens(body, style))
    targets: dict[str, None] = {}
    for number, token in enumerate(known):
        if token.is_word("INTO") and number and _inserts(known, number):
            targets[_name_at(known, number + 1)] = None
        elif token.is_word("UPDATE") and not _is_event(known, number):
            targets[_name_at(known, _behind_or(known, number + 1))] = None
    words = {token.text.upper() for token in known if token.is_name}
    uses_old = bool(words & {"OLD", old.upper(), "CURRENT_QUERY"})
    is_dynamic = bool(words & {"EXECUTE", "PERFORM", "CALL", "PREPARE"})
    return Writes(tuple(name for name in targets if name), uses_old, is_dynamic)


def _inserts(known: Sequence[Token], number: int) -> bool:
    """True if this INTO belongs to INSERT or REPLACE; `SELECT … INTO variable` writes nowhere."""
    before = known[max(0, number - 3) : number]
    return any(token.is_word("INSERT", "REPLACE") for token in before)


def _is_event(known: Sequence[Token], number: int) -> bool:
    """True for UPDATE in `AFTER UPDATE OF x ON y`, `FOR UPDATE`, `ON UPDATE`, `DO UPDATE SET` and the like, which names no table to write."""
    before = known[number - 1] if number else None
    after = known[number + 1] if number + 1 < len(known) else None
    if before is not None and (before.is_word("AFTER", "BEFORE", "OF", "FOR", "ON", "OR", "DO", "KEY") or before.text in "=,"):
        return True
    return after is None or not after.is_name or after.is_word("ON", "OF", "SET", "THEN", "AND", "OR")


def _behind_or(known: Sequence[Token], number: int) -> int:
    """Past `OR IGNORE` and `ONLY`."""
    if known[number].is_word("OR") and number + 2 < len(known):
        return number + 2
    return number + 1 if known[number].is_word("ONLY") and number + 1 < len(known) else number


def _name_at(known: Sequence[Token], number: int) -> str:
    """A name, with its schema if it has one; `(` before `INTO (` means nothing."""
    if number >= len(known) or not known[number].is_name:
        return ""
    parts = [known[number].text]
    while number + 2 < len(known) and known[number + 1].text == "." and known[number + 2].is_name:
        parts.append(known[number + 2].text)
        number += 2
    return ".".join(parts)
