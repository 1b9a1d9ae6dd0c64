"""How much of the slow and of the random a run takes: a plain run little, a run of all tests more, a run of all kill points everything.

A plain run pays a quarter of a second for a test on the average: of those that take a second it draws each fourth, others every time. How long they
take stands in `durations.tsv` (seconds and name, a mean over the parameters), which a run with DSR_NOTE_DURATIONS=1 writes anew for the files that
it takes.
"""

import hashlib
import math
import os
from collections import defaultdict
from pathlib import Path

#: Every border of every journey is killed at: about three times as long as a run of all tests.
EVERY_KILL_POINT = os.environ.get("DSR_ALL_KILL_POINTS") == "1"
#: All slow tests are run, with all examples, and a journey is killed at one border of each passage.
ALL_TESTS = EVERY_KILL_POINT or os.environ.get("DSR_ALL_TESTS") == "1"
#: The durations of this run are written down.
IS_NOTING = os.environ.get("DSR_NOTE_DURATIONS") == "1"

_DURATIONS = Path(__file__).with_name("durations.tsv")
#: Seconds that a plain run pays for a test; shorter ones than the least that is noted are all run.
_PAID, _LEAST_NOTED = 0.25, 0.4
#: Of the slowest tests, and of those that are marked as slow, each of so many.
_MOST = 20


def durations() -> dict[str, float]:
    """Seconds that a test takes, by its name without parameters."""
    lines = (line.split("\t") for line in _DURATIONS.read_text(encoding="utf-8").splitlines())
    return {name: float(seconds) for seconds, name in lines}


def is_drawn(name: str, *, is_slow: bool, known: dict[str, float], run: str) -> bool:
    """True if a plain run takes the test of this name. The same in all processes of a run."""
    one_of = _MOST if is_slow else min(_MOST, math.ceil(known.get(_plain(name), 0.0) / _PAID))
    return one_of < 2 or int.from_bytes(hashlib.sha256(f"{run} {name}".encode()).digest()[:4], "big") % one_of == 0


class Notes:
    """Adds up what a run takes for each test."""

    def __init__(self) -> None:
        self._seconds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def add(self, name: str, seconds: float) -> None:
        self._seconds[_plain(name)][name] += seconds

    def write(self) -> None:
        files = {name.partition("::")[0] for name in self._seconds}
        means = {name: seconds for name, seconds in durations().items() if name.partition("::")[0] not in files}
        means |= {name: sum(cases.values()) / len(cases) for name, cases in self._seconds.items()}
        _DURATIONS.write_text("".join(f"{means[name]:.1f}\t{name}\n" for name in sorted(means) if means[name] >= _LEAST_NOTED), encoding="utf-8")


def _plain(name: str) -> str:
    return name.partition("[")[0]
