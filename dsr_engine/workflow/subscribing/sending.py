"""Sends events to subscribers, in order, each until it arrived or three days are over."""

import json
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta

from dsr_engine.delivery.event_hook import post_event
from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.partner import Subscriber
from dsr_engine.store.webhooks import Event, EventState
from dsr_engine.workflow.house import House
from dsr_engine.workflow.subscribing.following import write_down

#: How long after each failed try the next one comes; the last pause is repeated.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360))
GIVEN_UP_AFTER = timedelta(days=3)
#: So long an event that is being sent is nobody else's.
_CLAIMED = timedelta(minutes=2)
#: Events to one subscriber in one round, so that no chore lasts for ever.
_AT_ONCE = 200
_SENT_KEPT = timedelta(days=400)


def tell_subscribers(house: House) -> Iterator[str]:
    """Tells the programs that `partners.yaml` names what happened. One that does not answer keeps no other waiting."""
    subscribers = house.partners.subscribers
    with house.store.snapshot() as tx:
        is_idle = not subscribers and not tx.webhooks.counts()
    if is_idle:
        return
    with house.store.transaction() as tx:
        tx.webhooks.keep_only(subscribers)
        tx.webhooks.end_old(house.clock.now() - _SENT_KEPT)
    for subscriber in subscribers.values():
        write_down(house, subscriber)
        yield from _sent(house, subscriber)


def _sent(house: House, subscriber: Subscriber) -> Iterator[str]:
    count = 0
    for _ in range(_AT_ONCE):
        now = house.clock.now()
        with house.store.transaction() as tx:
            event = tx.webhooks.head(subscriber.name)
            is_mine = event is not None and (event.next_try or now) <= now and tx.webhooks.claim(event, now + _CLAIMED)
        if event is None or not is_mine:
            break
        failed = _try(house, subscriber, event)
        if failed:
            yield failed
            break
        count += 1
    if count:
        yield f"subscriber {subscriber.name}: told of {count} event(s)"


def _try(house: House, subscriber: Subscriber, event: Event) -> str:
    """Sends one event; gives a line if it did not arrive."""
    now = house.clock.now()
    try:
        code = post_event(subscriber, event.id, event.body, now)
    except DsrError as error:
        return _failed(house, subscriber, event, error, now)
    with house.store.transaction() as tx:
        tx.webhooks.settle(event.id, EventState.SENT, code, now)
    return ""


def _failed(house: House, subscriber: Subscriber, event: Event, error: DsrError, now: datetime) -> str:
    is_over = now >= event.made_at + GIVEN_UP_AFTER
    state = EventState.DEAD if is_over else EventState.WAITING
    following = None if is_over else now + PAUSES[min(event.tries, len(PAUSES) - 1)]
    with house.store.transaction() as tx:
        tx.webhooks.settle(event.id, state, error.code, now, following)
    how = f"given up; `dsr webhooks retry {subscriber.name}` sends it again" if is_over else f"tried again at {following:%Y-%m-%d %H:%M} UTC"
    return f"subscriber {subscriber.name}: {error.message}; {how}"


def ping(house: House, name: str) -> str:
    """Sends a subscriber an event of kind `ping`, which is about nothing; gives the code of the answer.

    Raises `InputWrong` (`subscriber.unknown`), and as `post_event` does.
    """
    subscriber, id_ = _named(house, name), secrets.token_hex(16)
    now = house.clock.now()
    body = json.dumps({"version": "1", "id": id_, "kind": "ping", "at": now.isoformat(timespec="seconds")})
    return post_event(subscriber, id_, body, now)


def retry(house: House, name: str) -> int:
    """Lets everything that was given up for a subscriber go out again; gives how many. Raises `InputWrong` (`subscriber.unknown`)."""
    _named(house, name)
    with house.store.transaction() as tx:
        return tx.webhooks.revive(name, house.clock.now())


def _named(house: House, name: str) -> Subscriber:
    found = house.partners.subscribers.get(name)
    if found is None:
        raise InputWrong("there is no such subscriber", code="subscriber.unknown", hint="partners.yaml names them")
    return found
