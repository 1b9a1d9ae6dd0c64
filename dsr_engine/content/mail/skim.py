"""An ordinary mail at a glance: every text of it that the full reader would ask the gate about, straight from its bytes.

A search for people reads each mail with a gate that only notes what it is asked (`content/screening.py`), and nearly every mail holds nobody. So a
mail whose structure is plain is taken apart with a few searches for bytes. What is odd in any way is left to the full reader: a part, if the
structure around it is plain, else the whole mail. Whatever is noted here too much costs a second look, and nothing is noted too little: what the
reader finds in a mail, the gate sees in these notes (a property test holds it).

The bytes of a part as they are transferred are not asked about where they are decoded: what they show beyond the decoded text is no text of the mail.
"""

import binascii
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from dsr_engine.content.charset import is_western
from dsr_engine.content.charset_guess import is_utf8
from dsr_engine.content.codec_names import known_codec
from dsr_engine.content.detect import container_of
from dsr_engine.content.documents.html_file import said_charset
from dsr_engine.content.documents.html_skim import Pages
from dsr_engine.content.format import Budget, Reading
from dsr_engine.content.gate import Gate
from dsr_engine.content.mail.mime import Mime
from dsr_engine.content.mail.mime_encoding import is_plain, unquoted
from dsr_engine.content.mail.mime_inline import has_signs
from dsr_engine.content.mail.mime_leaf import Leaf
from dsr_engine.content.mail.mime_meta import Meta, meta_of
from dsr_engine.content.mail.mime_structure import Part, headers_at
from dsr_engine.content.mail.skim_headers import Blocks, Headers, boundary_said, headers_in, meta_said, note_headers
from dsr_engine.content.screening import Memory, Noting
from dsr_engine.domain.record import Gap

