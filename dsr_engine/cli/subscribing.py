"""`dsr webhooks`: which programs are told what happens, what waits for them, and what was given up."""

import click

from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, house_of
from dsr_engine.cli.terminal import Cell, print_json, print_line, print_table
from dsr_engine.store.webhooks import Event, EventState
from dsr_engine.workflow.house import House
from dsr_engine.workflow.subscribing.sending import ping, retry, tell_subscribers


@click.group()
def webhooks() -> None:
    """Programs outside that are told what happens (partners.yaml)."""


@webhooks.command("list")
@as_json
@click.pass_context
def list_(context: click.Context, is_json: bool) -> int:
    """Lists the subscribers, and the events that did not arrive yet. Exit code 3: some were given up."""
    with house_of(context) as house:
        rows, events = _subscribers(house), _open_events(house)
    if is_json:
        print_json({"subscribers": rows, "events": events})
    else:
        columns = {"subscriber": "subscriber", "events": "told of", "waiting": "waiting", "dead": "given up", "sent": "sent"}
        print_table(rows, columns, empty="partners.yaml names no subscriber: nobody is told")
        if events:
            print_line("\nNot arrived")
            columns = {
                "subscriber": "subscriber",
                "kind": "event",
                "state": "state",
                "since": "since",
                "tries": "tries",
                "code": "why",
                "next_try": "next try",
            }
            print_table(events, columns, empty="none")
    return WAITING if any(row["dead"] for row in rows) else DONE


def _subscribers(house: House) -> list[dict[str, Cell]]:
    with house.store.snapshot() as tx:
        counts = tx.webhooks.counts()
    return [
        {"subscriber": name, "events": ", ".join(entry.topics), **{state.value: counts.get((name, state.value), 0) for state in EventState}}
        for name, entry in sorted(house.partners.subscribers.items())
    ]


def _open_events(house: House) -> list[dict[str, Cell]]:
    with house.store.snapshot() as tx:
        return [_row(event) for event in tx.webhooks.list(EventState.WAITING, EventState.DEAD)]


def _row(event: Event) -> dict[str, Cell]:
    return {
        "id": event.id,
        "subscriber": event.subscriber,
        "kind": event.kind,
        "state": event.state.value,
        "since": f"{event.made_at:%Y-%m-%d %H:%M}",
        "tries": event.tries,
        "code": event.code,
        "next_try": f"{event.next_try:%Y-%m-%d %H:%M}" if event.next_try else "",
    }


@webhooks.command("retry")
@click.argument("subscriber")
@click.pass_context
def retry_(context: click.Context, subscriber: str) -> int:
    """Sends again what was given up for SUBSCRIBER, in its order."""
    with house_of(context) as house:
        count = retry(house, subscriber)
        print_line(f"{count} event(s) go out again")
        for line in tell_subscribers(house):
            print_line(line)
    return DONE


@webhooks.command("ping")
@click.argument("subscriber")
@click.pass_context
def ping_(context: click.Context, subscriber: str) -> int:
    """Sends SUBSCRIBER a signed event about nothing (kind `ping`), now, and tells how it was answered."""
    with house_of(context) as house:
        print_line(f"{subscriber} has it ({ping(house, subscriber)})")
    return DONE
