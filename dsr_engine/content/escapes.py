"""Notations of escapes: what each looks like, and what the text says once it is undone.

What mail servers do to an address so that it fits where no address is taken is one of them: IMCEA (a foreign address in an Exchange directory), xtext
(RFC 3461 section 4), guests of a tenant in Entra (`jane_example.com#EXT#@…`). So is the fold of a long line (LDIF, vCard, iCalendar, headers).
"""

import codecs
import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dsr_engine.content.codec_names import known_codec
from dsr_engine.content.digit_runs import said_in

#: Between two stretches of a text that are not beside each other.
GAP = "\n" * 8
#: The form of a reading in which each `+` is a space.
BLANKS = "form"


def around(spans: Iterable[tuple[int, int]], reach: int, size: int) -> list[tuple[int, int]]:
    """What lies within `reach` of the ascending spans in a text of this size; what is near is one."""
    stretches: list[tuple[int, int]] = []
    for start, end in spans:
        if stretches and start - reach <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], min(size, end + reach))
        else:
            stretches.append((max(0, start - reach), min(size, end + reach)))
    return stretches


Decoded = list[tuple[str, int, int]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One escape notation: characters without which it cannot be there, its pattern, and what a match says (text, offsets)."""

    form: str
    mark: str
    pattern: re.Pattern[str]
    decode: Callable[[re.Match[str]], Decoded]
    is_last: bool = False

    def undone(self, text: str, reach: int) -> str:
        """The text without these escapes, as far as it lies around them. The same escape is decoded once only; none at all: nothing is left."""
        known: dict[str, str] = {}

        def said(match: re.Match[str]) -> str:
            word = match[0]
            plain = known.get(word)
            if plain is None:
                plain = known[word] = "".join(part for part, _, _ in self.decode(match))
            return plain

        stretches = around((match.span() for match in self.pattern.finditer(text)), reach, len(text))
        return GAP.join(self.pattern.sub(said, text[start:end]) for start, end in stretches)


def _from_bytes(units: list[tuple[bytes, int, int]], charset: str) -> Decoded:
    """Characters of a byte sequence whose bytes come from known places."""
    decoder = codecs.getincrementaldecoder(charset)("replace")
    decoded: Decoded = []
    begin = units[0][1] if units else 0
    for data, start, end in units:
        text = decoder.decode(data)
        if text or (not data and begin == start):
            decoded.append((text, begin, end))
            begin = end
    if units and begin < units[-1][2]:
        decoded.append((decoder.decode(b"", final=True), begin, units[-1][2]))
    return decoded


def _utf8_or_latin(units: list[tuple[bytes, int, int]]) -> Decoded:
    decoded = _from_bytes(units, "utf-8")
    return _from_bytes(units, "cp1252") if any("\ufffd" in text for text, _, _ in decoded) else decoded


def _hex_units(match: re.Match[str], group: int = 0) -> list[tuple[bytes, int, int]]:
    """The bytes of `=XX`, `%XX` and soft line breaks; other characters stand for themselves."""
    units = []
    offset = match.start(group)
    for step in re.finditer(r"[=%]([0-9A-Fa-f]{2})|=[ \t]*\r?\n|(.)", match.group(group), re.DOTALL):
        data = bytes.fromhex(step[1]) if step[1] else step[2].encode("utf-8", "replace") if step[2] else b""
        units.append((data, offset + step.start(), offset + step.end()))
    return units


def _percent(match: re.Match[str]) -> Decoded:
    return _utf8_or_latin(_hex_units(match))


def _entity(match: re.Match[str]) -> Decoded:
    return [(html.unescape(match.group()), match.start(), match.end())]


_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def _backslash(match: re.Match[str]) -> Decoded:
    body = match.group()[1:]
    if body[0] not in "ux" or len(body) == 1:
        return [(_SHORT.get(body, body), match.start(), match.end())]
    units = [int(part, 16) for part in re.findall(r"[ux]([0-9A-Fa-f]+)", match.group())]
    text = b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le", "replace")
    return [(text, match.start(), match.end())]


def _encoded_word(match: re.Match[str]) -> Decoded:
    """RFC 2047. A Q word is mapped character by character, a B word as a whole."""
    charset = known_codec(match[1].split("*")[0]) or "cp1252"
    way, start, end = match[2].lower(), match.start(), match.end()
    if way == "b":
        data = said_in(match[3].replace("=", "").encode("ascii", "ignore").decode("ascii"))
        return [(data.decode(charset, "replace"), start, end)]
    units = [(b" " if data == b"_" else data, first, last) for data, first, last in _hex_units(match, 3)]
    return [("", start, match.start(3)), *_from_bytes(units, charset), ("", match.end(3), end)]


def _xtext(match: re.Match[str]) -> Decoded:
    return [(chr(int(match[0][1:], 16)), match.start(), match.end())]


def _imcea(match: re.Match[str]) -> Decoded:
    """The address after the name of its kind, whose end no address goes on from."""
    at = match.start(1)
    decoded: Decoded = [(" ", match.start(), at)]
    for step in re.finditer(r"\+([0-9A-Fa-f]{2})|[^+]+|\+", match[1]):
        decoded.append((chr(int(step[1], 16)) if step[1] else step[0], at + step.start(), at + step.end()))
    return decoded


def _at(match: re.Match[str]) -> Decoded:
    """The last `_` of a guest's name stands for the `@`."""
    return [("@", match.start(), match.end())]


def _unfolded(match: re.Match[str]) -> Decoded:
    """The fold is left out; what stands before it in the match stays."""
    kept = match[0].rstrip()
    end = match.start() + len(kept)
    return [*([(kept, match.start(), end)] if kept else []), ("", end, match.end())]


def _between_cells(match: re.Match[str]) -> Decoded:
    """What parts two cells of a table in HTML."""
    return [("; ", match.start(), match.end())]


def _blank(match: re.Match[str]) -> Decoded:
    """The `+` that stands for a space in URL-encoded forms."""
    return [(" ", match.start(), match.end())]


#: What follows the word: the kind of address, and the address with all but letters and digits as `+2E`.
_IMCEA = r"[A-Za-z0-9]{0,16}-([^\s<>\"',;:()@]{3,400})"
#: A line end and one blank inside of an address: behind its `@`, or before it.
_FOLD = r"@[\w.\-]{0,80}~(?=[\w.\-])|~(?<=[\w.+\-]~)(?=[\w.+\-]{0,80}@)"
# Each pattern begins with its mark, which the regular expression engine then looks for at the speed of memchr.
_QP = r"=(?:[0-9A-Fa-f]{2}|[ \t]{0,4}\r?\n)"
KINDS = (
    Kind("percent", "%", re.compile(r"%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*"), _percent),
    Kind("entity", "&", re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30}(?=;));?"), _entity),
    Kind(
        "escape",
        "\\",
        re.compile(r'\\(?:u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|["\\/bfnrt])'),
        _backslash,
    ),
    Kind(BLANKS, "+", re.compile("\\+(?<=[\\w)\u0300-\u036f]\\+)(?=[\\w(%])"), _blank),
    # All but letters, digits and what stands in no address: `+2E`; an address has `+40` in it.
    Kind("xtext", "+40", re.compile(r"\+(?<=[\w.\-]\+)(?:2[0-9A-Fa-f]|3[A-Fa-f]|40|5[B-Fb-f]|60|7[B-Eb-e])"), _xtext, is_last=True),
    *(Kind("imcea", name, re.compile(name + _IMCEA), _imcea, is_last=True) for name in ("IMCEA", "imcea")),
    *(Kind("guest", mark, re.compile(rf"_(?=[^\s_@#<>\"',;:()]{{3,253}}{mark})"), _at, is_last=True) for mark in ("#EXT#", "#ext#")),
    *(Kind("fold", mark, re.compile(_FOLD.replace("~", mark)), _unfolded, is_last=True) for mark in ("\n ", "\n\t", "\r\n ", "\r\n\t")),
    Kind("cells", "<", re.compile(r"</[tT][dDhH][ \t]{0,4}>\s{0,40}<[tT][dDhH](?:\s[^<>]{0,200})?>"), _between_cells, is_last=True),
    Kind("encoded-word", "=", re.compile(r"=\?([A-Za-z0-9_*.:-]{1,40})\?([bBqQ])\?([^?\s]{0,200})\?=(?:\s{1,4}(?==\?))?"), _encoded_word),
    Kind("quoted-printable", "=", re.compile(rf"{_QP}(?:{_QP})*"), _percent),
)
