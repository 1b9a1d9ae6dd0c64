"""Characters of XML and HTML as bytes, and back: references, line ends, CDATA, quotes, and what the charset of a file cannot write."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Literal
from urllib.parse import quote

from dsr_engine.content.charset_guess import is_utf8
from dsr_engine.content.documents.runs import bytes_of

_CHARACTER = re.compile(r"&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{0,40});|\r\n?|.", re.DOTALL)
_COLLAPSING = re.compile(r"&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{0,40});?|[ \t\r\n\f]+|.", re.DOTALL)
_SPACES = re.compile(rb"[ \t\r\n\f]+")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ADDRESSES = frozenset({"Target", "href", "src", "action"})
#: Kinds of runs in which references are references.
_ESCAPED = frozenset({"text", "attribute", "single", "html", "bare", "uri"})
#: Bytes beyond ASCII as Windows-1252 has them: taken one by one, or as what is left over where UTF-8 makes no sense of them.
_WESTERN = {
    code: character
    for byte, character in enumerate(bytes(range(256)).decode("cp1252", "replace"))
    if byte > 127 and character != "\ufffd"
    for code in (byte, 0xDC00 + byte)
} | {0xDC00 + byte: chr(byte) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


@dataclass(frozen=True, slots=True)
class Written:
    """How characters are bytes. `codec` is the charset of the file where it is not UTF-8: what it lacks is written as a reference.

    `western` is what bytes of a file that is not read through a charset are in Windows-1252: `strays`, where they are no UTF-8, `all`, or none.
    """

    codec: str = ""
    western: Literal["", "strays", "all"] = ""

    def lacks(self, character: str) -> bool:
        """True if the charset has no such character."""
        try:
            character.encode(self.codec or "utf-8")
        except UnicodeEncodeError:
            return True
        return False


@dataclass(frozen=True, slots=True)
class XmlRun:
    """One stretch of characters.

    `kind`: `text`, `cdata`, `attribute` (between double quotes), `single` (between single ones), `bare` (an attribute of HTML without quotes),
    `uri` (an attribute between double quotes that is an address), `comment`, `instruction`, `doctype`, `tag` (a name), `html` (text in which
    spaces collapse), `raw` (a script).
    """

    start: int
    raw: bytes
    kind: str
    how: Written
    text: str

    def span(self, first: int, last: int) -> tuple[int, int]:
        if len(self.raw) == len(self.text):
            return self.start + first, self.start + last
        return bytes_of(_steps(self.raw, self.kind, self.how), self.start, first, last)

    def written(self, text: str) -> bytes:
        text = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
        if self.kind == "uri":
            text = quote(text, safe="-._~!$&'()*+,;=:@/?%#")
        if self.kind in _ESCAPED:
            return _referenced(_escaped(text, self.kind), self.how)
        return _verbatim(text, self.kind).translate(_Missing(self.how)).encode()


def addressed(name: str, run: XmlRun) -> XmlRun:
    """The run of an attribute; one that is an address by its name is written as an address."""
    is_address = run.kind == "attribute" and name in _ADDRESSES
    return XmlRun(run.start, run.raw, "uri", run.how, run.text) if is_address else run


class _Missing:
    """A table for `str.translate`: characters that the charset of the file lacks become question marks where no reference can stand."""

    def __init__(self, how: Written) -> None:
        self._how = how

    def __getitem__(self, code: int) -> str:
        return "?" if self._how.lacks(chr(code)) else chr(code)


def xml_run(start: int, raw: bytes, kind: str, how: Written) -> XmlRun:
    """The run of these bytes."""
    is_readable = raw.isascii() if how.western == "all" else is_utf8(raw)
    if kind == "html" and b"&" not in raw and is_readable:
        text = _SPACES.sub(b" ", raw).decode()
    elif (b"&" in raw and kind in _ESCAPED) or b"\r" in raw or kind == "html" or not is_readable:
        text = "".join(characters for characters, _ in _steps(raw, kind, how))
    else:
        text = raw.decode()
    if kind in ("attribute", "single"):
        text = text.replace("\n", " ").replace("\t", " ")
    return XmlRun(start, raw, kind, how, text)


def _steps(raw: bytes, kind: str, how: Written) -> Iterator[tuple[str, int]]:
    """What is read, with how many bytes it is written."""
    pattern = _COLLAPSING if kind == "html" else _CHARACTER
    codec, errors = ("latin-1", "strict") if how.western == "all" else ("utf-8", "surrogateescape")
    for found in pattern.finditer(raw.decode(codec, errors)):
        step = found[0]
        size = len(step.encode(codec, errors))
        if step[0] == "&" and len(step) > 1 and kind in _ESCAPED:
            yield unescape(step), size
        elif kind == "html" and step[0] in " \t\r\n\f":
            yield " ", size
        elif step[0] == "\r":
            yield "\n", size
        else:
            yield _shown(step, how), size


def _shown(character: str, how: Written) -> str:
    if how.western == "all" or (how.western and character >= "\udc80" and character <= "\udcff"):
        return character.translate(_WESTERN)
    return character.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _escaped(text: str, kind: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    if kind not in ("text", "html"):
        text = text.replace('"', "&quot;").replace("'", "&#39;").replace("\n", "&#10;").replace("\t", "&#9;")
    return text.replace(" ", "&#32;").replace("=", "&#61;").replace("`", "&#96;") if kind == "bare" else text


def _referenced(text: str, how: Written) -> bytes:
    return "".join(f"&#{ord(character)};" if how.lacks(character) else character for character in text).encode()


def _verbatim(text: str, kind: str) -> str:
    """New text where no reference is one: what would end the stretch is broken up."""
    match kind:
        case "cdata":
            return text.replace("]]>", "]]]]><![CDATA[>")
        case "comment":
            return text.replace("--", "- -").replace(">", " ").removesuffix("-")
        case "instruction":
            return text.replace("?>", "? >")
        case "doctype" | "tag":
            return re.sub(r"""[<>"'\[\]]""", "_", text)
        case _:
            return text.replace("</", "< /")
