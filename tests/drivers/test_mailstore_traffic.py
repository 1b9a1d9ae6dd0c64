"""What a mailbox may move in a day: counted in a file, waited for, and never in the middle of a change."""

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import InputWrong, Unreachable
from dsr_engine.domain.system import COUNTED_IN
from dsr_engine.drivers.driver import Done, Looked
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.imap_account import Account, Tls
from dsr_engine.drivers.mailstore.imap_traffic import DAILY_LIMIT, Traffic, _recent
from dsr_engine.drivers.wrapped import wrapped
from tests.drivers.mailstore_boxes import letter, system_of
from tests.drivers.mailstore_scripted import served
from tests.drivers.test_mailstore_driver import JANE, REWRITER, about, answers, deletion, records, redaction

NOON = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def account(folder: Path, most: int = 1000) -> Account:
    return Account("mail.example.com", 993, "jane@example.com", "pw", Tls.WHOLE, bytes_per_day=most, counted_in=str(folder / "traffic"))


def test_bytes_count_for_a_day_and_for_all_processes(tmp_path: Path) -> None:
    clock = FixedClock(NOON)
    Traffic(account(tmp_path), clock).note(600)
    clock.at = NOON + timedelta(hours=10)
    Traffic(account(tmp_path), clock).note(500)
    with pytest.raises(Unreachable) as caught:
        Traffic(account(tmp_path), clock).admit()
    assert caught.value.code == DAILY_LIMIT
    Traffic(replace(account(tmp_path), user="bob@example.com"), clock).admit()
    clock.at = NOON + timedelta(hours=24)
    again = Traffic(account(tmp_path), clock)
    again.admit()
    assert again.note(0) == 500


def test_the_count_names_nobody_and_is_nobodys_to_read(tmp_path: Path) -> None:
    Traffic(account(tmp_path), FixedClock(NOON)).note(5)
    (path,) = (tmp_path / "traffic").iterdir()
    assert "jane" not in path.name
    assert path.read_text() == f"{int(NOON.timestamp()) // 3600} 5\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_count_that_cannot_be_kept_is_an_error_and_without_a_limit_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputWrong):
        Traffic(account(tmp_path / "file"), FixedClock(NOON)).admit()
    Traffic(account(tmp_path / "file", most=0), FixedClock(NOON)).admit()


@given(st.binary(max_size=80))
def test_whatever_stands_in_the_file_is_no_error(content: bytes) -> None:
    assert all(count >= 0 for count in _recent(content, 495_000).values())


def test_a_clock_that_was_put_back_a_year_does_not_lock_the_mailbox(tmp_path: Path) -> None:
    clock = FixedClock(NOON + timedelta(days=365))
    Traffic(account(tmp_path), clock).note(5000)
    with pytest.raises(Unreachable):
        Traffic(account(tmp_path), clock).admit()
    clock.at = NOON
    Traffic(account(tmp_path), clock).admit()
    assert Traffic(account(tmp_path), clock).note(0) == 0


def mailbox_of(server: object, count: int) -> None:
    for number in range(count):
        raw = letter(JANE, "shop@example.com", f"subject {number}", "hello " * 2000, message_id=f"{number}@mail", eol=b"\r\n")
        server.folder("INBOX").deliver(raw)  # type: ignore[attr-defined]  # a scripted server


def test_a_search_that_moved_its_bytes_waits_and_is_never_a_result(imap_certificate: Path, tmp_path: Path) -> None:
    with served(imap_certificate) as server:
        mailbox_of(server, 4)
        settings = server.settings(bytes_per_day="30000", **{COUNTED_IN: str(tmp_path / "traffic")})
        driver = MailstoreDriver(system_of(settings))
        told: list[object] = []
        with pytest.raises(Unreachable) as broken_off:
            told.extend(answer for part in list(driver.slices(about())) for answer in driver.find(about(), part))
        driver.close()
        assert broken_off.value.code == DAILY_LIMIT
        assert "Sent" not in {answer.collection for answer in told if isinstance(answer, Looked)}
        commands = len(server.commands)

        again = MailstoreDriver(system_of(settings))
        with pytest.raises(Unreachable) as caught:
            answers(again, about())
        again.close()

    assert caught.value.code == DAILY_LIMIT
    assert len(server.commands) == commands, "a mailbox that is locked out was asked again"


def test_a_change_that_has_begun_is_carried_through(imap_certificate: Path, tmp_path: Path) -> None:
    with served(imap_certificate) as server:
        mailbox_of(server, 2)
        settings = server.settings(bytes_per_day="1000000", **{COUNTED_IN: str(tmp_path / "traffic")})
        driver = MailstoreDriver(system_of(settings))
        first, second = records(driver)
        changes = [deletion(driver, first), redaction(driver, second)]
        server.twist = lambda verb, line: _used_up(tmp_path) if verb == "SELECT" else None

        outcomes = driver.change(changes, REWRITER)

        assert [isinstance(outcome, Done) for outcome in outcomes] == [True, True]
        with pytest.raises(Unreachable):
            answers(driver, about())
        driver.close()


def _used_up(folder: Path) -> None:
    for path in (folder / "traffic").iterdir():
        hour = int(path.read_text().split()[0])
        path.write_text(f"{hour} 999999999\n")


def test_a_used_up_limit_is_not_tried_again_at_once(imap_certificate: Path, tmp_path: Path) -> None:
    """The wrapper around drivers pauses and tries again where a system does not answer; here it would only wait in vain."""
    with served(imap_certificate) as server:
        system = system_of(server.settings(bytes_per_day="1000", **{COUNTED_IN: str(tmp_path / "traffic")}))
        Traffic(replace(account(tmp_path), host="127.0.0.1", port=server.port)).note(5000)
        driver = wrapped(MailstoreDriver, system)
        with pytest.raises(Unreachable) as caught:
            driver.describe()
        driver.close()
        assert caught.value.code == DAILY_LIMIT
        assert server.commands == []
