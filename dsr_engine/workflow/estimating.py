"""What a first full search of a system will read, how long it will take and what it will cost the system; asked before, not found out meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass

from dsr_engine.domain.system import System, Window
from dsr_engine.drivers.access import Access, Estimate

#: Each connection that streams has one beside it for questions.
_CONNECTIONS = 2
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Forecast:
    """`throughput` is what one connection reads now (bytes a second), `speed` what all of them read under the system's limits.

    `seconds` of searching and `days` over which the window spreads them are None where sizes are unknown; `snapshot` is the longest transaction
    (seconds). `reason` says why nothing could be estimated.
    """

    system: str
    collections: tuple[Estimate, ...] = ()
    throughput: float = 0
    speed: float = 0
    seconds: float | None = None
    days: int = 0
    connections: int = 0
    snapshot: float | None = None
    reason: str = ""

    @property
    def rows(self) -> int:
        return sum(entry.rows or 0 for entry in self.collections)

    @property
    def size(self) -> int:
        return sum(entry.size or 0 for entry in self.collections)

    @property
    def slices(self) -> int:
        return sum(entry.slices for entry in self.collections)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Collections that will be searched and of which the server knows no size."""
        return tuple(entry.collection for entry in self.collections if entry.slices and entry.size is None)


def forecast(system: System, open_access: Callable[[System], Access | None], workers: int) -> Forecast:
    """Asks the system; raises the families of `domain/errors.py`. `workers` is how many slices are searched at the same time."""
    access = open_access(system)
    if access is None:
        return Forecast(system.name, reason=f"the {system.manifest.driver} driver cannot tell before it looks")
    try:
        collections, throughput = tuple(access.estimates()), access.throughput()
    finally:
        access.close()
    slices = sum(entry.slices for entry in collections)
    parallel = max(1, min(workers, slices))
    # One connection keeps about one core of this machine busy, so others are not counted as faster; a limit is one for each connection.
    speed = throughput if system.pace.bytes_per_second is None else min(throughput, system.pace.bytes_per_second * parallel)
    size = sum(entry.size or 0 for entry in collections)
    seconds = size / speed if speed > 0 else None
    if size == 0 and all(entry.size is not None for entry in collections if entry.slices):
        seconds = 0.0
    return Forecast(
        system.name,
        collections,
        throughput,
        speed,
        seconds,
        0 if seconds is None else _days(seconds, system.pace.window),
        parallel * _CONNECTIONS if slices else 0,
        _snapshot(collections, min(throughput, system.pace.bytes_per_second or throughput), system.pace.longest_snapshot),
    )


def _days(seconds: float, window: Window | None) -> int:
    """How many times the window opens until all is searched."""
    if window is None:
        return 0
    minutes = (window.end - window.start) % _DAY or _DAY
    return max(1, -int(-seconds // (minutes * 60)))


def _snapshot(collections: tuple[Estimate, ...], speed: float, limit: float | None) -> float | None:
    """The time of the largest slice, or what it is cut down to."""
    largest = max((entry.size / entry.slices for entry in collections if entry.size and entry.slices), default=None)
    if largest is None or speed <= 0:
        return limit
    return largest / speed if limit is None else min(limit, largest / speed)
