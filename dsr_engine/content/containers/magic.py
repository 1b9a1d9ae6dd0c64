"""The first bytes by which compressed files and archives are known, whatever they are called."""

import re
from contextlib import closing

from dsr_engine.content.containers.tar_headers import is_header
from dsr_engine.content.containers.zip_directory import directory_of
from dsr_engine.content.format import Opener, Unreadable

_STARTS = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08PK\x03\x04", "zip"),
    (b"PK00PK\x03\x04", "zip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"MSCF\0\0\0\0", "archive"),
    (b"!<arch>\n", "archive"),
    (b"xar!\0", "archive"),
    (b"\xed\xab\xee\xdb", "archive"),
    (b"\x1f\x9d", "archive"),
    (b"\x04\x22\x4d\x18", "archive"),
    (b"LZIP\1", "archive"),
    (b"\x89LZO\0\r\n\x1a\n", "archive"),
)
#: What else: bzip2 with its size and its first block or its end; zstd frames that are skipped; lzma with the properties that programs write and
#: a dictionary that is a power of two; cpio; LHA; ISO 9660.
_PATTERNS = (
    (re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)"), "bz2"),
    (re.compile(rb"[\x50-\x5f]\x2a\x4d\x18"), "zst"),
    (re.compile(rb"\x5d\0\0(?:[\x01\x02\x04\x08\x10\x20\x40\x80]\0|\0[\x01\x02\x04\x08])(?:\xff{8}|[^\0].{4}\0{3}|.{0,5}\0{3})", re.DOTALL), "lzma"),
    (re.compile(rb"07070[12][0-9A-Fa-f]{104}|070707[0-7]{70}|(?:\xc7\x71|\x71\xc7)(?=.{0,60}\0)", re.DOTALL), "archive"),
    (re.compile(rb"..-(?:lh[0-7dx]|lz[s45]|pm[0-2])-.{13}[\0-\3]", re.DOTALL), "archive"),
    (re.compile(rb".{32768}[\0-\3\xff]CD001\x01", re.DOTALL), "archive"),
)
#: Programs that may have an archive behind them.
_PROGRAMS = (b"MZ", b"\x7fELF", b"#!")


def container_kind(head: bytes) -> str:
    """The name of the format; empty where it is none of these."""
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    for pattern, name in _PATTERNS:
        if pattern.match(head):
            return name
    return "tar" if is_header(head[:512]) else ""


def unpacks_itself(head: bytes, open_file: Opener) -> bool:
    """True for a program with a zip archive behind it. Such a file is looked at from its end, where that costs nothing."""
    if not head.startswith(_PROGRAMS):
        return False
    with closing(open_file()) as source:
        try:
            return source.seekable() and directory_of(source).count > 0
        except Unreadable:
            return False


def is_read_from_its_end(open_file: Opener) -> bool:
    """True for what may be a zip archive and comes out of something that can only be read forward."""
    with closing(open_file()) as source:
        return not source.seekable() and source.read(2) == b"PK"
