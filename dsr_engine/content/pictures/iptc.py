"""IPTC words in pictures (IIM 4.2), alone or among Photoshop's image resources."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_UTF8 = b"\x1b%G"


@dataclass(frozen=True, slots=True)
class Dataset:
    """One value: its record and number, and its bytes."""

    record: int
    number: int
    data: bytes


def datasets(data: bytes) -> Iterator[Dataset]:
    """The values in their order; whatever follows that is none is left aside."""
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        record, number, length = struct.unpack(">BBH", data[at + 1 : at + 5])
        at += 5
        if length & 0x8000:
            width = length & 0x7FFF
            length, at = int.from_bytes(data[at : at + width], "big"), at + width
        if at + length > len(data):
            return
        yield Dataset(record, number, data[at : at + length])
        at += length


def is_utf8(data: bytes) -> bool:
    return any(found.record == 1 and found.number == 90 and found.data == _UTF8 for found in datasets(data))


def with_values(data: bytes, now: Mapping[int, bytes]) -> bytes:
    """The same with other values, {position from 1: bytes}."""
    out = bytearray()
    length = 0
    for position, found in enumerate(datasets(data), start=1):
        value = now.get(position, found.data)
        length += 5 + len(found.data) if len(found.data) < 0x8000 else 9 + len(found.data)
        size = struct.pack(">H", len(value)) if len(value) < 0x8000 else struct.pack(">HI", 0x8004, len(value))
        out += bytes((0x1C, found.record, found.number)) + size + value
    return bytes(out) + data[length:]


@dataclass(frozen=True, slots=True)
class Resource:
    """One of Photoshop's image resources (Photoshop File Formats, "Image Resource Blocks")."""

    number: int
    head: bytes
    data: bytes


def resources(data: bytes) -> tuple[list[Resource], bytes]:
    """The resources, and what follows them."""
    found: list[Resource] = []
    at = 0
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        name = 1 + data[at + 6]
        start = at + 6 + name + name % 2
        length = int.from_bytes(data[start : start + 4], "big")
        if start + 4 + length > len(data):
            break
        found.append(Resource(int.from_bytes(data[at + 4 : at + 6], "big"), data[at:start], data[start + 4 : start + 4 + length]))
        at = start + 4 + length + length % 2
    return found, data[at:]


def with_resources(found: list[Resource], rest: bytes) -> bytes:
    return b"".join(one.head + struct.pack(">I", len(one.data)) + one.data + bytes(len(one.data) % 2) for one in found) + rest
