"""`kill -9` around every notice: after it the case goes on, and a recipient hears of it at most once more, under the same id."""

import json
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dsr_engine.delivery.teller import Teller, open_teller
from dsr_engine.domain.case import Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.parcel import PostState
from dsr_engine.domain.recipient import NoticeState, Recipient
from dsr_engine.domain.telling import Answer, Message
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from tests.servers.recipient_server import RecipientServer
from tests.thoroughness import ALL_TESTS
from tests.workflow.company import Company, founded
from tests.workflow.journeys import NOON, approved, ledger_of, opened_for, statement_of, waits_for, working
from tests.workflow.killing import Borders, bordered, in_child, passages
from tests.workflow.telling import MAIL, at, entry, notices_of, posted, register, settle, webhook

_SAMPLE = 6


class _Bordered:
    """A teller with a border before and after each word."""

    def __init__(self, inner: Teller, borders: Borders) -> None:
        self._inner, self._borders = inner, borders

    def tell(self, message: Message, now: datetime) -> Answer:
        return self._borders.around("tell", self._inner.tell)(message, now)

    def ask(self, message_id: str) -> Answer | None:
        return self._inner.ask(message_id)

    def cancel(self, message_id: str) -> Answer:
        return self._inner.cancel(message_id)

    def check(self) -> None:
        self._inner.check()


@contextmanager
def _telling(company: Company, borders: Borders) -> Iterator[House]:
    def opened(recipient: Recipient) -> Teller | None:
        inner = open_teller(recipient)
        return inner and _Bordered(inner, borders)

    with bordered(company, borders, FixedClock(NOON)) as house:
        yield replace(house, open_teller=opened)


def _prepared(empty_home: Path, folder: Path, server: RecipientServer) -> tuple[Company, str]:
    """A case whose effects are made and whose recipients nobody has told yet."""
    company = founded(empty_home, folder)
    hook, mail = entry("Hook Ltd", "controller", more=webhook(server)), entry("Mail Ltd", "controller", more=f"{MAIL}, awaits: nothing")
    register(company, hook=hook, mail=mail)
    with working(company) as house:
        case = run_case(house, opened_for(house).id, "worker")
        assert waits_for(case) == "approval.missing"
        approved(house, case)
        assert run_case(house, case.id, "worker", until=Stage.NOTIFY).stage is Stage.NOTIFY
    return company, case.id


def _walk(company: Company, case_id: str, borders: Borders) -> None:
    with _telling(company, borders) as house:
        run_case(house, case_id, "killed")


def _borders(company: Company, case_id: str) -> list[str]:
    """The borders that the stage crosses when nobody disturbs it."""
    note = company.folder / "borders.json"

    def work() -> None:
        borders = Borders()
        _walk(company, case_id, borders)
        note.write_text(json.dumps(borders.crossed), encoding="utf-8")

    assert in_child(work) == 0
    found = json.loads(note.read_text(encoding="utf-8"))
    assert isinstance(found, list)
    return found


@pytest.fixture(scope="session")
def chance(request: pytest.FixtureRequest) -> random.Random:
    seed = request.config.getoption("randomly_seed", default=None)
    return random.Random(seed if isinstance(seed, int) else 2026)


@pytest.mark.slow
def test_a_notice_whose_sending_was_killed_goes_out_at_most_once_more_and_is_one_notice(
    empty_home: Path, tmp_path: Path, recipient_server: RecipientServer, chance: random.Random
) -> None:
    company, case_id = _prepared(empty_home, tmp_path / "plain", recipient_server)
    plain = _borders(company, case_id)
    assert len(recipient_server.asked) == 1
    telling = [number for number, name in enumerate(plain) if name.endswith("tell")]
    assert len(telling) == 2
    # What stands right around the telling matters most; of the rest a sample.
    near = [number for number in range(telling[0] - 3, telling[1] + 5) if 0 <= number < len(plain)]
    others = [number for number in range(len(plain)) if number not in near]
    chosen = sorted({*near, *passages(plain)}) if ALL_TESTS else sorted({*telling, *chance.sample(near, 3), *chance.sample(others, _SAMPLE - 5)})
    for number in chosen:
        print(f"killed at border {number} of {len(plain)}: {plain[number]}")
        recipient_server.reset()
        company, case_id = _prepared(empty_home, tmp_path / f"at-{number}", recipient_server)
        assert in_child(lambda company=company, case_id=case_id, number=number: _walk(company, case_id, Borders(number))) == -signal.SIGKILL  # type: ignore[misc]  # bound at once
        told_before = len(recipient_server.asked)
        _goes_on(company, case_id)
        ids = [json.loads(asked.body)["id"] for asked in recipient_server.asked]
        assert told_before <= len(ids) <= 2
        assert len(set(ids)) == 1
        assert len(ids) == 1 or number in range(telling[1], telling[1] + 4)


def _goes_on(company: Company, case_id: str) -> None:
    """Runs what was killed, by the ordinary path, lets the post go out, and compares with what has to be."""
    with at(company, timedelta(minutes=10)) as house:
        case = run_case(house, case_id, "next")
        (mail,) = posted(house, case)
        settle(house, mail.id, PostState.SENT)
    with at(company, timedelta(minutes=20)) as house:
        case = run_case(house, case_id, "next")
        assert case.outcome is Outcome.FULFILLED
        assert {name: notice.state for name, notice in notices_of(house, case).items()} == {
            "hook": NoticeState.ACKNOWLEDGED,
            "mail": NoticeState.SENT,
        }
        assert len(posted(house, case)) == 1
        statement = statement_of(house, case)
        assert [row["recipient"] for row in statement.recipients] == ["hook", "mail"]
        ledger_of(house)  # agrees with itself
        with house.store.snapshot() as tx:
            made = Counter(str(data["recipient"]) for _, data in tx.ledger.find("notice.made", case=case.id))
            changes = Counter((str(data["recipient"]), str(data["state"])) for _, data in tx.ledger.find("notice.changed", case=case.id))
        assert made == {"hook": 1, "mail": 1}
        assert changes == {("hook", "acknowledged"): 1, ("mail", "sent"): 1}
