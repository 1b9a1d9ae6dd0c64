"""Subscribers are told of everything once and in order, whoever is killed when, and of nobody."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from dsr_engine.delivery.event_hook import post_event
from dsr_engine.delivery.signing import verify_signature
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.partner import Partners, Subscriber, Topic
from dsr_engine.domain.selector import Secret
from dsr_engine.store.webhooks import EventState
from dsr_engine.workflow.house import House
from dsr_engine.workflow.subscribing.following import write_down
from dsr_engine.workflow.subscribing.sending import GIVEN_UP_AFTER, retry, tell_subscribers
from tests.servers.recipient_server import RecipientServer, Reply
from tests.workflow.company import EMAIL, Company
from tests.workflow.journeys import NOON, carried_through, opened_for, working

_SECRET = "0123456789abcdef0123456789abcdef"
_ALL = tuple(Topic)


def _subscriber(server: RecipientServer, *topics: Topic, name: str = "tickets") -> Subscriber:
    return Subscriber(name, Secret(f"{server.url}/hooks"), Secret(_SECRET), topics or _ALL, str(server.ca_file), is_internal=True)


@contextmanager
def _told(shop: Company, server: RecipientServer, *topics: Topic) -> Iterator[tuple[House, FixedClock]]:
    clock = FixedClock(NOON)
    with working(shop, clock) as house:
        subscriber = _subscriber(server, *topics)
        yield replace(house, partners=Partners({subscriber.name: subscriber})), clock


def _bodies(server: RecipientServer) -> list[dict[str, object]]:
    return [json.loads(asked.body) for asked in server.asked]


def test_a_case_is_told_from_its_opening_to_its_certificate_in_order_and_without_the_person(shop: Company, recipient_server: RecipientServer) -> None:
    with _told(shop, recipient_server) as (house, _):
        list(tell_subscribers(house))  # from here on
        case = carried_through(house, opened_for(house))
        list(tell_subscribers(house))
    told = _bodies(recipient_server)
    assert told[0]["kind"] == "case.opened"
    assert {"case.stage", "plan.made", "plan.approved", "certificate.issued", "certificate.published"} <= {body["kind"] for body in told}
    leaves = [int(str(body["leaf"])) for body in told if "leaf" in body]
    assert leaves == sorted(leaves)
    assert {body["case"] for body in told if "case" in body} == {case.id}
    assert EMAIL not in json.dumps(told)
    assert "person-" not in json.dumps(told)


def test_what_arrives_verifies_with_the_shared_secret_for_five_minutes(shop: Company, recipient_server: RecipientServer) -> None:
    with _told(shop, recipient_server) as (house, clock):
        list(tell_subscribers(house))
        opened_for(house)
        list(tell_subscribers(house))
        now = int(clock.now().timestamp())
    asked = recipient_server.asked[0]
    stamp, mark = asked.headers["x-dsr-timestamp"], asked.headers["x-dsr-signature"]
    assert asked.headers["x-dsr-event-id"] == json.loads(asked.body)["id"]
    assert verify_signature(_SECRET.encode(), stamp, asked.body, mark, now + 299)
    assert not verify_signature(_SECRET.encode(), stamp, asked.body, mark, now + 301)
    assert not verify_signature(_SECRET.encode(), stamp, asked.body + b" ", mark, now)
    assert not verify_signature(b"another", stamp, asked.body, mark, now)
    assert not verify_signature(_SECRET.encode(), "²", asked.body, mark, now)


def test_a_new_subscriber_is_not_told_of_what_was_before(shop: Company, recipient_server: RecipientServer) -> None:
    with _told(shop, recipient_server, Topic.CASE) as (house, _):
        opened_for(house)
        list(tell_subscribers(house))
    assert recipient_server.asked == []


def test_only_the_topics_that_were_asked_for_are_told(shop: Company, recipient_server: RecipientServer) -> None:
    with _told(shop, recipient_server, Topic.CERTIFICATE) as (house, _):
        list(tell_subscribers(house))
        carried_through(house, opened_for(house))
        list(tell_subscribers(house))
    assert {str(body["kind"]).partition(".")[0] for body in _bodies(recipient_server)} == {"certificate"}


def test_one_that_does_not_answer_is_tried_again_in_order_until_it_does(shop: Company, recipient_server: RecipientServer) -> None:
    recipient_server.answering = lambda _: Reply(503)
    with _told(shop, recipient_server, Topic.CASE) as (house, clock):
        list(tell_subscribers(house))
        opened_for(house)
        opened_for(house, ("email", "other@example.org"))
        assert any("tried again" in line for line in tell_subscribers(house))
        assert len(recipient_server.asked) == 1  # what comes later waits for what came first
        list(tell_subscribers(house))
        assert len(recipient_server.asked) == 1  # not before its time
        recipient_server.answering = lambda _: Reply(204)
        clock.at += timedelta(minutes=1)
        list(tell_subscribers(house))
    ids = [body["id"] for body in _bodies(recipient_server)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 2


def test_after_three_days_an_event_is_given_up_until_somebody_sends_it_again(shop: Company, recipient_server: RecipientServer) -> None:
    recipient_server.answering = lambda _: Reply(500)
    with _told(shop, recipient_server, Topic.CASE) as (house, clock):
        list(tell_subscribers(house))
        opened_for(house)
        list(tell_subscribers(house))
        clock.at += GIVEN_UP_AFTER
        assert any("given up" in line for line in tell_subscribers(house))
        with house.store.snapshot() as tx:
            (dead,) = tx.webhooks.list(EventState.DEAD)
        assert dead.code == "web.busy"
        recipient_server.answering = lambda _: Reply(200)
        assert retry(house, "tickets") == 1
        list(tell_subscribers(house))
        with house.store.snapshot() as tx:
            assert tx.webhooks.counts() == {("tickets", "sent"): 1}
        with pytest.raises(InputWrong):
            retry(house, "nobody")


def test_killed_after_sending_the_event_goes_out_again_under_the_same_id(shop: Company, recipient_server: RecipientServer) -> None:
    with _told(shop, recipient_server, Topic.CASE) as (house, clock):
        list(tell_subscribers(house))
        opened_for(house)
        subscriber = house.partners.subscribers["tickets"]
        write_down(house, subscriber)
        with house.store.transaction() as tx:
            event = tx.webhooks.head("tickets")
            assert event is not None
            assert tx.webhooks.claim(event, clock.now() + timedelta(minutes=2))
        post_event(subscriber, event.id, event.body, clock.now())  # and then the process was killed
        list(tell_subscribers(house))
        assert len(recipient_server.asked) == 1  # it may still be at it
        clock.at += timedelta(minutes=2)
        list(tell_subscribers(house))
    first, second = _bodies(recipient_server)
    assert first == second


def test_written_down_twice_an_event_stands_there_once(shop: Company, recipient_server: RecipientServer) -> None:
    with _told(shop, recipient_server, Topic.CASE) as (house, _):
        subscriber = house.partners.subscribers["tickets"]
        write_down(house, subscriber)
        opened_for(house)
        assert write_down(house, subscriber) == 1
        with house.store.transaction() as tx:
            tx.webhooks.move("tickets", 0, None)  # as if the cursor had been restored from a backup
        assert write_down(house, subscriber) == 0
        with house.store.snapshot() as tx:
            causes = [event.id for event in tx.webhooks.list()]
    assert len(causes) == len(set(causes))


def test_a_limit_is_told_when_it_is_near_and_when_it_is_over_each_once(shop: Company, recipient_server: RecipientServer) -> None:
    with _told(shop, recipient_server, Topic.DEADLINE) as (house, clock):
        case = opened_for(house)
        list(tell_subscribers(house))
        for days in (25, 1, 10, 1):
            clock.at += timedelta(days=days)
            list(tell_subscribers(house))
    answers = [body for body in _bodies(recipient_server) if body["limit"] == "answer"]
    assert [body["kind"] for body in answers] == ["deadline.soon", "deadline.overdue"]
    assert {body["case"] for body in answers} == {case.id}


def test_who_is_a_subscriber_no_longer_is_forgotten(shop: Company, recipient_server: RecipientServer) -> None:
    recipient_server.answering = lambda _: Reply(500)
    with _told(shop, recipient_server, Topic.CASE) as (house, _):
        list(tell_subscribers(house))
        opened_for(house)
        list(tell_subscribers(house))
        list(tell_subscribers(replace(house, partners=Partners())))
        with house.store.snapshot() as tx:
            assert tx.webhooks.counts() == {}


def test_a_subscriber_in_our_own_network_is_not_called_unless_it_is_named_so(shop: Company, recipient_server: RecipientServer) -> None:
    with _told(shop, recipient_server, Topic.CASE) as (house, _):
        stranger = replace(house.partners.subscribers["tickets"], is_internal=False)
        careful = replace(house, partners=Partners({"tickets": stranger}))
        list(tell_subscribers(careful))
        opened_for(careful)
        assert any("private network" in line for line in tell_subscribers(careful))
    assert recipient_server.asked == []
