"""Long questions are answered beside the pages, one at a time for each matter, and what cannot be answered is said."""

import socket
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from dsr_engine.domain.errors import Conflict, InputWrong, Unreachable
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.registry import open_driver
from dsr_engine.drivers.sql.server import sessions
from dsr_engine.workflow.house import House
from dsr_engine.workflow.systems.asking import THREADS, WAITING, Bench, Question, Steps, Tell, state_of
from dsr_engine.workflow.systems.health import CHECK, ask_check, health_of, standings, told_by
from dsr_engine.workflow.systems.stopping import EVERYWHERE, pull_brake, release_brake
from tests.workflow.company import Company
from tests.workflow.journeys import NOON, working


def _last(house: House, kind: str = "test", name: str = "x") -> Any:
    with house.store.snapshot() as tx:
        return tx.inquiries.get(kind, name)


def test_an_answer_is_kept_for_every_page(company: Company) -> None:
    with working(company) as house:
        bench = Bench()
        bench.ask(house, "test", "x", lambda _: {"count": 3})
        bench.rest()
        assert _last(house).answer == {"count": 3}
        assert state_of(_last(house), NOON) == "answered"


def test_what_went_wrong_is_kept_with_its_code(company: Company) -> None:
    def question(_: Tell) -> Mapping[str, Any]:
        raise Unreachable("it did not answer", code="x.gone", hint="look at it")

    with working(company) as house:
        bench = Bench()
        bench.ask(house, "test", "x", question)
        bench.rest()
        assert _last(house).problem == {"code": "x.gone", "message": "it did not answer", "hint": "look at it"}


def test_a_mistake_of_ours_is_told_without_its_text(company: Company, caplog: pytest.LogCaptureFixture) -> None:
    def question(_: Tell) -> Mapping[str, Any]:
        raise ValueError("zoe.quist@example.org")

    with working(company) as house:
        bench = Bench()
        bench.ask(house, "test", "x", question)
        bench.rest()
        assert _last(house).problem["code"] == "engine.mistake"
    assert "ValueError" in caplog.text
    assert "zoe" not in caplog.text


def _ask_often(bench: Bench, house: House, question: Question) -> None:
    for number in range(THREADS + WAITING + 1):
        bench.ask(house, "test", str(number), question)


def test_the_same_is_not_asked_twice_at_once_and_too_much_is_refused(company: Company) -> None:
    gate = threading.Event()

    def question(_: Tell) -> Mapping[str, Any]:
        gate.wait(timeout=30)
        return {}

    with working(company) as house:
        bench = Bench()
        try:
            bench.ask(house, "test", "x", question)
            with pytest.raises(Conflict) as refused:
                bench.ask(house, "test", "x", question)
            assert refused.value.code == "inquiry.running"
            with pytest.raises(Conflict) as refused:
                _ask_often(bench, house, question)
            assert refused.value.code == "inquiry.busy"
        finally:
            gate.set()
            bench.rest()


def test_what_a_server_was_asked_when_it_stops_can_be_asked_again_at_once(company: Company) -> None:
    gate = threading.Event()

    def question(_: Tell) -> Mapping[str, Any]:
        gate.wait(timeout=30)
        raise Unreachable("it did not answer", code="x.gone")

    with working(company) as house:
        bench = Bench()
        for number in range(THREADS + 1):
            bench.ask(house, "test", str(number), question)
        bench.end()
        for number in range(THREADS + 1):
            assert _last(house, name=str(number)).problem["code"] == "inquiry.broken_off"
        gate.set()
        bench.rest()
        other = Bench()
        other.ask(house, "test", "0", lambda _: {})
        other.rest()
        assert state_of(_last(house, name="0"), NOON) == "answered"


def test_what_a_stopped_server_left_behind_can_be_asked_again(company: Company) -> None:
    with working(company) as house:
        with house.store.transaction() as tx:
            tx.inquiries.begin("test", "x", NOON - timedelta(hours=1))
        assert state_of(_last(house), NOON) == "broken_off"
        bench = Bench()
        bench.ask(house, "test", "x", lambda _: {})
        bench.rest()
        assert state_of(_last(house), NOON) == "answered"


def test_steps_say_how_far_it_is(company: Company) -> None:
    told: list[str] = []
    steps = Steps(told.append)
    steps.begin("looking", 1000)
    for _ in range(1000):
        steps.advance("looking")
    steps.end("looking")
    assert told[0] == "looking"
    assert told[-1] == "looking: 1000 of 1000"
    assert len(told) <= 102
    assert company.home.exists()


def test_a_check_says_whether_a_system_can_be_used(company: Company) -> None:
    with working(company) as house:
        bench = Bench()
        name = next(iter(house.systems))
        ask_check(bench, house, name)
        bench.rest()
        assert health_of(_last(house, CHECK, name), NOON).state in ("ready", "warning")
        with pytest.raises(InputWrong):
            ask_check(bench, house, "nothing")


def test_a_server_that_accepts_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sessions._MYSQL, "read_timeout", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = Secret(f"mysql://test@127.0.0.1:{silent.getsockname()[1]}/x")
        [told] = told_by(System("shop", Manifest("shop", "sql"), {"url": url}), open_driver)
    assert (told.code, told.is_fatal) == ("sql.unreachable", True)


def test_a_brake_of_all_systems_stands_beside_the_brake_of_one(company: Company) -> None:
    with working(company) as house:
        name = next(iter(house.systems))
        pull_brake(house, name, "ann", "maintenance")
        pull_brake(house, EVERYWHERE, "ann")
        pull_brake(house, EVERYWHERE, "bob", "incident")
        release_brake(house, EVERYWHERE, "ann")
        [found] = [entry.stop for entry in standings(house) if entry.system.name == name]
        assert found is not None
        assert (found.system, found.reason) == (name, "maintenance")
        with pytest.raises(InputWrong):
            pull_brake(house, name, "ann", "zoe asked for it")
        with pytest.raises(InputWrong):
            release_brake(house, "nothing", "ann")
