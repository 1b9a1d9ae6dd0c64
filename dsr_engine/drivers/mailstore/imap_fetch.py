"""What is fetched of mails over IMAP, and when: small ones many at a time as they are opened, large ones piece by piece, and of films and recordings
the two ends only.

A large mail lies in an unnamed temporary file while it is read, because a reader opens it again for each of its parts. Where its structure
(BODYSTRUCTURE, RFC 3501 § 7.4.2) names a film or a recording, and its first bytes are one, the middle is not fetched: nothing in it can be read as
text, only searched as bytes. A gap says so. Whatever does not prove to be where the structure says is fetched.
"""

import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from imapclient.response_types import BodyData

from dsr_engine.content.mail.mime_encoding import body_of
from dsr_engine.domain.errors import NotAllowed, Unreachable
from dsr_engine.drivers.mailstore.imap_answers import fetched
from dsr_engine.drivers.mailstore.imap_session import CHUNK, Meta, Session
from dsr_engine.drivers.mailstore.store import Gone

#: Mails above this size are read piece by piece. Bytes.
LARGE = 4 * 1024 * 1024
#: Bytes that one FETCH brings at most, of small mails together or of a large one; and of a large one while it is not known what of it is needed.
_AT_ONCE, _STEP = 8 * 1024 * 1024, 256 * 1024
#: Small mails that are fetched together at the beginning; twice as many each time that they are opened one after the other.
_FIRST = 32
#: Groups of small mails that are remembered, for whoever opens a mail again.
_GROUPS = 2

