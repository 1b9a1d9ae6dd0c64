"""Hostile bytes are parsed in a child process: whatever a crafted file does to a parser, it does it there, and the server goes on.

The child gets a copy of the bytes and gives bytes back. It has an address space, a time on the processor and a time on the clock, and once it reads
what it was given it can open no file and no connection, start no process, and leave no core dump. It inherits nothing of the environment, and where
the server is root the child is nobody. A parser that has been taken over can still lie about the file that it was given; and where the server is not
root it could send signals to processes of the same account, because no limit of POSIX forbids that.
"""

import contextlib
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import IO, NoReturn

from dsr_engine.domain.errors import InputWrong, NotSupported, Unreachable

#: So many children at a time. So many callers wait a moment for one; who comes then, or waited in vain, is told to come again: threads are few.
AT_ONCE, WAITING, PATIENCE = 2, 4, 10.0
#: The account without any right, where the server is root.
_NOBODY = 65534
_CHILD = "import sys; sys.path[:] = {path!r}; from dsr_engine.content.sandbox import serve; serve({work!r}, {memory}, {cpu})"
_LENGTH = struct.Struct(">Q")
#: What the child says first: it is done, it has no limits here, or the parser gave up.
_DONE, _UNLIMITED, _REFUSED = b"d", b"u", b"r"

_places, _callers = threading.BoundedSemaphore(AT_ONCE), threading.BoundedSemaphore(AT_ONCE + WAITING)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use: bytes of address space, seconds of processor and of clock, bytes of its answer."""

    memory: int = 768 * 1024**2
    cpu: int = 20
    seconds: float = 30.0
    answer: int = 8 * 1024**2


def apart(work: str, data: bytes, limits: Limits | None = None) -> bytes:
    """What `work` (`package.module:function`, from bytes to bytes) makes of the data, in a child process.

    Raises `InputWrong` (`sandbox.unreadable`) where it crashed, gave up, or used more than it may; `Unreachable` (`sandbox.busy`) where others are
    being served; `NotSupported` (`sandbox.none`) on a platform without limits.
    """
    limits = limits or Limits()
    with _place():
        said = _answer(work, data, limits)
    if said[:1] == _UNLIMITED:
        raise NotSupported(
            "this platform cannot limit what a program may use", code="sandbox.none", hint="files of strangers are read on Linux and macOS only"
        )
    (length,) = _LENGTH.unpack(said[1:9]) if said[:1] == _DONE and len(said) >= 9 else (-1,)
    if length != len(said) - 9:
        raise InputWrong("the file cannot be read", code="sandbox.unreadable", hint="it is damaged, or built to use more than reading it may take")
    return said[9:]


@contextlib.contextmanager
def _place() -> Iterator[None]:
    """A place among the children, for as long as the block lasts. Raises `Unreachable` (`sandbox.busy`)."""
    busy = Unreachable("too many files are being read at this moment", code="sandbox.busy", hint="try again in a minute")
    if not _callers.acquire(blocking=False):
        raise busy
    try:
        if not _places.acquire(timeout=PATIENCE):
            raise busy
        try:
            yield
        finally:
            _places.release()
    finally:
        _callers.release()


def _answer(work: str, data: bytes, limits: Limits) -> bytes:
    path = [entry for entry in sys.path if entry]
    program = _CHILD.format(path=path, work=work, memory=limits.memory, cpu=limits.cpu)
    child = subprocess.Popen(  # noqa: S603  # our own interpreter, our own words
        [sys.executable, "-I", "-B", "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"LANG": "C.UTF-8"},
        cwd="/",
        start_new_session=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    feeder = threading.Thread(target=_feed, args=(child.stdin, data), name="sandbox-feeder", daemon=True)
    clock = threading.Timer(limits.seconds, _kill, (child,))
    clock.daemon = True
    feeder.start()
    clock.start()
    try:
        return child.stdout.read(limits.answer + 10)
    finally:
        clock.cancel()
        _kill(child)
        child.wait()
        feeder.join()
        child.stdout.close()


def _feed(stdin: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(OSError), stdin:
        stdin.write(data)


def _kill(child: "subprocess.Popen[bytes]") -> None:
    """Ends the child and whatever it started: they are a session of their own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


# --- In the child --------------------------------------------------------------------------------------------------------------------


def serve(work: str, memory: int, cpu: int) -> NoReturn:
    """The child: loads the parser, gives up every right, and only then looks at what it was given."""
    out = os.fdopen(os.dup(1), "wb")
    module, _, name = work.partition(":")
    function: Callable[[bytes], bytes] = getattr(import_module(module), name)
    if not confined(memory, cpu):
        _say(out, _UNLIMITED)
    try:
        answer = function(sys.stdin.buffer.read())
    except BaseException:  # noqa: BLE001  # a parser of hostile files raises anything; its text may hold what was in the file, so nobody hears it
        _say(out, _REFUSED)
    _say(out, _DONE + _LENGTH.pack(len(answer)) + answer)


def _say(out: IO[bytes], answer: bytes) -> NoReturn:
    """The last word: nothing of the interpreter is tidied up, because the parent waits for the end."""
    out.write(answer)
    out.flush()
    os._exit(0)


def confined(memory: int, cpu: int, output: int = 0) -> bool:
    """Gives up what reading bytes does not need: bytes of address space, seconds of processor, bytes that may be written to what is open.

    False where the platform has no such limits.
    """
    try:
        import resource  # noqa: PLC0415  # Windows has none
    except ImportError:
        return False
    # What is open stays open; nothing else is opened any more, not even in the place of what was closed.
    limits = {"CORE": 0, "FSIZE": output, "NPROC": 0, "AS": memory, "CPU": cpu, "NOFILE": 0}
    for name, value in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is not None:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (value, value))
    if os.geteuid() == 0:
        # Root may raise every limit again. In a container that knows no other account, root is none outside of it and may not.
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    return resource.getrlimit(resource.RLIMIT_CPU)[0] == cpu