#: Bytes of a mail that is skimmed; longer ones are read in full. A text in it may be so long.
LARGEST = 8 * 1024 * 1024
_LONGEST_TEXT = 512 * 1024
_DEEPEST = 20
_MOST_PARTS = 1000
_HEAD = 65536
#: All bytes but the control characters that no ordinary mail has.
_USUAL = bytes(sorted(set(range(256)) - set(range(9)) - set(range(14, 32))))
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n"
#: Charsets in which ASCII is ASCII and each byte a character. The first ones are read as what the bytes are, UTF-8 or Western.
_AS_THEY_ARE = frozenset({"", "utf-8", "ascii", "iso8859-1", "cp1252"})
_ONE_BYTE = frozenset(
    {
        *(f"iso8859-{number}" for number in (2, 3, 4, 5, 7, 10, 13, 14, 15, 16)),
        *(f"cp{number}" for number in (1250, 1251, 1253, 1254, 1255, 1256, 1257, 1258)),
        *("koi8-r", "koi8-u"),
    }
)
#: How files begin that are no text and may be without control characters (`container_of`).
_MAYBE = re.compile(rb"Rar|7z|!|BZ|07|GIF|%!|[\x80-\xff]|\(\xb5|ID3|x\x9f|RIFF|PK|\s*\{\\rtf")
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A part: where its headers and its content begin, and where it ends. `headers` None: text around parts."""

    headers: Headers | None
    at: int
    start: int
    end: int
    meta: Meta
    is_message: bool = False


class Skimmer:
    """Skims mails one after the other. `mime` reads what is odd; `memory` knows what was read before."""

    def __init__(self, mime: Mime, memory: Memory | None = None) -> None:
        self._mime = mime
        self._memory = memory
        self._pages = Pages()
        self._blocks = Blocks()

    def skim(self, data: bytes, reading: Reading, gate: Noting) -> Sequence[Gap] | None:
        """Notes every text of the mail; what could not be read. None: the mail has to be read in full."""
        if len(data) > LARGEST or not _is_usual(data):
            return None
        found = _Structure(data, self._blocks)
        if not found.is_plain:
            return None
        for number, headers in enumerate(found.headers):
            if number == 0:
                note_headers(headers, gate, is_part=False)
            else:
                self._note_part(headers, gate)
        odd = [leaf for leaf in found.leaves if not self._is_noted(data, leaf, gate)]
        if not odd:
            return ()
        nested = replace(reading, gate=gate, budget=Budget(reading.limits))
        return [gap for leaf in odd for gap in self._read(data, leaf, nested, gate)]

    def _note_part(self, headers: Headers, gate: Noting) -> None:
        """The headers of a part. Those that many parts have are told once: what they say is noted again."""
        if headers.said is not None:
            gate.note_again(headers.said)
            return
        begun = gate.mark()
        note_headers(headers, gate, is_part=True)
        if headers.is_common:
            headers.said = gate.since(begun)

    def _is_noted(self, data: bytes, leaf: _Leaf, gate: Gate) -> bool:
        """True if the part is an ordinary text or page, and the gate was asked about it."""
        meta = leaf.meta
        if leaf.headers is not None and not _is_body(meta):
            return False
        codec = known_codec(meta.charset) if meta.charset else ""
        if meta.charset and codec not in _ONE_BYTE and (not codec or codec not in _AS_THEY_ARE):
            return False
        content = _content(data, leaf)
        if content is None or len(content) > _LONGEST_TEXT or content.startswith(_MARK):
            return False
        if leaf.headers is not None and meta.sub == "html":
            return not content or self._is_page_noted(_page_text(content, codec), gate)
        text = _plain_text(content, codec)
        if text is None or has_signs(text):
            return False
        gate.passes(text)
        return True

    def _is_page_noted(self, page: str | None, gate: Gate) -> bool:
        texts = self._pages.texts(page) if page is not None else None
        for said in texts or ():
            gate.passes_text(said)
        return texts is not None

    def _read(self, data: bytes, leaf: _Leaf, reading: Reading, gate: Noting) -> Sequence[Gap]:
        """Has the full reader read one part."""
        if leaf.headers is None:
            part = Part("preamble", 1, (), leaf.start, leaf.end, leaf.meta)
        else:
            headers, _, _ = headers_at(io.BytesIO(data), leaf.at, is_message=leaf.is_message)
            part = Part("part", 1, headers, leaf.start, leaf.end, meta_of([(header.name, header.value) for header in headers]))
        own = Leaf(lambda: io.BytesIO(data), part, reading)
        for name in own.file_names:
            gate.passes_text(name)
        key = self._key(data, own)
        if self._memory is None or not key:
            return [got for got in self._mime.content(own) if isinstance(got, Gap)]
        if self._memory.is_known(key, gate):
            return ()
        begun = gate.mark()
        gaps = [got for got in self._mime.content(own) if isinstance(got, Gap)]
        if not gaps:
            self._memory.learn(key, gate, begun)
        return gaps

    def _key(self, data: bytes, leaf: Leaf) -> bytes:
        """Says of a part all that decides how it is read and what is in it."""
        meta = leaf.meta
        if meta.other is not None or leaf.is_mail:
            return b""
        ending = leaf.inner.name.lower().partition(".")[2]
        words = [meta.kind, meta.charset, meta.encoding, meta.disposition, meta.parameter("delsp"), ending, leaf.part.kind]
        words.append(str(bool(leaf.file_names)))
        digest = sha256("\0".join(words).encode("utf-8", "surrogatepass"))
        digest.update(b"\0" + data[leaf.part.start : leaf.part.end])
        return digest.digest()


def _is_usual(data: bytes) -> bool:
    """True for a mail without control characters whose lines end alike."""
    return not data.translate(None, _USUAL) and (b"\r" not in data or data.count(b"\r") == data.count(b"\r\n"))


def _is_body(meta: Meta) -> bool:
    """True for a text that is shown as the message itself."""
    if meta.main != "text" or meta.sub not in ("plain", "html"):
        return False
    return not meta.names and meta.disposition != "attachment" and not meta.parameter("delsp")


def _content(data: bytes, leaf: _Leaf) -> bytes | None:
    """The decoded content. None: its transfer encoding is not clean, or not one of the usual ones."""
    raw = data[leaf.start : leaf.end]
    encoding = leaf.meta.encoding if leaf.headers is not None else ""
    if is_plain(encoding):
        return raw
    if encoding == "quoted-printable":
        cut = raw.rfind(b"\n") + 1
        content = unquoted(raw[:cut]) + unquoted(raw[cut:])
        # A control character is written as an escape that begins so.
        return None if (b"=0" in raw or b"=1" in raw) and content.translate(None, _USUAL) else content
    if encoding != "base64" or raw.translate(None, _BASE64) or b"=" in raw.rstrip(b"\r\n")[:-2]:
        return None
    try:
        content = binascii.a2b_base64(raw)
    except binascii.Error:
        return None
    return None if content.translate(None, _USUAL) else content


def _plain_text(content: bytes, codec: str) -> bytes | None:
    """The text as the reader sees it: as it is, or as UTF-8 where it names another charset. None: it may be read in several ways."""
    if content.isascii():
        return content
    if _is_container(content):
        return None
    if is_utf8(content):
        return content if len(content) <= _HEAD or codec in _AS_THEY_ARE else None
    if content[:_HEAD].count(b" ") * 20 < len(content[:_HEAD]):
        # Without spaces it may be text of a mainframe.
        return None
    if codec in _AS_THEY_ARE:
        return content if is_western(content) else None
    return _from(content, codec)


def _page_text(content: bytes, codec: str) -> str | None:
    """The characters of a page. None: it may be read in several ways."""
    if _is_container(content):
        return None
    if content.isascii():
        said = codec or said_charset(content[:_HEAD])
        return content.decode("ascii") if said in _AS_THEY_ARE or said in _ONE_BYTE else None
    if is_utf8(content):
        return content.decode() if len(content) <= _HEAD or (codec and codec in _AS_THEY_ARE) else None
    if content[:_HEAD].count(b" ") * 20 < len(content[:_HEAD]) or not content.decode("utf-8", "ignore").isascii() or codec in ("", "utf-8", "ascii"):
        return None
    if codec not in _AS_THEY_ARE:
        text = _from(content, codec)
        return text.decode() if text is not None else None
    text = _from(content, "cp1252") if is_western(content) else None
    return text.decode() if text is not None else None


def _is_container(content: bytes) -> bool:
    """True for a file that is no text, whatever it is called. Most have control characters, of which there are none here."""
    may_be = _MAYBE.match(content) is not None or b"%PDF-" in content[:1100] or content[148:156].strip(b" ").isdigit()
    return may_be and bool(container_of(content[:_HEAD]))


def _from(content: bytes, codec: str) -> bytes | None:
    try:
        return content.decode(codec).encode()
    except UnicodeDecodeError:
        return None


class _Structure:
    """Where the headers and parts of a mail are. `is_plain` False: programs may read it in several ways."""

    def __init__(self, data: bytes, blocks: Blocks) -> None:
        self._data = data
        self._blocks = blocks
        self.headers: list[Headers] = []
        self.leaves: list[_Leaf] = []
        self._boundaries: set[bytes] = set()
        self.is_plain = self._is_part(0, len(data), 0)

    def _is_part(self, at: int, end: int, depth: int) -> bool:
        """True if a part with headers stands here, and all that is in it is plain."""
        data = self._data
        if data.startswith((b"\n", b"\r\n"), at):
            if depth == 0:
                return False
            block, start = b"", at + (1 if data[at] == 10 else 2)
        else:
            # The line end before a delimiter may be the empty line as well.
            one = data.find(b"\n\n", at, end + 1)
            other = data.find(b"\n\r\n", at, end + 2 if one < 0 else one)
            behind = one + 1 if other < 0 or 0 <= one < other else other + 1
            if one < 0 and other < 0:
                return False
            block, start = data[at:behind], behind + (1 if data[behind] == 10 else 2)
        headers = self._blocks.headers_in(block) if depth else headers_in(block)
        if headers is None or len(self.leaves) >= _MOST_PARTS or len(block) > _LONGEST_TEXT or not (depth or headers.found):
            return False
        self.headers.append(headers)
        boundary = boundary_said(headers.own)
        if not boundary:
            meta = meta_said(headers.own)
            if meta.main != "multipart":
                self.leaves.append(_Leaf(headers, at, start, max(start, end), meta, is_message=depth == 0))
                return True
            if len(meta.boundaries) != 1 or not is_plain(meta.encoding) or meta.sub == "digest" or meta.names:
                return False
            boundary = meta.boundaries[0]
        return depth < _DEEPEST and self._is_multipart(boundary, headers, start, end, depth)

    def _is_multipart(self, boundary: bytes, headers: Headers, start: int, end: int, depth: int) -> bool:
        data = self._data
        mark = b"\n--" + boundary
        if not boundary or boundary in self._boundaries:
            return False
        self._boundaries.add(boundary)
        at = data.find(mark, start - 1, end)
        if at < 0:
            return False
        self._around(start, _before(data, at, start), headers.own)
        count = 1
        while True:
            line = data.find(b"\n", at + 1, end)
            word = data[at + len(mark) : line if line >= 0 else end].rstrip(b" \t\r")
            if word == b"--":
                break
            following = data.find(mark, line, end) if line >= 0 else -1
            if word or following < 0 or not self._is_part(line + 1, _before(data, following, line + 1), depth + 1):
                return False
            at = following
            count += 1
        if line >= 0:
            self._around(line + 1, end, ())
        return data.count(mark) == count

    def _around(self, start: int, end: int, own: tuple[tuple[str, bytes], ...]) -> None:
        """Text before or behind the parts."""
        if end > start:
            self.leaves.append(_Leaf(None, start, start, end, meta_said(own)))


def _before(data: bytes, at: int, least: int) -> int:
    """Where the line break begins that ends here."""
    return max(least, at - 1 if at > 0 and data[at - 1] == 13 else at)
