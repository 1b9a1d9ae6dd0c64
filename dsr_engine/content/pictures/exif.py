"""EXIF and other words in TIFF structures (TIFF 6.0, Exif 2.32): found tag by tag; a new value goes into the old one's room, or behind everything.

So nothing moves: pixels, maker notes and whatever else counts from the start of the block stay where they are.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from dsr_engine.content.charset import decoded
from dsr_engine.content.format import Unreadable

_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
_TEXTS = (2, 129)
_POINTERS = frozenset({0x8769, 0x8825, 0xA005, 0x014A})
_GPS = 0x8825
_CODED = frozenset({0x9286, 0x001B, 0x001C})
_WIDE = range(0x9C9B, 0x9CA0)
XMP, IPTC, PHOTOSHOP = 0x02BC, 0x83BB, 0x8649
_THUMBNAIL, _THUMBNAIL_SIZE = 0x0201, 0x0202
_PIXELS = frozenset({0x0111, 0x0117, 0x0144, 0x0145, 0x015B, 0x0201, 0x0202})
_CODES = {b"ASCII\0\0\0": "latin-1", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp", bytes(8): ""}
_MOST = 5000
_NAMES = {
    0x010D: "document", 0x010E: "description", 0x010F: "make", 0x0110: "model", 0x0131: "software", 0x0132: "time", 0x013B: "artist", 0x013C: "host",
    0x8298: "copyright", 0x9286: "comment", 0x9003: "time_taken", 0xA430: "owner", 0xA431: "serial", 0x9C9B: "title", 0x9C9C: "remark",
    0x9C9D: "author", 0x9C9E: "keywords", 0x9C9F: "subject", 0x927C: "maker_note", 0xA420: "unique_id",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tag:
    """One entry: where it stands, its number and type, and where its value begins and ends. `folder` counts the lists of tags."""

    folder: int
    at: int
    number: int
    kind: int
    start: int
    end: int
    is_gps: bool = False

    @property
    def name(self) -> str:
        known = _NAMES.get(self.number) if not self.is_gps else None
        return f"exif:{self.folder}/{known or f'tag:{self.number:04X}'}"

    @property
    def is_bytes(self) -> bool:
        return self.kind in (1, 7) and self.end - self.start >= 4


class Exif:
    """One TIFF structure in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        order = {b"II": "<", b"MM": ">"}.get(data[:2])
        if order is None or len(data) < 8 or struct.unpack(order + "H", data[2:4])[0] not in (42, 0x4F52, 0x5352, 0x55):
            raise Unreadable("image.damaged", "the metadata of a picture are damaged; their bytes were searched as they are")
        self._order = order
        self.tags = tuple(self._tags())

    def _number(self, at: int, width: int) -> int:
        return int.from_bytes(self.data[at : at + width], "little" if self._order == "<" else "big")

    def _tags(self) -> Iterator[Tag]:
        waiting = [(self._number(4, 4), False)]
        seen: set[int] = set()
        count = folder = 0
        while waiting:
            at, is_gps = waiting.pop(0)
            if at in seen or not 8 <= at <= len(self.data) - 2:
                continue
            seen.add(at)
            entries = min(self._number(at, 2), (len(self.data) - at - 2) // 12)
            for index in range(entries):
                count += 1
                if count > _MOST:
                    return
                tag = self._tag(folder, at + 2 + 12 * index, is_gps)
                if tag is not None:
                    waiting += [
                        (self._number(tag.start + 4 * n, 4), tag.number == _GPS) for n in range((tag.end - tag.start) // 4) if self._leads(tag)
                    ]
                    yield tag
            waiting.append((self._number(at + 2 + 12 * entries, 4), False))
            folder += 1

    @staticmethod
    def _leads(tag: Tag) -> bool:
        return tag.number in _POINTERS and tag.kind in (4, 13)

    def _tag(self, folder: int, at: int, is_gps: bool) -> Tag | None:
        number, kind, count = self._number(at, 2), self._number(at + 2, 2), self._number(at + 4, 4)
        size = _WIDTHS.get(kind, 0) * count
        start = at + 8 if size <= 4 else self._number(at + 8, 4)
        if not size or start + size > len(self.data):
            return None
        return Tag(folder, at, number, kind, start, start + size, is_gps)

    def raw(self, tag: Tag) -> bytes:
        return self.data[tag.start : tag.end]

    def text(self, tag: Tag) -> str:
        """What a tag says; empty where it is no text."""
        return self._decoded(tag)[0]

    def _decoded(self, tag: Tag) -> tuple[str, str, bytes]:
        """Text, codec, and the bytes in front of it."""
        raw = self.raw(tag)
        if tag.kind in _TEXTS:
            text, codec = decoded(raw)
            return text.rstrip("\0 "), codec, b""
        if tag.number in _WIDE and not tag.is_gps:
            return raw.decode("utf-16-le", "replace").rstrip("\0"), "utf-16-le", b""
        if tag.number in _CODED and raw[:8] in _CODES:
            codec = _CODES[raw[:8]] or decoded(raw[8:])[1]
            if codec == "utf-16":
                codec = "utf-16-le" if self._order == "<" else "utf-16-be"
            return raw[8:].decode(codec, "replace").rstrip("\0 "), codec, raw[:8]
        return "", "", b""

    def position(self) -> tuple[tuple[Tag, ...], str]:
        """Where the picture was taken, in degrees, and the tags that say it."""
        by_number = {tag.number: tag for tag in self.tags if tag.is_gps}
        if not {1, 2, 3, 4} <= by_number.keys():
            return (), ""
        parts = []
        for reference, value in ((1, 2), (3, 4)):
            degrees = self._degrees(by_number[value])
            sign = "-" if self.raw(by_number[reference])[:1] in (b"S", b"W") else ""
            parts.append(f"{sign}{float(degrees):.6f}")
        return (by_number[2], by_number[4]), ", ".join(parts)

    def _degrees(self, tag: Tag) -> Fraction:
        total = Fraction(0)
        for index in range(min(3, (tag.end - tag.start) // 8)):
            below = self._number(tag.start + 8 * index + 4, 4)
            total += Fraction(self._number(tag.start + 8 * index, 4), below * 60**index) if below else 0
        return total

    def thumbnail(self) -> bytes:
        by_number = {tag.number: tag for tag in self.tags if tag.number in (_THUMBNAIL, _THUMBNAIL_SIZE)}
        if len(by_number) < 2:
            return b""
        start, size = (self._number(by_number[number].start, 4) for number in (_THUMBNAIL, _THUMBNAIL_SIZE))
        return self.data[start : start + size]

    def others(self) -> Iterator[Tag]:
        """Tags of bytes without a known meaning: maker notes and the like."""
        for tag in self.tags:
            if tag.is_bytes and not self.text(tag) and tag.number not in _PIXELS | {XMP, IPTC, PHOTOSHOP}:
                yield tag

    def rest(self) -> bytes:
        """The bytes of the structure with zeros where something of it was understood: what is left may hold old values, previews, anything."""
        data = bytearray(self.data)
        for tag in self.tags:
            if self.text(tag) or tag.is_bytes or tag.number in (XMP, IPTC, PHOTOSHOP):
                data[tag.start : tag.end] = bytes(tag.end - tag.start)
        if small := self.thumbnail():
            at = self.data.find(small)
            data[at : at + len(small)] = bytes(len(small))
        return bytes(data)

    # ---- changing

    def with_text(self, tag: Tag, now: str) -> "Exif":
        """The structure with another text in this tag."""
        _, codec, head = self._decoded(tag)
        ending = "\0" if tag.kind in _TEXTS or codec.startswith("utf-16") else ""
        return self.with_raw(tag, head + (now + ending).encode(codec, "replace"))

    def with_raw(self, tag: Tag, value: bytes) -> "Exif":
        """The same with other bytes: in the old room, filled with zeros, or behind the end if they are longer."""
        data = bytearray(self.data)
        if len(value) <= tag.end - tag.start:
            data[tag.start : tag.end] = value.ljust(tag.end - tag.start, b"\0")
            return Exif(bytes(data))
        data[tag.start : tag.end] = bytes(tag.end - tag.start)
        data += bytes(len(data) % 2)
        count = len(value) // _WIDTHS[tag.kind]
        if len(value) <= 4:
            data[tag.at + 4 : tag.at + 12] = struct.pack(self._order + "I", count) + value.ljust(4, b"\0")
        else:
            data[tag.at + 4 : tag.at + 12] = struct.pack(self._order + "II", count, len(data))
        return Exif(bytes(data) + (value if len(value) > 4 else b""))

    def without_position(self) -> "Exif":
        """The structure with every value of the list of places set to zero."""
        data = bytearray(self.data)
        for tag in self.tags:
            if tag.is_gps and tag.number in (2, 4, 6):
                data[tag.start : tag.end] = struct.pack(self._order + "II", 0, 1) * ((tag.end - tag.start) // 8)
        return Exif(bytes(data))
