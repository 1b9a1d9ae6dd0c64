"""`dsr hold` and `dsr stop`: what protects data, and what stops the engine."""

import sys
from datetime import datetime

import click

from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, by_whom, claims_from, house_of, person_options
from dsr_engine.cli.terminal import print_json, print_line, print_table
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.hold import Hold, HoldState
from dsr_engine.workflow.holds.drawing_up import Wanted, drawn_up
from dsr_engine.workflow.holds.placing import InFlight, ask_lift, confirm_hold, lift_hold, place_hold, refuse_lift
from dsr_engine.workflow.holds.reviewing import attest as attest_holds
from dsr_engine.workflow.holds.reviewing import hold_alarms
from dsr_engine.workflow.house import House
from dsr_engine.workflow.systems.stopping import EVERYWHERE, REASONS, pull_brake, release_brake

_STATES = {
    HoldState.PLACED: "in force, waits for a second person",
    HoldState.CONFIRMED: "in force",
    HoldState.LIFTING: "in force, somebody wants it lifted",
    HoldState.LIFTED: "lifted",
}
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def hold() -> None:
    """Place, confirm, list, lift and review legal holds."""


@hold.command()
@click.option("--reason", required=True, help="Why, in a few words or as a code; no personal data.")
@click.option("--matter", default="", metavar="NAME", help="The dispute or inquiry that it belongs to; never shown in plans or certificates.")
@click.option("--case", "case_id", metavar="CASE", help="Only what this case is about.")
@click.option("--system", metavar="NAME", help="Only in this system.")
@click.option("--collection", metavar="SYSTEM.NAME", help="Only in this collection; `*` is allowed.")
@click.option("--category", metavar="CATEGORY", help="Only data of this category and those below it.")
@click.option("--from", "since", type=_DAY, metavar="DATE", help="Only records from this day on; those without a date that is known are held.")
@click.option("--until", type=_DAY, metavar="DATE", help="Only records up to and with this day.")
@person_options
@click.option("--everything", is_flag=True, help="Protect everything.")
@by_whom
@click.pass_context
def add(
    context: click.Context,
    reason: str,
    matter: str,
    case_id: str | None,
    system: str | None,
    collection: str | None,
    category: str | None,
    since: datetime | None,
    until: datetime | None,
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    names: tuple[str, ...],
    selectors: tuple[str, ...],
    everything: bool,
    by: str,
) -> int:
    """Places a hold, then waits until nothing that it covers is in flight.

    It protects at once; a second person confirms it. Of a person only keyed digests are kept. All parts that are given must be true of a record.
    """
    claims = claims_from(emails, phones, names, selectors) if emails or phones or names or selectors else ()
    first, last = since.date() if since else None, until.date() if until else None
    with house_of(context) as house:
        placed, people = drawn_up(house, Wanted(reason, matter, case_id, system, collection, category, first, last, claims, everything), by)
        in_flight = place_hold(house, placed, people)
    print_line(f"hold {placed.id} is in force")
    _print_in_flight(in_flight)
    if claims:
        print_line("  in sweeps it protects the records that hold one of these identifiers in a field that a connector maps with `selects`")
    print_line(f"  somebody else confirms it: dsr hold confirm {placed.id}")
    return DONE if all(entry.is_over for entry in in_flight) else WAITING


def _print_in_flight(in_flight: tuple[InFlight, ...]) -> None:
    for entry in in_flight:
        how = "was finished before the hold could stop it" if entry.is_over else "is still open; whoever runs the case again finishes or leaves it"
        print_line(f"  case {entry.case}, batch {entry.item} in {entry.system}.{entry.collection} {how}", "yellow")


@hold.command()
@click.argument("hold_id", metavar="HOLD")
@by_whom
@click.pass_context
def confirm(context: click.Context, hold_id: str, by: str) -> int:
    """Confirms a hold that somebody else placed."""
    with house_of(context) as house:
        confirm_hold(house, hold_id, by)
    print_line(f"hold {hold_id} is confirmed")
    return DONE


@hold.command("list")
@click.option("--all", "is_all", is_flag=True, help="Lifted ones, too.")
@click.option("--matter", metavar="NAME", help="Only those of this matter.")
@as_json
@click.pass_context
def list_(context: click.Context, is_all: bool, matter: str | None, is_json: bool) -> int:
    """Lists the holds, and when they were last reviewed."""
    with house_of(context) as house, house.store.snapshot() as tx:
        found = [entry for entry in tx.holds.list(active_only=not is_all) if matter in (None, entry.matter)]
        last, now = tx.holds.last_review(), house.clock.now()
        told = [sentence for _, sentence in hold_alarms(found, last, house)]
    if is_json:
        print_json([_row(entry) for entry in found])
        return DONE
    columns = {"hold": "hold", "state": "state", "protects": "protects", "reason": "reason", "matter": "matter", "placed_at": "placed"}
    print_table([{**_row(entry), "state": _STATES[entry.state], "protects": _scope(entry)} for entry in found], columns, empty="no hold")
    if last is None:
        print_line("\nNobody has reviewed the holds yet; nothing is erased until somebody did: dsr hold attest", "yellow")
    else:
        print_line(f"\nLast reviewed on {last.at.date()}; that {'counts' if last.is_valid(now) else 'counted'} until {last.until.date()}.")
    for sentence in told:
        print_line(sentence, "yellow")
    return DONE


