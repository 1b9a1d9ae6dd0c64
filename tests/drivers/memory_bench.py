"""The bench of the in-memory driver."""

from collections.abc import Mapping

from dsr_engine.domain.system import Manifest, System
from tests.drivers.memory import Memory, MemoryDriver


class MemoryBench:
    can_rewrite = True

    def __init__(self) -> None:
        self.memory = Memory({"orders": {}, "notes": {}})

    def driver(self) -> MemoryDriver:
        return MemoryDriver(System("fake", Manifest("memory", "memory")), self.memory)

    def _rows(self, name: str) -> dict[str, dict[str, str]]:
        return self.memory.collections["notes" if name.startswith("n") else "orders"]

    def put(self, name: str, email: str) -> None:
        self._rows(name)[name] = {"email": email, "text": f"from {email}, by post"}

    def spoil(self, name: str) -> None:
        self._rows(name)[name]["text"] += " again"

    def dump(self) -> Mapping[str, bytes]:
        return {name: repr(row).encode() for rows in self.memory.collections.values() for name, row in rows.items()}

    def close(self) -> None:
        """There is nothing to give back."""
