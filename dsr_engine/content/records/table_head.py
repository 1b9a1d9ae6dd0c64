"""What the columns of a table are called, wherever the table stands: in a text file or on a sheet."""

from collections.abc import Iterable
from dataclasses import dataclass

from dsr_engine.content.format import Reading
from dsr_engine.content.places import is_plain
from dsr_engine.domain.system import FieldMap


@dataclass(frozen=True, slots=True)
class Head:
    """The names in the header and the number of its row (from 1; 0: there is none). Rows before it have no names."""

    names: tuple[str, ...] = ()
    row: int = 0

    def place(self, column: int, row: int, reading: Reading) -> str:
        """How a column (from 0) is called in the places of a row: by its name where that is told apart and says nothing of a person."""
        if row > self.row and column < len(self.names):
            name = self.names[column]
            if self.names.count(name) == 1 and is_plain(name, reading):
                return name
        return str(column + 1)

    def column(self, place: str) -> int:
        """The column that a place names, by name or number; -1 for none."""
        if place.isdecimal():
            return int(place) - 1
        return self.names.index(place) if self.names.count(place) == 1 else -1

    def called(self, column: int) -> str:
        """What a manifest calls the column."""
        return self.names[column] if column < len(self.names) and self.names[column] else str(column + 1)

    def field(self, column: int, row: int, reading: Reading) -> FieldMap | None:
        """What the manifest says of a cell's column."""
        return reading.map.field_named(self.called(column)) if reading.map is not None and row > self.row else None


def known_names(reading: Reading) -> frozenset[str]:
    """The names of fields that the manifest has."""
    return frozenset(entry.name for entry in _fields(reading))


def _fields(reading: Reading) -> Iterable[FieldMap]:
    return reading.map.fields if reading.map else ()
