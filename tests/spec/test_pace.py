"""Hours, rates and times as `systems.yaml` writes them, and what is told to whoever writes them otherwise."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.system import Pace, System, Window
from dsr_engine.spec.home import load_home
from dsr_engine.spec.pace import parse_bytes, parse_seconds, parse_window
from dsr_engine.spec.problems import SpecWrong
from tests.spec.files import write

PG = '{connector: postgresql, url: "postgresql://h/d", '


def _system(home: Path, entry: str) -> System:
    write(home, systems=f"systems:\n  it: {entry}\n")
    return load_home(home, {"PW": "hunter2"}).systems["it"]


def _problems(home: Path, entry: str) -> str:
    with pytest.raises(SpecWrong) as caught:
        _system(home, entry)
    return "\n".join(map(str, caught.value.problems))


def test_a_system_is_treated_as_gently_as_its_entry_says(tmp_path: Path) -> None:
    system = _system(
        tmp_path,
        PG
        + 'window: "22:00-05:00", max_bytes_per_s: 20 MB, max_snapshot: 10 min, pause_when: {replication_lag: 30 s, waiting_lock: yes}, level: C1}',
    )
    assert system.pace == Pace(Window(22 * 60, 5 * 60), 20_000_000, 600, 30, yields_to_locks=True)
    assert (system.level, system.maintenance) == ("C1", "print")


def test_without_a_word_nothing_is_limited(tmp_path: Path) -> None:
    system = _system(tmp_path, '{connector: postgresql, url: "postgresql://h/d"}')
    assert (system.pace, system.level, system.maintenance, dict(system.maintain_as)) == (Pace(), "C0", "print", {})


def test_hours_that_other_readers_take_for_a_number_stay_hours(tmp_path: Path) -> None:
    """YAML 1.1 reads `22:22` as 1342; a window is never read as a number, quoted or not."""
    assert _system(tmp_path, PG + "window: 22:22-23:59}").pace.window == Window(22 * 60 + 22, 23 * 60 + 59)
    assert "systems.it.window: not hours of the day (try" in _problems(tmp_path, PG + "window: 22:22}")


def test_maintenance_runs_with_an_account_and_hours_of_its_own(tmp_path: Path) -> None:
    system = _system(tmp_path, PG + 'maintenance: run, window: "1:00-4:00", maintain_as: {user: owner, password: "${PW}"}}')
    assert (system.maintenance, {key: secret.reveal() for key, secret in system.maintain_as.items()}) == (
        "run",
        {"user": "owner", "password": "hunter2"},
    )
    assert "hunter2" not in repr(system)


def test_a_file_has_no_account_and_may_be_maintained_without_one(tmp_path: Path) -> None:
    assert _system(tmp_path, '{connector: sqlite, url: "sqlite:////srv/a.db", maintenance: run, window: "1:00-4:00"}').maintenance == "run"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (PG + "maintenance: run, window: 1:00-4:00}", ["2:69: systems.it.maintenance: `run` needs `maintain_as"]),
        (PG + "maintenance: run, maintain_as: {user: a}}", ["systems.it.maintenance: `run` needs a `window`"]),
        (PG + "maintain_as: {user: a}}", ["2:56: systems.it.maintain_as: used with `maintenance: run` only"]),
        (PG + "maintenance: sometimes}", ["systems.it.maintenance: must be print or run"]),
        (PG + "maintenance: run, window: 1:00-4:00, maintain_as: {user: a, password: geheim}}", ["maintain_as.password: a password is written out"]),
        (PG + "maintenance: run, window: 1:00-4:00, maintain_as: {bucket: a}}", ["maintain_as.bucket: not a setting of the sql driver"]),
        (PG + "level: C2}", ["systems.it.level: must be C0 or C1"]),
        (PG + "max_bytes_per_s: 20}", ["systems.it.max_bytes_per_s: not a number of bytes with its unit (try 20 MB)"]),
        (PG + "max_snapshot: 10}", ["systems.it.max_snapshot: not a time of a second to a week with its unit (try 10 min)"]),
        (PG + "window: 22:00-05:00 Mars/Olympus}", ["systems.it.window: not hours of the day"]),
        (PG + "pause_when: {replication_lag: 30}}", ["systems.it.pause_when.replication_lag: not a time"]),
        (PG + "pause_when: {replicaton_lag: 30 s}}", ["unknown key (did you mean replication_lag?)"]),
        (PG + "pause_when: 30 s}", ["systems.it.pause_when: must be a block of keys and values"]),
        ("{connector: s3, bucket: b, window: 1:00-2:00}", ["2:34: systems.it.window: kept for databases only, and this is the objectstore driver"]),
        ("{connector: imap, url: imaps://h, max_bytes_per_s: 2 MB}", ["this is the mailstore driver; `records_per_second` slows it down"]),
        ("{connector: folder, url: x, level: C1}", ["systems.it.level: kept for databases only"]),
        ("{connector: s3, bucket: b, maintenance: run}", ["systems.it.maintenance: kept for databases only"]),
        ("{connector: payroll, pause_when: {waiting_lock: true}}", ["systems.it.pause_when: kept for databases only, and this is the manual driver"]),
    ],
)
def test_what_would_not_be_kept_is_an_error_with_its_place_and_a_way_out(tmp_path: Path, entry: str, expected: list[str]) -> None:
    shown = _problems(tmp_path, entry)
    assert all(part in shown for part in expected)
    assert "geheim" not in shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [("20 MB", 20_000_000), ("512KiB", 524_288), ("1.5 gb", 1_500_000_000), ("20 MB/s", 20_000_000), ("20", None), ("1 B", None), ("MB", None)],
)
def test_bytes_have_a_unit(text: str, expected: int | None) -> None:
    assert parse_bytes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("30 s", 30), ("10 min", 600), ("1.5 hours", 5400), ("10", None), ("0 s", None), ("30 days", None), ("10 min/s", None)]
)
def test_times_have_a_unit(text: str, expected: float | None) -> None:
    assert parse_seconds(text) == expected


@pytest.mark.parametrize("text", ["24:00-05:00", "22:60-05:00", "05:00-05:00", "22-5", "22:00", "22:00-05:00-06:00", "22:00-05:00 Berlin"])
def test_hours_that_do_not_exist_or_never_come_are_no_window(text: str) -> None:
    assert parse_window(text) is None


@settings(deadline=None)
@given(
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 23),
    st.integers(0, 59),
    st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1)),  # noqa: DTZ001  # the strategy adds the zone
)
def test_a_window_opens_at_the_first_minute_that_it_is_open(h1: int, m1: int, h2: int, m2: int, now: datetime) -> None:
    window = parse_window(f"{h1:02}:{m1:02}-{h2:02}:{m2:02}")
    if (h1, m1) == (h2, m2):
        assert window is None
        return
    assert window is not None
    opens = window.opens(now)
    assert window.is_open_at(opens)
    assert now <= opens <= now + timedelta(days=1)
    if opens > now:
        assert not window.is_open_at(opens - timedelta(minutes=1))
        assert (opens.hour, opens.minute, opens.second) == (h1, m1, 0)


def test_a_window_follows_the_summer_time_of_its_zone() -> None:
    window = parse_window("22:00-05:00 Europe/Berlin")
    assert window is not None
    assert window.opens(datetime(2026, 1, 15, 12, tzinfo=UTC)) == datetime(2026, 1, 15, 21, tzinfo=UTC)
    assert window.opens(datetime(2026, 7, 15, 12, tzinfo=UTC)) == datetime(2026, 7, 15, 20, tzinfo=UTC)


def test_hours_that_a_clock_skips_open_on_the_next_day() -> None:
    window = parse_window("02:10-02:50 Europe/Berlin")
    assert window is not None
    assert window.opens(datetime(2026, 3, 29, 0, 30, tzinfo=UTC)) == datetime(2026, 3, 30, 0, 10, tzinfo=UTC)