#: What is always fetched of an attachment, at either end, and from which size on its middle may be left. Bytes.
_END = 64 * 1024
_MIDDLE = 1024 * 1024
_MEDIA = frozenset({"video", "audio"})
_UNTOLD = frozenset({"octet-stream", "x-unknown", "unknown", "download", "force-download", "x-download", "mp4", "ogg"})
_NAMES = frozenset(
    (
        *("mp4", "m4v", "mov", "qt", "avi", "mkv", "webm", "mpg", "mpeg", "wmv", "mts", "3gp"),
        *("mp3", "m4a", "aac", "wav", "flac", "ogg", "oga", "opus", "wma", "amr", "aif", "aiff"),
    )
)
#: How films and recordings begin, and at which offset.
_BEGINNINGS = (
    *((4, sign) for sign in (b"ftyp", b"moov", b"mdat")),
    *((8, sign) for sign in (b"AVI ", b"WAVE", b"AIFF")),
    *((0, sign) for sign in (b"\x1aE\xdf\xa3", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf1", b"fLaC", b"OggS", b"#!AMR")),
    *((0, sign) for sign in (b"0&\xb2u\x8ef\xcf\x11", b"\0\0\x01\xba", b"\0\0\x01\xb3")),
)
#: What stands in for four digits that were not fetched: three spaces.
_FILLER = b"ICAg"

LEFT = "mail.attachment_left"


@dataclass(frozen=True, slots=True)
class Told:
    """A part as the structure tells of it: its number (`2.1`), what it says that it is, how it is encoded, and its size in bytes as it travels."""

    number: str
    kind: str
    subtype: str
    name: str
    encoding: str
    size: int

    @property
    def may_be_left(self) -> bool:
        """True for what says that it is a film or a recording. Whether it is one its first bytes have to say."""
        is_named = self.name.lower().rpartition(".")[2] in _NAMES
        says = self.kind in _MEDIA or (is_named and self.kind == "application" and self.subtype in _UNTOLD)
        return says and self.encoding == "base64" and self.size >= _MIDDLE


def is_large(meta: Meta) -> bool:
    return meta.size > LARGE


class Small:
    """The small mails of a chunk. Those that are opened in order are fetched together; one that is passed over is not fetched."""

    def __init__(self, session: Session, ensure: Callable[[], None], metas: Sequence[Meta], ahead: "Ahead") -> None:
        self._session, self._ensure, self._metas, self._ahead = session, ensure, metas, ahead
        self._index = {meta.uid: index for index, meta in enumerate(metas)}
        self._groups: list[dict[int, bytes | None]] = []
        self._next = 0

    def open(self, meta: Meta) -> BinaryIO:
        """Raises `Gone` for a mail that was removed meanwhile, `OSError` for one that is there and is not given."""
        body = next((group[meta.uid] for group in self._groups if meta.uid in group), None)
        if body is None:
            body = self._fetched(meta)
        if body is None:
            raise _missing(self._session, meta.uid)
        return io.BytesIO(body)

    def _fetched(self, meta: Meta) -> bytes | None:
        index = self._index[meta.uid]
        self._ahead.step(is_next=index == self._next)
        group: list[Meta] = []
        size = 0
        for other in self._metas[index : index + self._ahead.count]:
            size += other.size
            if group and size > _AT_ONCE:
                break
            group.append(other)
        self._ensure()
        found = {each.uid: body for each, body in self._session.bodies(group)}
        self._groups = [*self._groups[1 - _GROUPS :], found]
        self._next = max(self._next, index + len(group))
        return found.get(meta.uid)


@dataclass(slots=True)
class Ahead:
    """How many mails are fetched together: more and more while they are opened in order, one where most are passed over."""

    count: int = _FIRST

    def step(self, *, is_next: bool) -> None:
        self.count = min(CHUNK, self.count * 2) if is_next else 1


def _missing(session: Session, uid: int) -> Exception:
    return OSError("the server lists a mail and does not give it") if session.metas([uid]) else Gone()


class Large:
    """One large mail in a temporary file, filled as it is read. Films and recordings in it may have a hole (`left` counts them)."""

    def __init__(self, session: Session, ensure: Callable[[], None], meta: Meta) -> None:
        self._session, self._ensure, self._meta = session, ensure, meta
        self._file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  # closed by `close`: it outlives any one reader
        self._filled = 0
        self._is_whole = False
        self.left = 0

    def open(self) -> BinaryIO:
        """The mail from its start. Holds until this is closed."""
        return cast(BinaryIO, io.BufferedReader(_Reading(self), _END))

    def close(self) -> None:
        self._file.close()

    def bytes_at(self, offset: int, count: int, step: int = _AT_ONCE) -> bytes:
        self.fill(offset + count, step)
        self._file.seek(offset)
        return self._file.read(count)

    def size(self) -> int:
        """How long it really is: some servers only estimate what they say."""
        while not self._is_whole:
            self.fill(self._filled + _AT_ONCE)
        return self._filled

    def fill(self, upto: int, step: int = _AT_ONCE) -> None:
        """Fetches what is not there yet, so much at a time."""
        while self._filled < upto and not self._is_whole:
            data = self._piece(self._filled, step)
            self._file.seek(self._filled)
            self._file.write(data)
            self._filled += len(data)
            self._is_whole = not data

    def _piece(self, offset: int, count: int) -> bytes:
        self._ensure()
        with self._session.speaking() as client:
            entry = fetched(client, str(self._meta.uid), f"(BODY.PEEK[]<{offset}.{count}>)").get(self._meta.uid, {})
        data = entry.get(f"BODY[]<{offset}>".encode())
        if not isinstance(data, bytes):
            if isinstance(data, int):  # the client library takes digits for a number
                return str(data).encode()
            if offset >= self._meta.size:
                return b""
            missing = _missing(self._session, self._meta.uid)
            raise missing if isinstance(missing, Gone) else Unreachable("The mail server broke off in the middle of a mail", code="mail.cut_off")
        return data[:count]

    # ---- holes

    def leave_media(self) -> None:
        """Finds the films and recordings of which only the ends are to be fetched, and leaves their middles."""
        at = 0
        for told in self._told():
            if told.may_be_left:
                at = self._left_behind(told, at) or at

    def _told(self) -> list[Told]:
        self._ensure()
        with suppress(NotAllowed, ValueError, LookupError, TypeError, AttributeError):  # a server that cannot say it: then all is fetched
            with self._session.speaking() as client:
                entry = fetched(client, str(self._meta.uid), "(BODYSTRUCTURE)").get(self._meta.uid, {})
            return list(parts_of(BodyData.create(entry[b"BODYSTRUCTURE"])))
        return []

    def _left_behind(self, told: Told, at: int) -> int:
        """Where the part ends, if its middle was left; 0: it is not where the structure says, or nothing that may be left."""
        headers = self._headers_of(told)
        start = self._found(headers, at) if len(headers) > 4 else -1
        if start < 0:
            return 0
        start += len(headers)
        head = self.bytes_at(start, _END, _STEP)
        width = head.find(b"\n") + 1
        eol = b"\r\n" if head[: width - 1].endswith(b"\r") else b"\n"
        if width <= len(eol) or (width - len(eol)) % 4 or not _is_media(head) or not _ends(self._piece(start + told.size, 4)):
            return 0
        # Whole lines, so that what was left decodes to as many bytes as are missing.
        first = start + -(-(self._filled - start) // width) * width
        lines = (start + told.size - _END - first) // width
        if lines > 0:
            self.fill(first, first - self._filled)
            self._leave(lines, _FILLER * ((width - len(eol)) // 4) + eol)
        return start + told.size

    def _leave(self, lines: int, line: bytes) -> None:
        self._file.seek(self._filled)
        block = line * min(lines, 8192)
        for done in range(0, lines, 8192):
            self._file.write(block[: min(8192, lines - done) * len(line)])
        self._filled += lines * len(line)
        self.left += 1

    def _headers_of(self, told: Told) -> bytes:
        with suppress(NotAllowed), self._session.speaking() as client:
            entry = fetched(client, str(self._meta.uid), f"(BODY.PEEK[{told.number}.MIME])").get(self._meta.uid, {})
            value = entry.get(f"BODY[{told.number}.MIME]".encode())
            return value if isinstance(value, bytes) else b""
        return b""

    def _found(self, wanted: bytes, at: int) -> int:
        """Where the bytes first begin a line from an offset on; -1: nowhere."""
        while True:
            data = self.bytes_at(at, _STEP, _STEP)
            found = data.find(b"\n" + wanted)
            if found >= 0:
                return at + found + 1
            if len(data) <= len(wanted):
                return -1
            at += len(data) - len(wanted)


class _Reading(io.RawIOBase):
    """One reader's place in it."""

    def __init__(self, large: Large) -> None:
        super().__init__()
        self._large, self._at = large, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = 0 if whence == io.SEEK_SET else self._at if whence == io.SEEK_CUR else self._large.size()
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # any writable buffer, as io passes a memoryview
        data = self._large.bytes_at(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def parts_of(body: Any, number: str = "") -> Iterator[Told]:
    """The leaves of a structure. A message inside the message is one leaf: what lies in it is not told apart."""
    if body.is_multipart:
        for index, inner in enumerate(body[0], 1):
            yield from parts_of(inner, f"{number}.{index}" if number else str(index))
        return
    kind, subtype, parameters, _, _, encoding, size = body[:7]
    disposition = next((entry for entry in body[7:] if isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[1], tuple)), (b"", ()))
    names = {**_pairs(parameters), **_pairs(disposition[1])}
    name = names.get("filename") or names.get("name") or ""
    yield Told(number or "1", _word(kind), _word(subtype), name, _word(encoding), size if isinstance(size, int) else 0)


def _pairs(entries: Any) -> dict[str, str]:
    words = [_word(entry) for entry in entries] if isinstance(entries, tuple) else []
    return dict(zip(words[::2], words[1::2], strict=False))


def _word(value: Any) -> str:
    return value.decode("latin-1").lower() if isinstance(value, bytes) else ""


def _ends(data: bytes) -> bool:
    """True for how the line of a boundary begins, with the line end before it."""
    return data.startswith((b"\r\n--", b"\n--"))


def _is_media(head: bytes) -> bool:
    """True if the base64 digits say the beginning of a film or a recording."""
    with body_of(lambda: io.BytesIO(head), 0, len(head), "base64")() as source:
        data = source.read(64)
    return any(data[at : at + len(sign)] == sign for at, sign in _BEGINNINGS)
