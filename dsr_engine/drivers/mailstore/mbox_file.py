"""A digest of a mail in an mbox file that flags do not change. Where mails begin and end is said by `content.mail.mbox_spans`."""

import hashlib
import io
import re

from dsr_engine.content.mail.mbox_spans import Envelope
from dsr_engine.drivers.mailstore.marks import MARK
from dsr_engine.drivers.mailstore.store import short

#: Headers in which mail programs keep flags and counters inside the file.
_FLAG_HEADERS = frozenset(
    b"status x-status x-keywords x-uid x-imap x-imapbase content-length x-mozilla-status x-mozilla-status2 x-mozilla-keys".split()
)

_MARK = MARK.lower().encode("ascii")

#: As much of a mail as its headers are looked for in, in bytes.
_HEAD = 1024 * 1024


class StateSink(io.RawIOBase):
    """Takes a mail's content and gives its state: a digest of envelope and content without the headers that hold flags."""

    def __init__(self, envelope: Envelope) -> None:
        super().__init__()
        self._hash = hashlib.sha256(envelope.sender + b"\0" + envelope.date + b"\0")
        self._date = envelope.date
        self._head: bytes | None = b""
        self._last = b"\n"
        self._message_id = b""
        #: True if the headers say that a rewrite made this mail; known when its state is.
        self.is_marked = False

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # any buffer, as io allows
        data = bytes(data)
        self._last = data[-1:] or self._last
        if self._head is None:
            self._hash.update(data)
        else:
            self._head += data
            if len(self._head) >= _HEAD or _head_end(self._head) >= 0:
                self._take_head()
        return len(data)

    def state(self) -> bytes:
        """The digest; nothing may be written after it. A missing last line end counts as there."""
        self._take_head()
        if self._last != b"\n":
            self._hash.update(b"\n")
            self._last = b"\n"
        return self._hash.digest()

    def link(self) -> str:
        """What ties a mail to its rewritten successor: Message-ID and delivery date; empty where it has no Message-ID."""
        self._take_head()
        return short(hashlib.sha256(self._message_id + b"\0" + self._date).digest()) if self._message_id else ""

    def _take_head(self) -> None:
        if self._head is None:
            return
        end = _head_end(self._head[:_HEAD])
        cut = _HEAD if end < 0 else end
        head, rest = self._head[:cut], self._head[cut:]
        is_flag = False
        for line in head.splitlines(keepends=True):
            if line[:1] not in (b" ", b"\t"):
                name = line.split(b":", 1)[0].strip().lower()
                is_flag = name in _FLAG_HEADERS
                self.is_marked = self.is_marked or name == _MARK
                if name == b"message-id" and not self._message_id:
                    self._message_id = line.split(b":", 1)[-1].strip()
            if not is_flag:
                self._hash.update(line)
        self._hash.update(rest)
        self._head = None


_EMPTY_LINE = re.compile(rb"(?:\A|\n)\r?\n")


def _head_end(data: bytes) -> int:
    """Where the empty line after the headers begins; -1 where there is none yet."""
    match = _EMPTY_LINE.search(data)
    return -1 if match is None else match.start() + (data[match.start() : match.start() + 1] == b"\n" and match.end() - match.start() > 1)
