"""The first bytes by which files of records, messages and pictures are known, whatever they are called."""

import re

_STARTS = (
    (b"Obj\x01", "avro"),
    (b"SQLite format 3\0", "sqlite"),
    (b"!BDN", "pst"),
    (b"\1\1\1\1\n", "mmdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"\x78\x9f\x3e\x22", "tnef"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)


#: Lengths of the headers of Windows bitmaps, by the versions that there are.
_BITMAP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
#: Words, too, begin like these; a file of tables soon has control characters.
_WORDS = ((b"PAR1", "parquet"), (b"PARE", "parquet"), (b"ORC", "orc"))
#: CMS (RFC 5652): a sequence whose first value is one of its object identifiers (RFC 3274 has one of its own).
_SEALED = re.compile(
    rb"\x30(?:\x80|[\x00-\x7f]|[\x81-\x84].{1,4}?)\x06(?:\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07|\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01)",
    re.DOTALL,
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a]")


def kind_of(head: bytes) -> str:
    """The name of the format; empty where it is none of these."""
    if _CONTROLS.search(head[:256]) and (table := next((name for start, name in _WORDS if head.startswith(start)), "")):
        return table
    if head[:1] == b"\x30" and _SEALED.match(head):
        return "cms"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if _is_bitmap(head):
        return "bmp"
    return next((name for start, name in _STARTS if head.startswith(start)), "")


def _is_bitmap(head: bytes) -> bool:
    """True for a Windows bitmap: reserved words of zero, and behind them a header of a length that exists. Texts begin with its letters, too."""
    return head[:2] == b"BM" and head[6:10] == bytes(4) and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS


def listing_of(start: bytes) -> str:
    """The same for texts: address cards and calendars say what they are in their first line."""
    line = start[:64].upper()
    return "vcard" if line.startswith(b"BEGIN:VCARD") else "icalendar" if line.startswith(b"BEGIN:VCALENDAR") else ""
