"""What stands in a header: encoded words (RFC 2047, RFC 2231 §5) and raw bytes of any charset, read as leniently as mail programs read them.

Each word is decoded by itself, so that a broken one hides no other; neighbours in one charset are put together before they become characters, for
many programs cut them in the middle of one. What cannot be decoded stays as it is.
"""

import binascii
import re
from collections.abc import Iterator

from dsr_engine.content.charset_guess import is_utf8
from dsr_engine.content.charset_guess import redacted as redacted_bytes
from dsr_engine.content.charset_guess import text_of as guessed
from dsr_engine.content.codec_names import known_codec
from dsr_engine.content.gate import Gate
from dsr_engine.content.mail.mime_meta import Parameter
from dsr_engine.content.rewriter import Rewriter

#: Spaces and question marks in a word, which are not allowed there, and folds in long ones.
_WORD = re.compile(r"=\?([^?\s*]{1,80})(?:\*[^?\s]*)?\?([bBqQ])\?(.*?)\?=", re.DOTALL)
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_ESCAPES = (b"\x1b$", b"\x1b(")


def words(text: str, gate: Gate | None = None) -> str:
    """The text with its encoded words decoded; what cannot be decoded stays as it is. `gate` helps where a charset is not known."""
    return "".join(_pieces(text, gate)) if "=?" in text else text


def _pieces(text: str, gate: Gate | None) -> Iterator[str]:
    at = 0
    data, charset, raw = b"", "", ""
    for found in _WORD.finditer(text):
        said = _said(found[2], found[3])
        between = text[at : found.start()]
        is_near = bool(data) and said is not None and (not between or between.isspace())
        if is_near and found[1].lower() == charset:
            data += said or b""
        else:
            yield said_in(data, charset, gate) if data else raw
            yield "" if is_near else between
            data, charset, raw = said or b"", found[1].lower(), found[0] if said is None else ""
        at = found.end()
    yield said_in(data, charset, gate) if data else raw
    yield text[at:]


def _said(how: str, text: str) -> bytes | None:
    if how in "qQ":
        data = text.replace("_", " ").encode("utf-8", "surrogateescape")
        return _HEX.sub(lambda code: bytes((int(code[1], 16),)), data) if b"=" in data else data
    digits = _NOT_BASE64.sub("", text)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return binascii.a2b_base64(digits + "=" * (-len(digits) % 4)) if digits or not text.strip() else None


def said_in(data: bytes, charset: str, gate: Gate | None) -> str:
    """Bytes that name their charset; where they are not valid in it, or it is unknown, what they say most likely."""
    codec = known_codec(charset) if charset else ""
    if codec and codec != "ascii":
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            if is_utf8(data):
                return data.decode()
    text = raw_text(data, gate)
    return text if not codec or codec == "ascii" or (gate is not None and gate.passes_text(text)) else data.decode(codec, "replace")


def raw_text(data: bytes, gate: Gate | None = None) -> str:
    """Bytes that name no charset: UTF-8, a Japanese mail's escapes, else what they look like."""
    if data.isascii():
        return data.decode("iso2022_jp_ext" if any(escape in data for escape in _ESCAPES) else "ascii", "replace")
    return guessed(data, gate)


def parameter_text(parameter: Parameter, gate: Gate | None = None) -> str:
    """A parameter as it is shown: by its charset, and with the encoded words that many programs write in it although none may stand there."""
    text = said_in(parameter.data, parameter.charset, gate) if parameter.charset else raw_text(parameter.data, gate)
    return words(text, gate)


def without(data: bytes, rewriter: Rewriter) -> bytes:
    """Raw bytes without what any reading of them shows of the person."""
    if any(escape in data for escape in _ESCAPES) and data.isascii():
        text = data.decode("iso2022_jp_ext", "replace")
        now = rewriter.redacted(text)
        return data if now == text else now.encode("iso2022_jp_ext", "replace")
    return redacted_bytes(data, rewriter.redacted)