def _scope(entry: Hold) -> str:
    """What it protects, in a few words; of a person only that it is one."""
    person = "one person" if entry.is_of_person else ""
    period = f"{entry.since or '…'} to {entry.until or '…'}" if entry.since or entry.until else ""
    case = f"case {entry.case}" if entry.case else ""
    return ", ".join(part for part in (person, case, entry.system, entry.collection, entry.category, period) if part) or "everything"


def _row(entry: Hold) -> dict[str, str | int | bool | None]:
    def at(moment: datetime | None) -> str | None:
        return moment.isoformat(timespec="seconds") if moment else None

    return {
        "hold": entry.id,
        "state": entry.state.value,
        "reason": entry.reason,
        "matter": entry.matter,
        "case": entry.case,
        "system": entry.system,
        "collection": entry.collection,
        "category": entry.category,
        "person": entry.is_of_person,
        "from": entry.since.isoformat() if entry.since else None,
        "until": entry.until.isoformat() if entry.until else None,
        "placed_by": entry.placed_by,
        "placed_at": at(entry.placed_at),
        "confirmed_by": entry.confirmed_by,
        "confirmed_at": at(entry.confirmed_at),
        "lift_asked_by": entry.lift_asked_by,
        "lift_reason": entry.lift_reason,
        "lifted_at": at(entry.lifted_at),
    }


@hold.command()
@click.argument("hold_id", metavar="HOLD")
@click.option("--reason", help="Why it is needed no longer; no personal data.")
@click.option("--confirm", "is_agreed", is_flag=True, help="Agree to what somebody else asked for: this ends the hold.")
@click.option("--refuse", "is_refused", is_flag=True, help="The hold stays.")
@by_whom
@click.pass_context
def lift(context: click.Context, hold_id: str, reason: str | None, is_agreed: bool, is_refused: bool, by: str) -> int:
    """Asks for a hold to be lifted; somebody else agrees with --confirm. Until then it protects."""
    if (reason is not None) + is_agreed + is_refused != 1:
        raise InputWrong("say one of --reason, --confirm and --refuse", code="hold.lift", hint='one person asks with --reason "…", another agrees')
    with house_of(context) as house:
        if reason is not None:
            ask_lift(house, hold_id, by, reason)
            print_line(f"hold {hold_id} protects until somebody else agrees: dsr hold lift {hold_id} --confirm")
        elif is_refused:
            refuse_lift(house, hold_id, by)
            print_line(f"hold {hold_id} stays in force")
        else:
            cases = lift_hold(house, hold_id, by)
            print_line(f"hold {hold_id} is lifted; what it protected falls under its rules again at the next round or sweep")
            if cases:
                print_line(f"  closed cases kept something back for it: {', '.join(cases)}; open new cases for these people", "yellow")
    return DONE


@hold.command()
@click.option("--looked-at", metavar="TEXT", help="What you looked at: lists, matters, people asked. Stays in the store.")
@by_whom
@click.pass_context
def attest(context: click.Context, looked_at: str | None, by: str) -> int:
    """Says that the legal holds were reviewed. Without it, and 90 days after it, nothing irreversible is done."""
    with house_of(context) as house:
        if looked_at is None:
            looked_at = _asked(house)
        review = attest_holds(house, by, looked_at)
    print_line(f"reviewed, with {review.in_force} hold(s) in force; that counts until {review.until.date()} and stands on certificates with your id")
    return DONE


def _asked(house: House) -> str:
    if not sys.stdin.isatty():
        raise InputWrong(
            "nobody said what was looked at", code="holds.unsaid", hint='say it: --looked-at "the list of disputes of the legal department"'
        )
    with house.store.snapshot() as tx:
        found = tx.holds.list()
    print_line(f"In force are {len(found)} hold(s)" + (":" if found else "."))
    for entry in found:
        print_line(f"  {entry.id}: {_scope(entry)} ({entry.reason})")
    print_line("Does a court, an authority, an auditor or a dispute need data that this engine may erase? If so, stop here and place a hold.")
    return str(click.prompt("What did you look at to be sure (lists, matters, people asked)?"))


@click.command()
@click.argument("system", required=False)
@click.option("--reason", type=click.Choice(REASONS), help="Why, as a code; it stands in the ledger.")
@click.option("--resume", is_flag=True, help="Release the brake.")
@by_whom
@click.pass_context
def stop(context: click.Context, system: str | None, reason: str | None, resume: bool, by: str) -> int:
    """Stops all effects in SYSTEM, or everywhere, before the next batch; a batch that is being made is finished."""
    with house_of(context) as house:
        if resume:
            release_brake(house, system or EVERYWHERE, by)
        else:
            pull_brake(house, system or EVERYWHERE, by, reason or "")
    name = system or "every system"
    print_line(
        f"{name} may go on; run the cases"
        if resume
        else f"no further batch is begun in {name}; `dsr stop{' ' + system if system else ''} --resume` ends that"
    )
    return DONE
