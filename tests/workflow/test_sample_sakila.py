"""Erasures in a DVD rental on MariaDB, with the exact rows that are left. Every row that is not named here must be as it was."""

from pathlib import Path
from typing import Any

import pytest

from tests.samples import sakila
from tests.samples.carrying import assert_closed, assert_forgotten, carry, company_of
from tests.samples.picture import ANYTHING, Database, Outcome, assert_pictures
from tests.servers.mariadb import MariadbServer


@pytest.fixture
def rental_shop(mariadb_server: MariadbServer, mariadb_database: str) -> Database:
    database = Database("mariadb", mariadb_server.url(mariadb_database))
    sakila.build(database)
    return database


def _his(mailing: dict[object, object]) -> list[object]:
    return [key for key in mailing if isinstance(key, tuple) and key[2] == sakila.JOSE]


def test_only_the_one_whose_letters_agree_goes_where_the_collation_sees_no_difference(
    empty_home: Path, tmp_path: Path, rental_shop: Database
) -> None:
    company = company_of(empty_home, tmp_path / "company", "sakila", rental_shop, sakila.CONNECTOR)
    carried = carry(company, rental_shop, ("email", sakila.JOSE), accept_gaps=True)
    assert_closed(carried)
    mine = sakila.rentals_of(5)
    gone: dict[str, list[Any]] = {"customer": [5], "address": [5], "rental": mine, "payment": mine, "mailing": _his(dict(carried.before["mailing"]))}
    assert_pictures(carried.after, Outcome(gone).of(carried.before))
    assert_forgotten(company, sakila.TRACES)


def test_a_copy_that_a_trigger_makes_is_erased_with_its_original(empty_home: Path, tmp_path: Path, rental_shop: Database) -> None:
    rental_shop.run(f"UPDATE film SET description = 'Played by {sakila.JOSE}, and by x{sakila.JOSE}' WHERE film_id = 2")
    company = company_of(empty_home, tmp_path / "company", "sakila", rental_shop, sakila.CONNECTOR)
    carried = carry(company, rental_shop, ("email", sakila.JOSE), accept_gaps=True)
    assert_closed(carried)
    mine = sakila.rentals_of(5)
    text = f"Played by [redacted], and by x{sakila.JOSE}"
    gone: dict[str, list[Any]] = {"customer": [5], "address": [5], "rental": mine, "payment": mine, "mailing": _his(dict(carried.before["mailing"]))}
    became = {"film": {2: {"description": text, "last_update": ANYTHING}}, "film_text": {2: {"description": text}}}
    assert_pictures(carried.after, Outcome(gone, became).of(carried.before))
