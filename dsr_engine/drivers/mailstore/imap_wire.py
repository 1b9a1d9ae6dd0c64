"""The line to an IMAP server: encrypted, bounded in whatever it brings, counted, and compressed where the server can do that (RFC 4978).

The standard library reads a literal of any size that a server names and keeps any number of lines. Here a command has so many bytes, lines and
minutes for its answer, so that a server that is broken, or no friend, ends as an error and not as a machine without memory.
"""

import contextlib
import imaplib
import io
import logging
import re
import socket
import ssl
import time
import zlib
from typing import Any, BinaryIO

from imapclient import IMAPClient, SocketTimeout

# The library writes commands, user names and mail to its loggers at level DEBUG; nobody may turn that on.
for _name in ("imapclient.imapclient", "imapclient.imaplib", "imapclient.util"):
    logging.getLogger(_name).disabled = True

#: Seconds to connect, to wait for the greeting (who waits for TLS itself never sends one), for the next byte, and for all that answers one
#: command.
_CONNECT, _GREETING, _READ, _WHOLE = 15.0, 40.0, 120.0, 3600.0
#: Bytes of one line, of one literal, and of all that answers one command; and its lines.
MOST_LINE, MOST_LITERAL, MOST_ANSWER, MOST_LINES = 16 * 1024**2, 80 * 1024**2, 256 * 1024**2, 2_000_000
#: Compressed bytes that are taken from the line at once.
_BLOCK = 32 * 1024
#: Bytes of a message that are sent at once; and in how many of its first its header is looked for.
_SENT, _HEAD = 256 * 1024, 2 * 1024 * 1024


#: The extension by which mails and folders come with their UTF-8 (RFC 6855).
UTF8 = "UTF8=ACCEPT"
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class Garbled(Exception):
    """The server says what no server should, or more than anybody has a use for. No error of the library, which would make another one of it."""


class Tally:
    """Counts what goes over one line, and what one command may still bring."""

    def __init__(self) -> None:
        self.moved = 0
        self.begin()

    def begin(self) -> None:
        """A new command: its answer has all of its room."""
        self._bytes, self._lines, self._until = MOST_ANSWER, MOST_LINES, time.monotonic() + _WHOLE

    def take(self, count: int) -> None:
        """Bytes came. Raises `Garbled` for too many, `TimeoutError` for an answer that does not end."""
        self.moved += count
        self._bytes -= count
        if self._bytes < 0:
            raise Garbled("the answer is too long")
        if time.monotonic() > self._until:
            raise TimeoutError("the answer does not end")

    def line(self) -> None:
        self._lines -= 1
        if self._lines < 0:
            raise Garbled("the answer has too many lines")

    def drain(self) -> int:
        """Bytes in both directions since the last call."""
        moved, self.moved = self.moved, 0
        return moved


class Source(io.RawIOBase):
    """What comes from a socket, as it is or inflated: never more at once than was asked for, however well it was compressed."""

    def __init__(self, line: socket.socket, tally: Tally, *, deflated: bytes | None = None) -> None:
        super().__init__()
        self._line, self._tally = line, tally
        self._inflater = None if deflated is None else zlib.decompressobj(-zlib.MAX_WBITS)
        self._held = deflated or b""
        self.is_still = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int | None:  # type: ignore[override]  # any writable buffer, as io passes a memoryview
        if self.is_still:
            return None
        if self._inflater is None:
            count = self._line.recv_into(buffer)
        else:
            data = self._inflated(self._inflater, len(buffer))
            count = len(data)
            buffer[:count] = data
        self._tally.take(count)
        return count

    def _inflated(self, inflater: Any, most: int) -> bytes:
        while True:
            try:
                data: bytes = inflater.decompress(self._held, most)
            except zlib.error:
                raise Garbled("the compressed stream is damaged") from None
            self._held = inflater.unconsumed_tail
            if data or inflater.eof:
                return data
            if not self._held:
                self._held = self._line.recv(_BLOCK)
                self._tally.take(0)
                if not self._held:
                    return b""


