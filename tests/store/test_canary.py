"""The store keeps no readable copy of what it is given, and none at all once it was shredded and scrubbed."""

import base64
import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, select

from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.suppression import Basis, Suppressed
from dsr_engine.store import tables
from dsr_engine.store.store import Store
from tests.servers.lifecycle import program
from tests.store.samples import CANARY, finding, plan, selectors


def _forms(value: str) -> set[bytes]:
    """The value as it stands, encoded, and as digests that anybody could compute."""
    raw = value.encode()
    digests = [hashlib.new(name, raw).digest() for name in ("md5", "sha1", "sha256")]
    hexes = {digest.hex().encode() for digest in [raw, *digests]}
    encoded = {base64.b64encode(digest).rstrip(b"=") for digest in [raw, *digests]}
    return {raw, raw.upper(), raw[::-1], value.encode("utf-16-le"), *digests, *hexes, *encoded}


@pytest.fixture
def written(url: str) -> Callable[[], bytes]:
    """All bytes that the database holds: the files of SQLite, or a dump of PostgreSQL."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        database = Path(str(parsed.database))
        return lambda: b"".join(path.read_bytes() for path in sorted(database.parent.glob(f"{database.name}*")))
    dump = program("pg_dump", install="apt-get install postgresql-client", extra=("/usr/lib/postgresql/*/bin/pg_dump",))
    plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    return lambda: subprocess.run([dump, "--inserts", plain], check=True, capture_output=True).stdout


def _fill(store: Store, case: str) -> None:
    with store.transaction() as tx:
        for selector in selectors():
            tx.selectors.add(case, selector)
        tx.findings.put_slice(case, 1, "discover", "s", [finding(number) for number in range(50)])
        tx.plans.add(plan(items=3, records=50))
        digest, until = tx.suppression.digest("email", CANARY), finding().created or tx.clock.now()
        tx.suppression.add([Suppressed(tx.suppression.keys.newest(), "email", digest, Basis.STAY_ERASED, case, until, until)])
    with store.transaction() as tx:
        tx.findings.put_slice(case, 1, "discover", "s", [finding(number) for number in range(5)])
        tx.plans.add(plan(plan_id="plan-2"))


def test_nothing_that_was_stored_can_be_read_or_recomputed(store: Store, case: str, written: Callable[[], bytes]) -> None:
    _fill(store, case)
    seen = written()
    assert len(seen) > 20_000
    assert b"subject-of-case-1" in seen  # the search does see what is stored in the clear
    assert [form for form in _forms(CANARY) if form in seen] == []


def test_the_wrapped_key_and_the_sealed_rows_are_gone_after_scrubbing(store: Store, case: str, url: str, written: Callable[[], bytes]) -> None:
    _fill(store, case)
    engine = create_engine(url)
    with engine.connect() as connection:
        wrapped = connection.scalars(select(tables.case_keys.c.wrapped)).one()
        blobs = [bytes(blob) for table in (tables.selectors, tables.findings, tables.plans) for blob in connection.scalars(select(table.c.sealed))]
    engine.dispose()

    def remains() -> list[bytes]:
        seen = written()
        return [blob for blob in (wrapped, *blobs) if blob[:48] in seen or blob[:48].hex().encode() in seen]

    assert len(remains()) == 1 + len(blobs)
    with store.transaction() as tx:
        store.vault.shred(tx, case)
    store.scrub()
    assert remains() == []


def test_a_scrub_that_a_reader_keeps_from_emptying_the_log_says_so(store: Store, case: str, url: str, keys: Path) -> None:
    if url.startswith("postgresql"):
        with store.snapshot() as tx:
            tx.cases.list()
            store.scrub()
        return
    with store.snapshot() as tx:
        tx.cases.list()
        with store.transaction() as other:
            other.people.id_of("Ann")
        with pytest.raises(Conflict) as refused:
            store.scrub()
    assert refused.value.code == "store.busy"
    store.scrub()
    assert Path(f"{make_url(url).database}-wal").stat().st_size == 0
