"""What a parser of a crafted file may come to do. Named by `test_sandbox`, run in its child."""

import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path


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