class Wire(imaplib.IMAP4):
    """The standard library's client on such a line. `context` None: without encryption until `starttls`."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._deflater: Any = None
        self.tally = Tally()
        super().__init__(host, port, timeout=_CONNECT)
        self.sock.settimeout(_READ)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        self.host, self.port = host, port
        plain = socket.create_connection((host, port), timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each small command waits for the acknowledgement of the one before
        with contextlib.ExitStack() as undo:
            undo.callback(plain.close)
            self.sock = plain if self._context is None else self._context.wrap_socket(plain, server_hostname=host)
            undo.pop_all()
        self.sock.settimeout(_GREETING)
        self._read_from(Source(self.sock, self.tally))

    def _read_from(self, source: Source) -> None:
        self._source, self._reader = source, io.BufferedReader(source, 64 * 1024)

    def _ahead(self) -> bytes:
        """What came already and was not read yet; asks the line for nothing."""
        self._source.is_still = True
        return self._reader.peek()

    def read(self, size: int) -> bytes:
        if size > MOST_LITERAL:
            raise Garbled("a literal is too long")
        data = self._reader.read(size)
        if len(data) < size:
            raise self.abort("socket error: EOF")
        return data

    def readline(self) -> bytes:
        line = self._reader.readline(MOST_LINE + 1)
        if len(line) > MOST_LINE:
            raise Garbled("a line is too long")
        self.tally.line()
        return line

    def send(self, data: Any) -> None:
        self.tally.begin()
        self.tally.moved += len(data)
        if self._deflater is not None:
            data = self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        self.sock.sendall(data)

    def shutdown(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> Any:
        """Encrypts the line. What was said in clear behind the server's answer is refused (CVE-2011-0411): somebody else may have said it."""
        assert ssl_context is not None
        kind, answer = self._simple_command("STARTTLS")
        if kind != "OK":
            raise self.error("STARTTLS is refused")
        if self._ahead():
            raise Garbled("words in clear behind STARTTLS")
        self.sock = ssl_context.wrap_socket(self.sock, server_hostname=self.host)
        self._read_from(Source(self.sock, self.tally))
        self.untagged_responses: dict[str, list[Any]] = {}
        return kind, answer

    def compress(self) -> bool:
        """Compresses both directions from here on. False: the server would rather not."""
        kind, _ = self._simple_command("COMPRESS", "DEFLATE")
        if kind != "OK":
            return False
        self._read_from(Source(self.sock, self.tally, deflated=self._ahead()))
        self._deflater = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
        return True


# The library sends no command that it does not know the states of.
imaplib.Commands["COMPRESS"] = ("AUTH",)


class Client(IMAPClient):  # type: ignore[misc]  # the library has no types
    """The client library on such a line."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self._wire_context = context
        super().__init__(host, port, ssl=context is not None, ssl_context=context, timeout=SocketTimeout(_CONNECT, _READ))
        self._imap.debug = 0
        self.folder_encode = False
        self.normalise_times = False

    def turn_on(self, *extensions: str) -> bool:
        """ENABLE (RFC 5161). True if the server speaks UTF-8 from here on (RFC 6855); what it does not turn on is no harm."""
        raw = self._imap
        raw._simple_command("ENABLE", *extensions)
        is_utf8 = UTF8 in b" ".join(raw.untagged_responses.pop("ENABLED", [])).decode("ascii", "replace").upper().split()
        if is_utf8:
            raw._mode_utf8()
        return is_utf8

    def append_file(self, line: bytes, source: BinaryIO, size: int, *, at_once: bool, is_utf8: bool) -> tuple[str, list[Any]]:
        """APPEND of a message of this size as it is, in blocks, so that no mail is too large for our memory.

        `at_once`: without waiting for the server's word (RFC 7888). `is_utf8`: as RFC 6855 § 4 wants it.
        """
        raw = self._imap
        tag = raw._new_tag()
        lead, end = (b"UTF8 (~", b")") if is_utf8 else (b"", b"")
        raw.send(tag + b" APPEND " + line + lead + f"{{{size}{'+' if at_once else ''}}}\r\n".encode())
        while not at_once and raw._get_response() is not None and not raw.tagged_commands[tag]:
            pass
        if not raw.tagged_commands[tag]:
            while block := source.read(_SENT):
                raw.send(block)
            raw.send(end + b"\r\n")
        answer: tuple[str, list[Any]] = raw._command_complete("APPEND", tag)
        return answer

    def _normalise_folder(self, folder_name: bytes | str) -> str:
        return str(super()._normalise_folder(folder_name.decode() if isinstance(folder_name, bytes) else folder_name))

    def _create_IMAP4(self) -> Wire:  # noqa: N802  # the library's name
        return Wire(self.host, self.port, self._wire_context)


def has_wide_head(source: BinaryIO) -> bool:
    """True for a message that has more than ASCII in its header. The file stands at its beginning, before and afterwards."""
    head = source.read(_HEAD)
    source.seek(0)
    end = _HEAD_END.search(head)
    return not head[: end.start() if end else None].isascii()
