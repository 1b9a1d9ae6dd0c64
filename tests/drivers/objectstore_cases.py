"""What the tests of buckets and folders say again and again."""

from collections.abc import Sequence

from dsr_engine.domain.plan import Delete, DropPart, Edit, Effect, RedactSpans, Rewrite
from dsr_engine.domain.record import Record
from dsr_engine.drivers.driver import Change, Driver, Outcome
from tests.drivers.conformance import REWRITER, records, state_at


def change_of(driver: Driver, record: Record, effect: Effect) -> Change:
    """The effect on a record as it is now."""
    return Change(record.locator, effect, (), state_at(driver, record.locator), record.server)


def rewriting(record: Record) -> Rewrite:
    """Redacts every place of the record that holds the person."""
    return Rewrite(tuple(Edit(unit.place, RedactSpans()) for unit in record.units if not unit.is_opaque))


def dropping(record: Record) -> Rewrite:
    """Drops every part of the record that holds the person."""
    return Rewrite(tuple(Edit(inside, DropPart()) for inside in dict.fromkeys(unit.inside for unit in record.units if unit.inside)))


def changed(driver: Driver, *changes: Change) -> Sequence[Outcome]:
    return driver.change(changes, REWRITER)


def by_version(driver: Driver) -> dict[str, Record]:
    return {record.locator.key[1]: record for record in records(driver)}


DELETE = Delete()
