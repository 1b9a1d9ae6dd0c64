"""Compound files, Outlook messages and winmail.dat, byte by byte as their specifications say, for tests."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

Tree = Mapping[str, Any]
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def compound(tree: Tree) -> bytes:
    """A compound file (MS-CFB) with these streams (bytes) and folders (mappings)."""
    entries: list[list[Any]] = []
    mini, large = bytearray(), bytearray()
    mini_fat: list[int] = []
    fat: list[int] = []

    def chained(data: bytes, into: bytearray, table: list[int], size: int) -> int:
        count = -(-len(data) // size)
        first = len(table)
        table += [*range(first + 1, first + count), _END]
        into += data.ljust(count * size, b"\0")
        return first

    def placed(name: str, content: Any) -> int:
        number = len(entries)
        entries.append([name, 5 if number == 0 else 1, _FREE, _FREE, _FREE, 0, 0])
        if isinstance(content, bytes):
            entries[number][1] = 2
            entries[number][6] = len(content)
            if content:
                small = len(content) < 4096
                entries[number][5] = chained(content, mini if small else large, mini_fat if small else fat, 64 if small else 512)
            return number
        before = -1
        for key, inner in content.items():
            child = placed(key, inner)
            entries[number if before < 0 else before][4 if before < 0 else 3] = child
            before = child
        return number

    placed("Root Entry", tree)
    entries[0][5:7] = [chained(bytes(mini), large, fat, 512) if mini else _END, len(mini)]
    folder = b"".join(_entry(*entry) for entry in entries)
    first_folder = chained(folder, large, fat, 512)
    first_mini = chained(struct.pack(f"<{len(mini_fat)}I", *mini_fat), large, fat, 512) if mini_fat else _END
    sectors = 1
    while sectors * 128 < len(fat) + sectors:
        sectors += 1
    where = list(range(len(fat), len(fat) + sectors))
    fat += [_FAT] * sectors
    fat += [_FREE] * (sectors * 128 - len(fat))
    head = struct.pack("<8s16xHHHHH6xIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, sectors, first_folder, 0, 4096,
                       first_mini, bool(mini_fat) and -(-len(mini_fat) // 128), _END, 0, 0)[:76]  # fmt: skip
    return head + struct.pack("<109I", *where, *[_FREE] * (109 - sectors)) + bytes(large).ljust(0) + struct.pack(f"<{len(fat)}I", *fat)


def _entry(name: str, kind: int, left: int, right: int, child: int, start: int, size: int) -> bytes:
    raw = name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<64sHBBIII36xIQ", raw, len(raw), kind, 1, left, right, child, start, size)


def message(
    texts: Mapping[int, str | bytes],
    *,
    numbers: Mapping[int, tuple[int, int]] | None = None,
    recipients: Sequence[Mapping[int, str]] = (),
    attachments: Sequence[Tree] = (),
    depth: int = 0,
) -> dict[str, Any]:
    """A message as a folder (MS-OXMSG): texts in UTF-16, bytes as they are, `numbers` {property: (type, value)}."""
    tree: dict[str, Any] = {"__nameid_version1.0": {"__substg1.0_00020102": b"\0" * 16}} if depth == 0 else {}
    tree["__properties_version1.0"] = bytes(24 if depth else 32) + b"".join(
        struct.pack("<HHIq", kind, number, 6, value) for number, (kind, value) in (numbers or {}).items()
    )
    tree |= streams(texts)
    for index, recipient in enumerate(recipients):
        tree[f"__recip_version1.0_#{index:08X}"] = {"__properties_version1.0": bytes(8), **streams(recipient)}
    for index, attachment in enumerate(attachments):
        tree[f"__attach_version1.0_#{index:08X}"] = {"__properties_version1.0": bytes(8), **attachment}
    return tree


def streams(texts: Mapping[int, str | bytes]) -> dict[str, bytes]:
    return {
        f"__substg1.0_{number:04X}{'001F' if isinstance(text, str) else '0102'}": text.encode("utf-16-le") if isinstance(text, str) else text
        for number, text in texts.items()
    }


def native(name: str, content: bytes) -> bytes:
    """A file that was put into a document (the stream Ole10Native)."""
    raw = name.encode()
    body = (
        b"\2\0"
        + raw
        + b"\0"
        + b"C:\\"
        + raw
        + b"\0"
        + b"\0\0\3\0"
        + struct.pack("<I", len(raw) + 1)
        + raw
        + b"\0"
        + struct.pack("<I", len(content))
        + content
    )
    return struct.pack("<I", len(body)) + body


def tnef(*attributes: tuple[int, int, int, bytes]) -> bytes:
    """A winmail.dat (MS-OXTNEF) of (level, type, number, data)."""
    out = struct.pack("<IH", 0x223E9F78, 1)
    for level, kind, number, data in attributes:
        out += struct.pack("<BHHI", level, number, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)
    return out


def properties(values: Mapping[int, str | bytes]) -> bytes:
    """A list of properties as TNEF holds it."""
    out = struct.pack("<I", len(values))
    for number, value in values.items():
        data = value.encode("utf-16-le") + b"\0\0" if isinstance(value, str) else value
        out += struct.pack("<HH", 0x1F if isinstance(value, str) else 0x102, number)
        if number >= 0x8000:
            out += bytes(16) + struct.pack("<II", 0, 5)
        out += struct.pack("<II", 1, len(data)) + data + bytes(-len(data) % 4)
    return out
