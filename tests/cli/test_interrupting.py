"""Ctrl-C wherever the program happens to be: in a finalizer, in a library that catches everything, in the middle of its work."""

import subprocess
import sys
from textwrap import indent

import pytest

_WORK = {
    "in the middle": "press(); wait()",
    "in a finalizer": "class Dying:\n    def __del__(self):\n        press()\nDying(); wait()",
    "in a callback": "import weakref\nclass Thing: pass\nthing = Thing(); seen = weakref.ref(thing, lambda _: press()); del thing; wait()",
    "where everything is caught": "try:\n    press(); wait()\nexcept:\n    pass",
}
_PROGRAM = """
import os, signal, sys, time
from dsr_engine.cli.interrupting import interruptions_kept
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background of a shell hand down that it is ignored
def press(): os.kill(os.getpid(), signal.SIGINT)
def wait():
    until = time.monotonic() + 20
    while time.monotonic() < until:
        time.sleep(0.01)
try:
    with interruptions_kept():
{work}
except KeyboardInterrupt:
    print("interrupted", signal.getsignal(signal.SIGINT) is signal.default_int_handler)
else:
    print("done")
"""


def _said(work: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", _PROGRAM.format(work=indent(work, " " * 8))], capture_output=True, check=True, text=True)


@pytest.mark.parametrize("where", _WORK)
def test_an_interruption_is_never_lost(where: str) -> None:
    said = _said(_WORK[where])
    assert said.stdout.strip() == "interrupted True"
    assert "Traceback" not in said.stderr


def test_a_command_that_ends_by_it_says_so_and_is_done() -> None:
    ends = "try:\n    press(); wait()\nexcept KeyboardInterrupt:\n    interruption_taken()"
    assert _said(f"from dsr_engine.cli.interrupting import interruption_taken\n{ends}").stdout.strip() == "done"


def test_what_a_finalizer_raises_otherwise_is_told_as_ever() -> None:
    said = _said("class Dying:\n    def __del__(self):\n        raise ValueError('gone')\nDying()")
    assert said.stdout.strip() == "done"
    assert "ValueError: gone" in said.stderr
