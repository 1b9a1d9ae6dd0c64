"""Objects of a PDF as a child sees them: accessors that believe nothing, strings as text, and streams decoded within bounds.

Runs in the child only (`content.pdf.child`); pikepdf (qpdf) parses.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import pikepdf

from dsr_engine.content.pdf.tokens import name_of

#: Decoded bytes of one stream that is looked at as a whole, and of one that is handed on in pieces.
STREAM = 64 * 1024 * 1024
PIECE = 1024 * 1024
_FLATE = frozenset({"/FlateDecode", "/Fl"})
#: Filters of pictures: their bytes are handed on as they are.
PICTURES = frozenset({"/DCTDecode", "/DCT", "/JPXDecode", "/JBIG2Decode", "/CCITTFaxDecode", "/CCF"})
NOTHING = pikepdf.Dictionary()


class TooBig(Exception):
    """A stream is larger than the limit when it is decoded."""


def is_stream(found: Any) -> bool:
    return isinstance(found, pikepdf.Stream)


def dictionary_of(found: Any) -> Any:
    """The dictionary, also that of a stream; an empty one for anything else."""
    if isinstance(found, pikepdf.Stream):
        return found.stream_dict
    return found if isinstance(found, pikepdf.Dictionary) else NOTHING


def entry_of(dictionary: Any, key: str) -> Any:
    """What stands under a key that the file chose, which may be in any charset; None where nothing does."""
    return dictionary[key] if key in dictionary else None  # noqa: SIM401  # pikepdf's `get` takes no key that is no UTF-8


def array_of(found: Any) -> Sequence[Any]:
    return list(found) if isinstance(found, pikepdf.Array) else []


def number_of(found: Any, default: float = 0.0) -> float:
    try:
        value = float(found)
    except (TypeError, ValueError, OverflowError, AttributeError):
        return default
    return value if abs(value) < 1e9 else default


def name_in(dictionary: Any, key: str) -> str:
    """The name under the key, with its slash; empty where there is none."""
    found = dictionary.get(key) if isinstance(dictionary, pikepdf.Dictionary) else None
    return name_text(found) if isinstance(found, pikepdf.Name) else ""


def name_text(name: Any) -> str:
    """What a name says, with its slash; also one in an old charset, as programs in East Asia write names of fonts."""
    try:
        return str(name)
    except UnicodeDecodeError:
        return name_of(name.unparse())


def filters_of(stream: Any) -> Sequence[str]:
    """The names of the stream's filters."""
    found = stream.stream_dict.get("/Filter")
    return [name_text(name) for name in ([found] if isinstance(found, pikepdf.Name) else array_of(found)) if isinstance(name, pikepdf.Name)]


def stream_data(stream: Any) -> bytes:
    """The decoded bytes, as far as they can be decoded. Raises `TooBig`."""
    return b"".join(stream_pieces(stream, STREAM))


def stream_pieces(stream: Any, limit: int) -> Iterator[bytes]:
    """The decoded bytes in pieces; those of a filter that is for pictures, or unknown, as they are. Raises `TooBig` behind `limit` bytes."""
    filters = filters_of(stream)
    if filters and all(name in _FLATE for name in filters) and not _has_predictor(stream):
        pieces: Iterator[bytes] = iter((stream.read_raw_bytes(),))
        for _ in filters:
            pieces = _inflated(pieces)
    else:
        pieces = _cut(_decoded(stream))
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise TooBig
        yield piece


def _has_predictor(stream: Any) -> bool:
    said = stream.stream_dict.get("/DecodeParms")
    return any(number_of(dictionary_of(one).get("/Predictor"), 1) > 1 for one in [said, *array_of(said)])


def _decoded(stream: Any) -> bytes:
    try:
        return bytes(stream.read_bytes(pikepdf.StreamDecodeLevel.generalized))
    except pikepdf.PdfError:
        return bytes(stream.read_raw_bytes())


def _inflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What comes out of the bytes as far as they are whole; what is not deflated at all stays as it is."""
    inflater = zlib.decompressobj()
    for piece in pieces:
        rest = piece
        while rest and not inflater.eof:
            try:
                out = inflater.decompress(rest, PIECE)
            except zlib.error:
                yield rest
                return
            rest = inflater.unconsumed_tail
            if out:
                yield out


def _cut(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]
