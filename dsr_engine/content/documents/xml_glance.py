"""A first look at XML data: most of it holds nobody who is looked for, and need not be taken apart.

For data only. In documents that people read, elements stand for spaces and corrections are interwoven, so that the text between the tags is not
what is read.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from html import unescape

from dsr_engine.content.documents.xml_stream import judged
from dsr_engine.content.format import Opener, Unreadable
from dsr_engine.content.gate import Gate
from dsr_engine.content.stream import opened

#: Bytes that are looked at at once.
_PIECE = 1024 * 1024
#: Markup without which the texts of neighbouring elements touch: an element with text of its own is read as a whole.
_MARKUP = re.compile(rb"""(?s)<!--.*?-->|<!\[CDATA\[|\]\]>|<[^<>"']*+(?:(?:"[^"]*+"|'[^']*+')[^<>"']*+)*+>""")
#: A tag that goes on in the next piece begins in the last bytes of this one. A longer one is left where it is.
_LONGEST_TAG = 256 * 1024
#: What looks like the beginning of a comment inside of CDATA: so many of them would be looked behind again and again.
_OPEN_COMMENTS = 100


def is_sound(plain: Opener) -> bool:
    """True if expat accepts the document: else it has to be read up to the fault."""
    try:
        judged(plain)
    except Unreadable:
        return False
    return True


def may_hold(plain: Opener, gate: Gate) -> bool:
    """False if nothing in the document passes the gate: no text, no attribute, no comment, and no text that inner tags part."""
    raw, said = b"", ""
    for piece in _pieces(plain):
        if piece.count(b"<!--") > piece.count(b"-->") + _OPEN_COMMENTS:
            return True
        raw += piece
        if _passes(raw.decode("utf-8", "replace"), gate, raw):
            return True
        said += _MARKUP.sub(b"", piece).decode("utf-8", "replace")
        if _passes(said, gate):
            return True
        raw, said = raw[-gate.reach :], said[-gate.reach :]
    return False


def _passes(text: str, gate: Gate, data: bytes = b"") -> bool:
    if gate.passes(data) if data else gate.passes_text(text):
        return True
    return "&" in text and gate.passes_text(unescape(text))


def _pieces(plain: Opener) -> Iterator[bytes]:
    """The document in pieces that cut no tag and no comment."""
    carry = b""
    with closing(opened(plain)) as source:
        while piece := source.read(_PIECE):
            data = carry + piece
            cut = _cut(data)
            yield data[:cut]
            carry = data[cut:]
    if carry:
        yield carry


def _cut(data: bytes) -> int:
    """Where the tag or comment begins that goes on behind the data; their end where none does, or where it is too long."""
    comment, tag = data.rfind(b"<!--"), data.rfind(b"<")
    begun = comment if comment >= 0 and data.find(b"-->", comment) < 0 else tag if data.find(b">", tag) < 0 else -1
    return begun if begun >= 0 and len(data) - begun < _LONGEST_TAG else len(data)
