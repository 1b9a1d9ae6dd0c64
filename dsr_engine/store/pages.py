"""Many rows, a page at a time: memory stays small, and nothing stays open in the database when the reader stops early."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, tuple_


def paged(connection: Connection, wanted: Select[Any], *by: Column[Any], size: int = 1000) -> Iterator[Row[Any]]:
    """The rows in the order of the columns `by`, which together are unique among them, not null, and selected."""
    page = wanted.order_by(*by).limit(size)
    rows = connection.execute(page).all()
    while rows:
        yield from rows
        if len(rows) < size:
            return
        last = tuple(rows[-1]._mapping[column] for column in by)
        rows = connection.execute(page.where(tuple_(*by) > last)).all()
