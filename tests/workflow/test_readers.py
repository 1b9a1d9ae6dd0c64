"""Connections of a pass are used again while they are sound, never by two slices at a time, and none is left open."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from dsr_engine.domain.errors import Unreachable
from dsr_engine.drivers.driver import Driver
from dsr_engine.workflow.readers import Readers


@dataclass
class Line:
    """As much of a driver as matters here."""

    is_open: bool = True

    def close(self) -> None:
        self.is_open = False


@dataclass
class Exchange:
    lines: list[Line] = field(default_factory=list)
    is_admitting: bool = True

    def open(self) -> Driver:
        self.lines.append(Line())
        return cast("Driver", self.lines[-1])

    def admit(self) -> None:
        if not self.is_admitting:
            raise Unreachable("the window is closed", code="window.closed")

    def readers(self) -> Readers:
        return Readers(self.open, self.admit)


def test_the_next_slice_takes_over_the_connection() -> None:
    exchange = Exchange()
    with exchange.readers() as readers:
        for _ in range(5):
            with readers.lent():
                pass
        assert len(exchange.lines) == 1
        with readers.lent() as one, readers.lent() as other:
            assert one is not other
    assert [line.is_open for line in exchange.lines] == [False, False]


def test_a_connection_on_which_something_went_wrong_is_not_used_again() -> None:
    exchange = Exchange()
    with exchange.readers() as readers:
        with pytest.raises(Unreachable), readers.lent():
            raise Unreachable("gone", code="sql.unreachable")
        assert not exchange.lines[0].is_open
        with readers.lent():
            assert exchange.lines[1].is_open


def test_no_slice_begins_where_none_is_admitted() -> None:
    exchange = Exchange()
    with exchange.readers() as readers:
        with readers.lent():
            pass
        exchange.is_admitting = False
        with pytest.raises(Unreachable), readers.lent():
            pass


def test_a_slice_that_outlives_its_pass_closes_its_connection() -> None:
    exchange = Exchange()
    readers = exchange.readers()
    with readers.lent():
        readers.__exit__(None, None, None)
        assert exchange.lines[0].is_open
    assert not exchange.lines[0].is_open
