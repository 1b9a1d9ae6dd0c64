"""Headers of a tar member written anew: without the person, or with another size."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import BinaryIO, cast

from dsr_engine.content.containers.members import redacted_name
from dsr_engine.content.containers.tar_headers import BLOCK, FIELDS, NEUTRAL, PAX, Block, TarMember, is_other, padded
from dsr_engine.content.format import Writer
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite

_LONG = {b"L": "name", b"K": "link"}
_RECORDS = (b"x", b"g", b"X")


def renamed(member: TarMember, rewriter: Rewriter, words: AbstractSet[str]) -> bytes:
    """The member's headers with these words (`name`, `link`, `owner`, `group`, `pax`) redacted. Blocks that say nothing of them stay as they are."""
    if not words:
        return _bytes_of(member.blocks)
    path = redacted_name(member.title, rewriter) if "name" in words else member.title
    is_renamed = path != member.title
    blocks = []
    for block in member.blocks:
        now = _words_in(block, rewriter, words, is_renamed and block is not member.own)
        if block is member.own:
            now, long = _own(now, member, path, is_renamed)
            blocks += long
        blocks.append(now)
    return _bytes_of(blocks)


def _words_in(block: Block, rewriter: Rewriter, words: AbstractSet[str], is_renamed: bool) -> Block:
    """The block with what it says redacted; it gets a neutral name where the member does."""
    said = block.said
    if _LONG.get(block.kind) in words:
        text = said.rstrip(b"\0")
        said = redacted_name(text, rewriter) + said[len(text) :]
    elif block.kind in _RECORDS:
        said = _records(block, rewriter, words)
    head = block.head
    for field in ("link", "owner", "group"):
        if field in words:
            head = _with(head, field, redacted_name(block.field(field), rewriter), is_cut=True)
    if "name" in words and block.kind in (*_LONG, *_RECORDS) and (is_renamed or redacted_name(block.path, rewriter) != block.path):
        head = _with(head, "name", NEUTRAL[block.kind])
        head = _with(head, "prefix", b"") if block.is_ustar else head
    if len(said) != len(block.said):
        head = _with_size(head, len(said))
    return Block(_with_sum(head) if head != block.head else head, said)


def _records(block: Block, rewriter: Rewriter, words: AbstractSet[str]) -> bytes:
    written = b""
    for key, value in block.records():
        word = PAX.get(key.decode("latin-1"))
        if word in words:
            value = redacted_name(value, rewriter)
        elif "pax" in words and is_other(key):
            key, _, value = redacted_name(key + b"=" + value, rewriter).partition(b"=")
        written += _record(key, value)
    return written


def _record(key: bytes, value: bytes) -> bytes:
    """A pax record; its length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return str(length).encode() + b" " + key + b"=" + value + b"\n"


def _own(block: Block, member: TarMember, path: bytes, is_renamed: bool) -> tuple[Block, list[Block]]:
    """The member's own header under its new name, and a pax header before it where that is too long for the field."""
    if not is_renamed:
        return block, []
    is_long = len(path) > FIELDS["name"][1]
    head = _with(block.head, "name", path, is_cut=True)
    if block.is_ustar:
        head = _with(head, "prefix", b"")
    has_long = any(each.kind == b"L" or (each.kind == b"x" and any(key == b"path" for key, _ in each.records())) for each in member.blocks)
    extra = [_pax_header(block.head, _record(b"path", path))] if is_long and not has_long else []
    return Block(_with_sum(head)), extra


def _pax_header(like: bytes, said: bytes) -> Block:
    """A header that says something of the one behind it, with its owner and date."""
    head = _with(like, "name", NEUTRAL[b"x"])
    head = head[:156] + b"x" + bytes(100) + head[257:]
    head = head[:257] + b"ustar\x0000" + head[265:345] + bytes(BLOCK - 345)
    return Block(_with_sum(_with_size(head, len(said))), said)


def resized(blocks: bytes, writer: Writer) -> Writer:
    """What writes the headers and the new content, whose size is learnt by writing it nowhere first."""

    def write(sink: BinaryIO) -> None:
        counting = _Counting()
        writer(cast(BinaryIO, counting))
        sink.write(_headers_for(blocks, counting.count))
        writer(sink)
        sink.write(bytes(padded(counting.count) - counting.count))

    return write


class _Counting:
    def __init__(self) -> None:
        self.count = 0

    def write(self, data: bytes) -> int:
        self.count += len(data)
        return len(data)


def _headers_for(blocks: bytes, size: int) -> bytes:
    """The headers with the size of the content in them, in a pax record where one says it."""
    written, at = b"", 0
    while at < len(blocks):
        head = blocks[at : at + BLOCK]
        if head[156:157] not in (*_LONG, *_RECORDS):
            return written + _with_sum(_with_size(head, size)) + blocks[at + BLOCK :]
        length = int(head[slice(*FIELDS["size"])].strip(b" \0") or b"0", 8)
        block = Block(head, blocks[at + BLOCK : at + BLOCK + length])
        at += BLOCK + padded(length)
        if block.kind == b"x" and any(key == b"size" for key, _ in block.records()):
            said = b"".join(_record(key, str(size).encode() if key == b"size" else value) for key, value in block.records())
            block = Block(_with_sum(_with_size(head, len(said))), said)
        written += _bytes_of([block])
    return written


def _bytes_of(blocks: Iterable[Block]) -> bytes:
    return b"".join(block.head + block.said + bytes(padded(len(block.said)) - len(block.said)) for block in blocks)


def _with(head: bytes, field: str, value: bytes, *, is_cut: bool = False) -> bytes:
    """The header with another value in a field, padded with NUL. What is longer is cut where that is allowed: a longer form stands elsewhere."""
    start, end = FIELDS[field]
    if head[start:end].partition(b"\0")[0] == value:
        return head
    if len(value) > end - start and not is_cut:
        raise cannot_rewrite("A name in the archive would become longer than its field.")
    return head[:start] + value[: end - start].ljust(end - start, b"\0") + head[end:]


def _with_size(head: bytes, size: int) -> bytes:
    """In octal digits, or in base 256 from 8 GiB on, as GNU and libarchive write it."""
    start, end = FIELDS["size"]
    field = b"%011o\0" % size if size < 8**11 else bytes([0x80]) + size.to_bytes(11, "big")
    return head[:start] + field + head[end:]


def _with_sum(head: bytes) -> bytes:
    start, end = FIELDS["checksum"]
    blank = head[:start] + b" " * 8 + head[end:]
    return head[:start] + b"%06o\0 " % sum(blank) + head[end:]
