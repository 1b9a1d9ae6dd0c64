"""Hostile files of any size are parsed in a child process that can do nothing else, and its answer is read as a stream.

`content.sandbox` is for one small answer of a whole file that a stranger uploaded; this is for searching and rewriting thousands of files. The child
gets the file and a request, never a selector or anything else about a person: it says what texts a file holds, and the engine judges. What it says is
not believed further than that: it cannot name a reason that somebody reads, and it cannot say more than the bounds allow. What holds for the
sandbox holds here: where the engine is not root, a parser that has been taken over could send signals to processes of the same account.
"""

import atexit
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import ceil, inf
from typing import Any, BinaryIO

from dsr_engine.content.format import Budget, Opener, Reading, Unreadable
from dsr_engine.content.pictures.languages import DATA, LANGUAGES
from dsr_engine.content.stream import BLOCK

_SERVER = "import sys; sys.path[:] = {path!r}; from dsr_engine.content.fork_server import serve; serve({control})"
#: Parsers that bring threads of their own bring none, and take memory from one place, so that it can be limited.
#: What they free they keep for a while: giving a column's memory back and taking it again for the next costs a tenth of reading it.
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024**2),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024**2),
}
#: What the home says about recognising words in pictures is needed where the languages are loaded.
_PASSED = (LANGUAGES, DATA)
#: Most bytes of one frame's head and body.
_HEAD, _BODY = 1024 * 1024, 64 * 1024 * 1024
#: Length of one order on the server's control socket. Orders are short: requests and answers go over a socket of their own.
ORDER = 512
#: Most descriptors that one order may bring.
DESCRIPTORS = 200
#: A frame: what it is, length of its head (JSON), length of its body.
FRAME = struct.Struct(">cIQ")
#: What a frame is: part of the answer, its end, or that the file cannot be read on (the head holds the code).
PART, END, UNREADABLE = b"p", b"e", b"u"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one child may use: bytes of memory beyond the parsers' own, seconds of processor, seconds that it keeps us waiting, bytes written.

    A file that is large by its own may take longer: `per_second` bytes of it are worth one second more of each.
    """

    memory: int = 1024**3
    cpu: int = 45
    seconds: float = 55.0
    output: int = 4 * 1024**3
    per_second: int = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class Frame:
    """One piece of an answer."""

    head: Mapping[str, Any] = field(default_factory=dict)
    body: bytes = b""


def spoken(
    work: str,
    open_file: Opener,
    request: Mapping[str, Any],
    *,
    reasons: Mapping[str, str],
    bounds: Bounds = Bounds(),
    files: Sequence[BinaryIO] = (),
    sink: BinaryIO | None = None,
    reading: Reading | None = None,
) -> Iterator[Frame]:
    """What `work` (`package.module:function`, see `fork_server.Work`) says of the file, as it comes.

    `files` are further open files (with descriptors) that it may read, `sink` one that it may write: it stands at its end afterwards. `reasons`
    are the sentences for the codes that it may refuse by. Raises `Unreadable`: by such a code; `sandbox.died` where it crashed or used more than it
    may; `sandbox.none` where there is no confinement or no parser. Where the file is searched, `reading` says what is left of its time: all that is
    asked about it, and about what is in it, comes out of that.
    """
    with ExitStack() as held:
        source = held.enter_context(on_disk(open_file))
        size = os.fstat(source.fileno()).st_size
        budget = _left_to(reading, size)
        left = inf if budget is None else budget.left
        cpu, seconds = (min(allowed + size // bounds.per_second, left) for allowed in (bounds.cpu, bounds.seconds))
        order = {"work": work, "memory": bounds.memory, "cpu": ceil(cpu), "files": len(files), "output": bounds.output if sink else 0}
        ours, theirs = socket.socketpair()
        held.callback(ours.close)
        with theirs:
            descriptors = [theirs.fileno(), source.fileno(), *(each.fileno() for each in files), *([sink.fileno()] if sink else [])]
            child = SERVER.fork(order, descriptors)
        held.callback(SERVER.kill, child)
        said = json.dumps(request).encode()
        conversation = _Conversation(ours, seconds)
        conversation.ask(struct.pack(">Q", len(said)) + said)
        for frame in conversation.answer(reasons):
            yield frame
            if budget is not None and budget.used > 1.0:
                raise _died()


def _left_to(reading: Reading | None, size: int) -> Budget | None:
    """The time of a file that is searched, of which something has to be left. A file that is no part of another may take longer by its own size."""
    budget = reading.budget if reading is not None else None
    if budget is None or reading is None:
        return None
    if not reading.depth:
        budget.stored = max(budget.stored, size)
    if budget.left <= 0.0:
        raise _died()
    return budget


@contextlib.contextmanager
def on_disk(open_file: Opener) -> Iterator[BinaryIO]:
    """The file as one that has a descriptor and stands at its start: itself where it is one, else a copy without a name."""
    with open_file() as source:
        if _is_regular(source):
            yield source
            return
        with tempfile.TemporaryFile() as copy:
            while block := source.read(BLOCK):
                copy.write(block)
            copy.flush()
            copy.seek(0)
            yield copy


def _is_regular(source: BinaryIO) -> bool:
    try:
        return source.seekable() and os.lseek(source.fileno(), 0, os.SEEK_CUR) == 0
    except (OSError, AttributeError):
        return False


def _died() -> Unreadable:
    return Unreadable("sandbox.died", "reading the file failed, or took more memory or time than reading it may take; the rest was not read")


def _no_parser() -> Unreadable:
    return Unreadable("sandbox.none", "the program that reads such files cannot be run here")


class _Conversation:
    """One request and its answer. Only the time in which the child keeps us waiting counts: what its frames are used for is our time."""

    def __init__(self, channel: socket.socket, patience: float) -> None:
        self._channel = channel
        self._patience = patience

    def ask(self, request: bytes) -> None:
        self._channel.settimeout(self._patience)
        try:
            self._channel.sendall(request)
        except OSError:
            raise _died() from None

    def answer(self, reasons: Mapping[str, str]) -> Iterator[Frame]:
        while True:
            what, head_length, body_length = FRAME.unpack(self._take(FRAME.size))
            if head_length > _HEAD or body_length > _BODY:
                raise _died()
            head, body = _object(self._take(head_length)), self._take(body_length)
            if what == PART:
                yield Frame(head, body)
            elif what == END:
                return
            else:
                code = str(head.get("code"))
                raise Unreadable(code, reasons[code]) if what == UNREADABLE and code in reasons else _died()

    def _take(self, count: int) -> bytes:
        taken = bytearray(count)
        view, at = memoryview(taken), 0
        while at < count:
            begun = time.monotonic()
            try:
                self._channel.settimeout(max(0.001, self._patience))
                got = self._channel.recv_into(view[at:])
            except OSError:
                raise _died() from None
            self._patience -= time.monotonic() - begun
            if not got or self._patience <= 0:
                raise _died()
            at += got
        return bytes(taken)


def _object(said: bytes) -> dict[str, Any]:
    """The head of a frame. Raises `Unreadable` where it is none."""
    try:
        head = json.loads(said)
    except (ValueError, RecursionError):
        raise _died() from None
    if not isinstance(head, dict):
        raise _died()
    return head


class _Server:
    """The fork server of this process, started when it is first needed, and anew if it died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def fork(self, order: Mapping[str, Any], descriptors: Sequence[int]) -> int:
        """The number of a child that has been given the descriptors."""
        if not hasattr(socket, "send_fds"):
            raise _no_parser()
        if len(descriptors) > DESCRIPTORS:
            raise Unreadable("sandbox.too_many", "a file has more parts than can be changed at once")
        with self._lock:
            for _ in range(2):
                control = self._running()
                try:
                    socket.send_fds(control, [_padded(order)], list(descriptors))
                    said = b""
                    while len(said) < 10 and (more := control.recv(10 - len(said))):
                        said += more
                except OSError:
                    said = b""
                if len(said) == 10:
                    if int(said) == 0:
                        raise _no_parser()
                    return int(said)
                self._end()
        raise _no_parser()

    def kill(self, child: int) -> None:
        """Ends the child, if it still lives."""
        with self._lock, contextlib.suppress(OSError):
            if self._control is not None and self._owner == os.getpid():
                self._control.sendall(_padded({"kill": child}))

    def _running(self) -> socket.socket:
        if self._control is None or self._owner != os.getpid():
            ours, theirs = socket.socketpair()
            path = [entry for entry in sys.path if entry]
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603  # our own interpreter, our own words
                    [sys.executable, "-I", "-B", "-c", _SERVER.format(path=path, control=theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env=_ENVIRONMENT | {name: os.environ[name] for name in _PASSED if name in os.environ},
                    cwd="/",
                    start_new_session=True,
                )
            self._control, self._owner = ours, os.getpid()
        return self._control

    def end(self) -> None:
        """Ends the server and waits for it."""
        with self._lock:
            if self._owner == os.getpid():
                self._end()

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


def _padded(order: Mapping[str, Any]) -> bytes:
    said = json.dumps(order).encode().ljust(ORDER)
    assert len(said) == ORDER  # names of works are ours
    return said


#: One for this process; threads share it.
SERVER = _Server()
atexit.register(SERVER.end)
