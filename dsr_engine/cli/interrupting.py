"""Ctrl-C that is not lost.

Python raises `KeyboardInterrupt` wherever the program happens to be. Where that is a finalizer, a callback of a library in C, or a `try` of a library
that catches everything, the exception ends there and the program goes on as if nobody had pressed a key. So what was pressed is noted: it is raised
again where Python tells that it was lost, and at the latest when the command is done.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Seconds after which a lost interruption is raised again: whoever lost it has left by then.
_AGAIN = 0.05

_pending = threading.Event()


@contextmanager
def interruptions_kept() -> Iterator[None]:
    """While the block lasts no interruption is lost; one that was is raised at its end. Does nothing beside the main thread."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    tells = sys.unraisablehook

    def lost(told: "sys.UnraisableHookArgs") -> None:
        if isinstance(told.exc_value, KeyboardInterrupt):
            again = threading.Timer(_AGAIN, os.kill, (os.getpid(), signal.SIGINT))
            again.daemon = True
            again.start()
        else:
            tells(told)

    _pending.clear()
    signal.signal(signal.SIGINT, _noted)
    sys.unraisablehook = lost
    try:
        yield
        if _pending.is_set():
            raise KeyboardInterrupt
    finally:
        sys.unraisablehook = tells
        signal.signal(signal.SIGINT, signal.default_int_handler)


def interruption_taken() -> None:
    """Says that an interruption was understood, by a command that ends that way."""
    _pending.clear()


def _noted(_number: int, _frame: FrameType | None) -> None:
    _pending.set()
    raise KeyboardInterrupt
