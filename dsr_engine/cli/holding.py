"""`dsr hold` and `dsr stop`: what protects data, and what stops the engine."""

import secrets
from fnmatch import fnmatchcase

import click

from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, by_whom, house_of
from dsr_engine.cli.terminal import print_json, print_line, print_table
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.hold import Hold
from dsr_engine.spec.categories import categories
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.placing import lift_hold, place_hold


@click.group()
def hold() -> None:
    """Place, list and lift legal holds."""


@hold.command()
@click.option("--reason", required=True, help="A matter's number or a code; no personal data.")
@click.option("--case", "case_id", metavar="CASE", help="Only what this case is about.")
@click.option("--system", metavar="NAME", help="Only in this system.")
@click.option("--collection", metavar="SYSTEM.NAME", help="Only in this collection; `*` is allowed.")
@click.option("--category", metavar="CATEGORY", help="Only data of this category and those below it.")
@click.option("--everything", is_flag=True, help="Protect everything.")
@by_whom
@click.pass_context
def add(
    context: click.Context,
    reason: str,
    case_id: str | None,
    system: str | None,
    collection: str | None,
    category: str | None,
    everything: bool,
    by: str,
) -> int:
    """Places a hold, then waits until nothing that it covers is in flight."""
    if not (case_id or system or collection or category or everything):
        raise InputWrong("the hold would protect everything", code="hold.everything", hint="narrow it, or say --everything")
    with house_of(context) as house:
        _refuse_unknown(house, case_id, system, collection, category)
        with house.store.transaction() as tx:
            person = tx.people.id_of(by)
        placed = Hold(secrets.token_hex(6), reason, person, house.clock.now(), case_id, system, collection, category)
        in_flight = place_hold(house, placed)
    print_line(f"hold {placed.id} is in force")
    if in_flight:
        print_line(f"  {len(in_flight)} batch(es) that it covers were in flight when it was placed: {', '.join(in_flight)}", "yellow")
    return WAITING if in_flight else DONE


def _refuse_unknown(house: House, case_id: str | None, system: str | None, collection: str | None, category: str | None) -> None:
    """A hold on a name that nothing has protects nothing; a slip of the pen must not look like protection."""
    with house.store.snapshot() as tx:
        if case_id is not None:
            tx.cases.get(case_id)
        known = {*house.systems, *(name for case in tx.cases.list() for name in case.systems)}
    named = system or (collection.partition(".")[0] if collection else None)
    if collection is not None and "." not in collection:
        raise InputWrong("--collection takes SYSTEM.NAME", code="hold.collection", hint="for instance --collection shop.orders, or shop.*")
    if named is not None and not any(fnmatchcase(name, named) for name in known):
        raise InputWrong(f"no such system: {named}", code="system.unknown", hint=f"known are {', '.join(sorted(known)) or 'none'}")
    if category is not None and category not in categories():
        raise InputWrong(f"no such category: {category}", code="category.unknown", hint="`dsr catalog` lists them")


@hold.command("list")
@click.option("--all", "is_all", is_flag=True, help="Lifted ones, too.")
@as_json
@click.pass_context
def list_(context: click.Context, is_all: bool, is_json: bool) -> int:
    """Lists the holds."""
    with house_of(context) as house, house.store.snapshot() as tx:
        rows = [_row(entry) for entry in tx.holds.list(active_only=not is_all)]
    if is_json:
        print_json(rows)
    else:
        columns = {"hold": "hold", "reason": "reason", "case": "case", "system": "system", "collection": "collection", "category": "category"}
        print_table(rows, columns | {"placed_at": "placed", "lifted_at": "lifted"}, empty="no hold")
    return DONE


def _row(entry: Hold) -> dict[str, str | int | bool | None]:
    return {
        "hold": entry.id,
        "reason": entry.reason,
        "case": entry.case,
        "system": entry.system,
        "collection": entry.collection,
        "category": entry.category,
        "placed_by": entry.placed_by,
        "placed_at": entry.placed_at.isoformat(timespec="seconds"),
        "lifted_at": entry.lifted_at.isoformat(timespec="seconds") if entry.lifted_at else None,
    }


@hold.command()
@click.argument("hold_id", metavar="HOLD")
@by_whom
@click.pass_context
def lift(context: click.Context, hold_id: str, by: str) -> int:
    """Lifts a hold."""
    with house_of(context) as house:
        lift_hold(house, hold_id, by)
    print_line(f"hold {hold_id} is lifted")
    return DONE


@click.command()
@click.argument("system", required=False)
@click.option("--resume", is_flag=True, help="Release the brake.")
@by_whom
@click.pass_context
def stop(context: click.Context, system: str | None, resume: bool, by: str) -> int:
    """Stops all effects in SYSTEM, or everywhere, before the next batch; a batch that is being made is finished."""
    where = system or "*"
    with house_of(context) as house:
        if system is not None:
            house.system_named(system)
        with house.store.transaction() as tx:
            person = tx.people.id_of(by)
            if resume:
                tx.stops.resume(where)
            else:
                tx.stops.stop(where, person, house.clock.now())
            kind = "stop.released" if resume else "stop.pulled"
            tx.ledger.append(leaf(house.clock, kind, f"{kind}:{secrets.token_hex(8)}", system=where, by=person))
    name = system or "every system"
    print_line(
        f"{name} may go on; run the cases"
        if resume
        else f"no further batch is begun in {name}; `dsr stop{' ' + system if system else ''} --resume` ends that"
    )
    return DONE
