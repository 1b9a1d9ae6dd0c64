"""The migrations make what the tables say, and an old version leaves a newer store alone."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import InputWrong
from dsr_engine.store import tables
from dsr_engine.store.store import Store


def test_the_migrations_make_exactly_the_tables_of_the_code(empty_url: str, keys: Path, clock: FixedClock) -> None:
    store = Store(empty_url, keys, clock)
    store.migrate()
    store.close()
    engine = create_engine(empty_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_server_default": True}), tables.metadata) == []
    engine.dispose()


def test_migrating_twice_changes_nothing(store: Store) -> None:
    with store.transaction() as tx:
        person = tx.people.id_of("Ann Officer")
    store.migrate()
    with store.transaction() as tx:
        assert tx.people.name_of(person) == "Ann Officer"


def test_a_store_of_a_newer_version_is_refused_and_left_alone(store: Store, url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InputWrong) as refused:
        store.migrate()
    assert refused.value.code == "store.newer"
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
    engine.dispose()


def test_a_store_that_was_not_migrated_says_so(empty_url: str, keys: Path, clock: FixedClock) -> None:
    store = Store(empty_url, keys, clock)
    with pytest.raises(InputWrong) as refused, store.transaction() as tx:
        tx.cases.list()
    assert refused.value.code == "store.schema"
    store.close()


def test_a_migration_that_fails_leaves_no_table_behind(empty_url: str, keys: Path, clock: FixedClock) -> None:
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE checkpoint (size INTEGER)"))  # in the way of the last step but one
    store = Store(empty_url, keys, clock)
    with pytest.raises(Exception, match="store"):
        store.migrate()
    store.close()
    assert inspect(engine).get_table_names() == ["checkpoint"]
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://root@127.0.0.1/x", "sqlite://", "sqlite:///:memory:", "not a url", "postgres!"])
def test_other_databases_are_refused_by_name(url: str, keys: Path, clock: FixedClock) -> None:
    with pytest.raises(InputWrong) as refused:
        Store(url, keys, clock)
    assert refused.value.code == "store.url"


def test_a_wrong_url_is_not_repeated_in_the_error(keys: Path, clock: FixedClock) -> None:
    with pytest.raises(InputWrong) as refused:
        Store("mysql+pymysql://root:hunter2@127.0.0.1/x", keys, clock)
    assert "hunter2" not in str(refused.value)


def test_a_server_that_does_not_answer_is_unreachable_and_its_password_stays_secret(keys: Path, clock: FixedClock) -> None:
    store = Store("postgresql://dsr:hunter2@127.0.0.1:9/dsr", keys, clock)
    with pytest.raises(Exception, match="did not answer") as refused:
        store.migrate()
    assert (refused.value.code, "hunter2" in str(refused.value)) == ("store.unreachable", False)  # type: ignore[attr-defined]  # a DsrError
    store.close()


def test_the_file_of_sqlite_is_for_its_owner_only(tmp_path: Path, keys: Path, clock: FixedClock) -> None:
    store = Store(f"sqlite:///{tmp_path / 'new' / 'dsr.db'}", keys, clock)
    store.migrate()
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    assert modes == {"dsr.db": 0o600, "dsr.db-wal": 0o600, "dsr.db-shm": 0o600}
    store.close()
