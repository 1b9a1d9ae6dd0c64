"""Which format a file is, by its content. The name only breaks ties: people rename files, and attackers do."""

import json
import re

from dsr_engine.content.containers.magic import container_kind
from dsr_engine.content.documents.markup_sign import markup_of
from dsr_engine.content.format import Unreadable
from dsr_engine.content.magic import kind_of, listing_of
from dsr_engine.content.mail.mbox_spans import is_envelope
from dsr_engine.content.records.dialect import SAMPLE, sniffed
from dsr_engine.content.records.json_sequence import is_sequence
from dsr_engine.content.records.json_tokens import Tokens, Walker

#: Bytes of the file's beginning that are looked at.
HEAD = 4 * SAMPLE
_BINARIES = (
    b"%!PS", b"\x89PNG", b"GIF8", b"Rar!", b"7z\xbc\xaf", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd",
    b"\xd0\xcf\x11\xe0", b"ID3",
)  # fmt: skip
#: The beginning of a mailbox of Emacs, and of a file of Apple Mail: the length of its mail.
BABYL = b"BABYL OPTIONS:"
FIRST_LINE = re.compile(rb"\d{1,12}[ \t]*\r?\n")
#: Readers of PDFs look for its first words in the first kilobyte; whatever stands before them (ISO 32000-1, implementation note 13).
_PDF = re.compile(rb"(?:.{0,1023}[\r\n\0\xbf ])?%PDF-\d", re.DOTALL)
_MAIL_HEADERS = frozenset(
    b"from to cc subject date received message-id mime-version return-path delivered-to content-type reply-to sender in-reply-to references".split()
)
_HEADER_LINE = re.compile(rb"([!-9;-~]+)[ \t]*:")


def container_of(head: bytes) -> str:
    """The format of a file that is not text, by its first bytes; `binary` for kinds that are known and not read; empty: look at it as text."""
    if _PDF.match(head) and (head.startswith(b"%PDF-") or b" obj" in head):
        return "pdf"
    if head.lstrip().startswith(b"{\\rtf"):
        return "rtf"
    return container_kind(head) or kind_of(head) or ("binary" if head.startswith(_BINARIES) else "")


def text_format_of(head: bytes, name: str) -> str:
    """The format of a text file, given its beginning as UTF-8 or another superset of ASCII. `mbox` is several mails in one file."""
    ending = name.lower().rpartition(".")[2]
    start = head.lstrip()
    if start[:1] in (b"{", b"[") and (found := _json(start, ending, is_cut=len(head) >= HEAD)):
        return found
    if start[:1] == b"\x1e" and is_sequence(start):
        return "jsonseq"
    if found := _mail(head, ending) or listing_of(start):
        return found
    if markup := markup_of(head, ending):
        return markup
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
    values = 0
    try:
        for count, event in enumerate(walker.events()):
            values += event.kind == "scalar"
            if count > 200:
                break
    except Unreadable as unreadable:
        if unreadable.code == "json.broken" and (found := _json_like(start, walker.tokens.offset)):
            return found
        is_near_end = is_cut and walker.tokens.offset > len(start) // 2
        if ending != "json" and unreadable.code == "json.broken" and not is_near_end and not (values and _opens_like_json(start)):
            return ""
    return "json"


def _json_like(start: bytes, at: int) -> str:
    """What is written where JSON ends at an offset: another value, or what people allow themselves in settings, which are read as text."""
    if is_sequence(start):
        return "jsonseq"
    behind = start[max(0, at - 1) if start[at - 1 : at] in (b"}", b"]") else at :]
    has_comma_too_many = behind[:1] in (b"}", b"]") and start[: at - 1].rstrip().endswith(b",")
    return "text" if has_comma_too_many or re.match(rb"[ \t\r\n,]*(?:/[/*]|#|'|[A-Za-z_$][\w$]*[ \t]*:)", behind) else ""


def _opens_like_json(start: bytes) -> bool:
    """True for a first key with its colon, or an array of objects: whoever wrote that and a value meant JSON, however it goes on."""
    return bool(re.match(rb'\{\s*"(?:[^"\\]|\\.){0,200}"\s*:|\[\s*[{\[]\s*["{\[]', start))


def _is_value(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict | list)
    except (ValueError, RecursionError):
        return False


def _mail(head: bytes, ending: str) -> str:
    """`mime` if the file begins with headers of which two are those of a mail; `mbox` if an envelope line stands before them.

    With Apple's line of a length before them it is `emlx`. Old forms of mailboxes have marks of their own.
    """
    if head.startswith(BABYL):
        return "babyl"
    told = FIRST_LINE.match(head)
    if told is not None and _mail(head[told.end() :], ending) == "mime":
        return "emlx"
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
    if len(known) >= 2 or (known and (ending == "eml" or is_envelope(head))):
        return "mbox" if is_mbox else "mime"
    return ""
