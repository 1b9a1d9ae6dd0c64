"""Text strings of a PDF and the codecs that they are written in (ISO 32000-2, 7.9.2.2)."""

from reportlab.pdfbase._fontdata import encodings
from reportlab.pdfbase._glyphlist import _glyphname2unicode

#: PDFDocEncoding (Annex D), by code.
_NAMES = encodings["PDFDocEncoding"]
_LETTERS = tuple(chr(_glyphname2unicode.get(name or "", code) if code not in (9, 10, 13) else code) for code, name in enumerate(_NAMES))
_MARKS = {"utf-16-be": b"\xfe\xff", "utf-16-le": b"\xff\xfe", "utf-8": b"\xef\xbb\xbf"}
_CODES = {letter: code for code, letter in reversed(tuple(enumerate(_LETTERS)))}


def text_of(data: bytes) -> tuple[str, str]:
    """A text string (7.9.2.2) and the codec that it was written in; also those of programs that leave out the mark of their charset."""
    for codec, mark in _MARKS.items():
        if data.startswith(mark):
            return data[len(mark) :].decode(codec, "replace"), f"{codec}:mark"
    if len(data) % 2 == 0 and len(data) > 3 and data[0::2].count(0) * 4 > len(data):
        return data.decode("utf-16-be", "replace"), "utf-16-be"
    if not data.isascii():
        try:
            return data.decode(), "utf-8"
        except UnicodeDecodeError:
            pass
    return "".join(map(_LETTERS.__getitem__, data)), "pdfdoc"


def text_bytes(text: str, codec: str) -> bytes:
    """The text in the codec that `text_of` told; in UTF-16 where it has no place there, or would be read as another text."""
    name, _, is_marked = codec.partition(":")
    if name == "pdfdoc":
        codes = [_CODES.get(letter) for letter in text]
        data = b"" if None in codes else bytes(code for code in codes if code is not None)
    else:
        data = (_MARKS[name] if is_marked else b"") + text.encode(name, "replace")
    return data if text_of(data)[0] == text else _MARKS["utf-16-be"] + text.encode("utf-16-be", "replace")
