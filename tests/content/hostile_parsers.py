"""What a parser of a crafted file may come to do. Named by `test_sandbox` and `test_apart`, run in their children."""

import contextlib
import os
import resource
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from dsr_engine.content.format import Unreadable


def upper(data: bytes) -> bytes:
    return data.upper()


def environment(_: bytes) -> bytes:
    return repr(sorted(os.environ)).encode()


def loops(_: bytes) -> bytes:
    while True:
        pass


def sleeps(_: bytes) -> bytes:
    time.sleep(600)
    return b""


def eats(_: bytes) -> bytes:
    return bytes(2 * 1024**3)


def talks(_: bytes) -> bytes:
    return bytes(64 * 1024**2)


def raises(data: bytes) -> bytes:
    raise ValueError(data.decode())


def leaves(_: bytes) -> bytes:
    sys.exit(0)


def dies(_: bytes) -> bytes:
    os.kill(os.getpid(), 11)
    return b""


def recurses(data: bytes) -> bytes:
    return recurses(data)


def shouts_before(_: bytes) -> bytes:
    os.write(1, b"d" + bytes(7) + b"\5genuine")
    os._exit(0)


def reads_a_file(_: bytes) -> bytes:
    return Path("/etc/hostname").read_bytes()


def writes_a_file(data: bytes) -> bytes:
    Path(data.decode()).write_text("x")
    return b"written"


def connects(_: bytes) -> bytes:
    socket.socket()
    return b"connected"


def starts_a_program(_: bytes) -> bytes:
    return subprocess.run(["/bin/true"], check=True, stdout=subprocess.PIPE).stdout + b"started"


def opens_in_place_of_what_it_closed(_: bytes) -> bytes:
    os.close(0)
    return os.read(os.open("/etc/hostname", os.O_RDONLY), 10)


def takes_its_limits_off(_: bytes) -> bytes:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    return Path("/etc/hostname").read_bytes()


def account(_: bytes) -> bytes:
    return b"%d" % os.geteuid()


# --- For `content.apart`: works that speak in frames -----------------------------------------------------------------------------------


def blocks(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The file in blocks, upper-cased, then what the other files hold."""
    while data := source.read(request["size"]):
        yield {"at": source.tell()}, data.upper()
        if sink is not None:
            sink.write(data.upper())
    for number, file in enumerate(files):
        yield {"file": number}, file.read()


def misbehaves(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Says one thing, then does one of the deeds above."""
    yield {"begun": True}, b""
    deed: Callable[[bytes], bytes] = globals()[request["deed"]]
    yield {}, deed(source.read())


def refuses(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Iterator[tuple[dict[str, Any], bytes]]:
    yield {"begun": True}, b""
    raise Unreadable(request["code"], source.read().decode())


def shouts(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Writes a frame by itself that claims more than any may."""
    for descriptor in range(3, 32):
        with contextlib.suppress(OSError):
            os.write(descriptor, struct.pack(">cIQ", b"p", 2, 2**62) + b"{}")
    yield {}, b""
