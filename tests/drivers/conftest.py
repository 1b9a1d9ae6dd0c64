"""Fixtures that several files of driver tests share."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from tests.drivers.mailstore_boxes import Box
from tests.drivers.sql_database import SERVERS, SqlDatabase


@pytest.fixture(params=SERVERS)
def sql_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlDatabase]:
    """An empty database on each kind of server in turn."""
    if request.param == "sqlite":
        path = tmp_path / "shop.db"
        sqlite3.connect(path).close()
        url = connector = f"sqlite:///{path}"
    else:
        server = request.getfixturevalue(f"{request.param}_server")
        url = server.url(request.getfixturevalue(f"{request.param}_database"))
        connector = url.replace("postgresql://", "postgresql+psycopg://").replace("mysql://", "mysql+pymysql://")
    database = SqlDatabase(request.param, url, sa.create_engine(connector, poolclass=sa.pool.NullPool))
    yield database
    database.close()


@pytest.fixture
def driver(box: Box) -> Iterator[MailstoreDriver]:
    """A connection to the mail store that the test made."""
    made = MailstoreDriver(box.system())
    yield made
    made.close()
