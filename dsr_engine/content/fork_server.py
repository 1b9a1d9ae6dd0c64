"""The process that forks one confined child for each file: starting an interpreter and importing a parser for each would take a third of a second.

It is started by `content.apart` as an interpreter of its own, with nothing of the engine's memory and environment, so what is forked from it knows
nothing of any person. It holds parsers and no data. It is told what to fork over one socket, and ends when that socket does.
"""

import json
import os
import resource
import select
import signal
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, BinaryIO, NoReturn

from dsr_engine.content.apart import DESCRIPTORS, END, FRAME, ORDER, PART, UNREADABLE
from dsr_engine.content.format import Unreadable
from dsr_engine.content.sandbox import confined

#: Reads one file: (source, request, further files, sink) to pairs of a JSON head and a body.
Work = Callable[[BinaryIO, dict[str, Any], Sequence[BinaryIO], BinaryIO | None], Iterator[tuple[dict[str, Any], bytes]]]


def serve(control: int) -> NoReturn:
    """The server's loop; `control` is its end of the socket."""
    orders = socket.socket(fileno=control)
    alive: set[int] = set()
    while True:
        ready, _, _ = select.select([orders], [], [], 1.0)
        _bury(alive)
        if ready:
            _obey(orders, alive)


def _obey(orders: socket.socket, alive: set[int]) -> None:
    order, descriptors = _order(orders)
    if "kill" in order:
        if order["kill"] in alive:  # not buried yet, so the number is still its own
            os.kill(order["kill"], signal.SIGKILL)
        return
    try:
        work = _work(order["work"])
    except ImportError:
        orders.sendall(b"%010d" % 0)
    else:
        child = os.fork()
        if not child:
            orders.close()
            _child(work, order, descriptors)
        alive.add(child)
        orders.sendall(b"%010d" % child)
    for descriptor in descriptors:
        os.close(descriptor)


def _order(orders: socket.socket) -> tuple[dict[str, Any], Sequence[int]]:
    """The next order and its descriptors. Ends the server where whoever gave them is gone."""
    said, descriptors, _, _ = socket.recv_fds(orders, ORDER, DESCRIPTORS)
    while said and len(said) < ORDER and (rest := orders.recv(ORDER - len(said))):
        said += rest
    if len(said) < ORDER:
        os._exit(0)
    return json.loads(said), descriptors


def _work(name: str) -> Work:
    module, _, function = name.partition(":")
    found: Work = getattr(import_module(module), function)
    return found


def _bury(alive: set[int]) -> None:
    """Lets the dead go."""
    while alive:
        child, _ = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        alive.discard(child)


# --- In the child --------------------------------------------------------------------------------------------------------------------


def _child(work: Work, order: dict[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """Gives up every right, reads the file, and ends without tidying up. Whatever a parser raises ends it in silence: words of a parser may hold
    what was in the file, so nobody hears them."""
    try:
        answers = socket.socket(fileno=descriptors[0])
        source, *others = (os.fdopen(descriptor, "rb", buffering=1024 * 1024) for descriptor in descriptors[1 : 2 + order["files"]])
        sink = os.fdopen(descriptors[-1], "wb", buffering=1024 * 1024) if order["output"] else None
        if not confined(_now_mapped() + order["memory"], order["cpu"], order["output"]):
            os._exit(0)
        with answers.makefile("rb") as asked:
            (length,) = struct.unpack(">Q", asked.read(8))
            request = json.loads(asked.read(length))
        try:
            for head, body in work(source, request, others, sink):
                _say(answers, PART, head, body)
            if sink is not None:
                sink.flush()
            _say(answers, END, {}, b"")
        except Unreadable as unreadable:
            _say(answers, UNREADABLE, {"code": unreadable.code}, b"")
    finally:
        os._exit(0)


def _say(answers: socket.socket, what: bytes, head: dict[str, Any], body: bytes) -> None:
    said = json.dumps(head).encode()
    answers.sendall(FRAME.pack(what, len(said), len(body)) + said)
    if body:
        answers.sendall(body)


def _now_mapped() -> int:
    """Bytes of address space that the parsers themselves take, before any file is read."""
    try:
        with open("/proc/self/statm", "rb") as pages:  # noqa: PTH123  # pathlib would read a file of the kernel no better
            return int(pages.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 1024**3  # a platform without it: room for the largest of them
