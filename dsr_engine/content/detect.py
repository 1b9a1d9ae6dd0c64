"""Which format a file is, by its content. The name only breaks ties: people rename files, and attackers do."""

import json
import re

from dsr_engine.content.dialect import SAMPLE, sniffed
from dsr_engine.content.format import Unreadable
from dsr_engine.content.json_tokens import Tokens, Walker

#: Bytes of the file's beginning that are looked at.
HEAD = 4 * SAMPLE
_CONTAINERS = ((b"\x1f\x8b\x08", "gzip"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"))
_BINARIES = (
    b"%PDF-", b"%!PS", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd", b"SQLite format 3\0",
    b"PAR1", b"\xd0\xcf\x11\xe0", b"ID3", b"Obj\x01", b"ORC", b"{\\rtf",
)  # fmt: skip
_MAIL_HEADERS = frozenset(
    b"from to cc subject date received message-id mime-version return-path delivered-to content-type reply-to sender in-reply-to references".split()
)
_HEADER_LINE = re.compile(rb"([!-9;-~]+)[ \t]*:")


def container_of(head: bytes) -> str:
    """The format of a file that is not text, by its first bytes; `binary` for kinds that are known and not read; empty: look at it as text."""
    for magic, name in _CONTAINERS:
        if head.startswith(magic):
            return name
    return "binary" if head.startswith(_BINARIES) else ""


def text_format_of(head: bytes, name: str) -> str:
    """The format of a text file, given its beginning as UTF-8 or another superset of ASCII. `mbox` is several mails in one file."""
    ending = name.lower().rpartition(".")[2]
    start = head.lstrip()
    if start[:1] in (b"{", b"[") and (found := _json(start, ending, is_cut=len(head) >= HEAD)):
        return found
    if mail := _mail(head, ending):
        return mail
    if ending in ("csv", "tsv", "tab", "psv"):
        return "csv"
    if not start.startswith(b"<") and ending not in ("log", "md", "html", "xml", "yaml", "yml") and sniffed(head[:SAMPLE]):
        return "csv"
    return "text"


def _json(start: bytes, ending: str, *, is_cut: bool) -> str:
    first, newline, rest = start.partition(b"\n")
    if newline and _is_value(first) and (ending in ("jsonl", "ndjson") or rest.lstrip()[:1] in (b"{", b"[")):
        return "jsonl"
    if ending in ("jsonl", "ndjson"):
        return "jsonl"
    walker = Walker(Tokens(None, len(start) + 1, start))
    try:
        for count, _ in enumerate(walker.events()):
            if count > 200:
                break
    except Unreadable as unreadable:
        is_near_end = is_cut and walker.tokens.offset > len(start) // 2
        if ending != "json" and unreadable.code == "json.broken" and not is_near_end and not _opens_like_json(start):
            return ""
    return "json"


def _opens_like_json(start: bytes) -> bool:
    """True for a first key with its colon, or an array of objects: whoever wrote that meant JSON, however it goes on."""
    return bool(re.match(rb'\{\s*"(?:[^"\\]|\\.){0,200}"\s*:|\[\s*[{\[]\s*["{\[]', start))


def _is_value(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict | list)
    except (ValueError, RecursionError):
        return False


def _mail(head: bytes, ending: str) -> str:
    """`mime` if the file begins with headers of which two are those of a mail; `mbox` if an envelope line stands before them."""
    is_mbox = head.startswith(b"From ")
    known: set[bytes] = set()
    lines = head[:SAMPLE].split(b"\n")[1 if is_mbox else 0 :]
    for line in lines:
        if not line.strip():
            break
        found = _HEADER_LINE.match(line)
        if found:
            known.add(found[1].lower())
        elif line[:1] not in (b" ", b"\t"):
            known = known if ending == "eml" else set()
            break
    known &= _MAIL_HEADERS
    if len(known) >= 2 or (known and ending == "eml"):
        return "mbox" if is_mbox else "mime"
    return ""
