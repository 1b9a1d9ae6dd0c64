"""Compressed RTF as Outlook keeps bodies in it (MS-OXRTFCP): LZFu with a dictionary of its own, or stored."""

import struct

from dsr_engine.content.format import Unreadable

_LARGEST = 64 * 1024 * 1024
_START = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbolArialTimes New Roman"
    rb"Courier{\colortbl\red0\green0\blue0" + b"\r\n" + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_RING = 4096


def rtf_of(data: bytes) -> bytes:
    """The RTF. Raises `Unreadable` where it is damaged or too large."""
    if len(data) < 16:
        raise _damaged()
    _, size, kind, _ = struct.unpack("<II4sI", data[:16])
    if size > _LARGEST:
        raise Unreadable("archive.too_large", "a compressed text is larger than the limit; it was not read")
    if kind == b"MELA":
        return data[16 : 16 + size]
    if kind != b"LZFu":
        raise _damaged()
    return _unpacked(data, size)


def _unpacked(data: bytes, size: int) -> bytes:
    """Runs of eight tokens behind a byte of flags: a byte as it is, or a place in the ring of the last 4,096 and a length."""
    ring = bytearray(_START.ljust(_RING, b"\0"))
    write = len(_START)
    out = bytearray()
    at = 16
    while at < len(data) and len(out) < size:
        flags = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data):
                break
            if not flags >> bit & 1:
                found = data[at : at + 1]
                at += 1
            else:
                reference = int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big")
                at += 2
                if reference >> 4 == write:
                    return bytes(out[:size])
                found = _repeated(ring, reference >> 4, (reference & 15) + 2, write)
            for byte in found:
                ring[write] = byte
                write = (write + 1) % _RING
            out += found
    return bytes(out[:size])


def _repeated(ring: bytearray, start: int, length: int, write: int) -> bytes:
    """Bytes of the ring; those that the token itself writes are read again."""
    out = bytearray()
    for step in range(length):
        at = (start + step) % _RING
        behind = (at - write) % _RING
        out.append(out[behind] if behind < len(out) else ring[at])
    return bytes(out)


def _damaged() -> Unreadable:
    return Unreadable("archive.damaged", "a compressed text is damaged; it was not read")
