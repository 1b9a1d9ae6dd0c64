"""What all tests share: the private servers, and how much of the slow and of the random a plain run takes."""

import os
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

from dsr_engine.drivers.objectstore import folder_times
from tests.sparing import spare
from tests.thoroughness import ALL_TESTS, IS_NOTING, Notes, durations, is_drawn

#: Each file starts one kind of server, once per session and only if a test asks for it.
_SERVERS = (
    *("postgres", "postgres_standby", "mariadb", "dovecot", "openldap", "seaweedfs", "rclone_s3", "moto_s3", "azurite", "gcs"),
    *("timestamp_authority", "smtp_server", "recipient_server", "scripted_imap"),
)
# The same examples each time: whether a change is right must not hang on a draw. DSR_EXPLORE=1 draws new ones, to find what nobody thought of.
_IS_EXPLORING = os.environ.get("DSR_EXPLORE") == "1"
settings.register_profile("plain", max_examples=12, derandomize=True)
settings.register_profile("all", max_examples=50, derandomize=True)
settings.register_profile("exploring", max_examples=200)
settings.load_profile("exploring" if _IS_EXPLORING else "all" if ALL_TESTS else "plain")

spare()

pytest_plugins = [f"tests.servers.{name}" for name in _SERVERS if find_spec(f"tests.servers.{name}")]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects most tests that take long, unless somebody names files or tests, or DSR_ALL_TESTS is set."""
    if ALL_TESTS or any(argument.rstrip("/") != "tests" for argument in config.args):
        return
    run, known = os.environ.get("PYTEST_XDIST_TESTRUNUID", "alone"), durations()
    left = {item for item in items if not is_drawn(item.nodeid, is_slow=item.get_closest_marker("slow") is not None, known=known, run=run)}
    if left:
        config.hook.pytest_deselected(items=list(left))
        items[:] = [item for item in items if item not in left]


_NOTES = Notes()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if IS_NOTING:
        _NOTES.add(report.nodeid, report.duration)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The process that starts the others hears of all tests."""
    if IS_NOTING and not hasattr(session.config, "workerinput"):
        _NOTES.write()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for everything that is temporary."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def lasting_path(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system whose times the engine believes, wherever temporary files lie. Where there is none the test is skipped."""
    if _keeps_times(tmp_path):
        yield tmp_path
        return
    for above in (Path("/var/tmp"), Path(__file__).parents[1] / ".pytest_cache"):
        if above.is_dir() and os.access(above, os.W_OK) and _keeps_times(above):
            with tempfile.TemporaryDirectory(prefix="dsr-", dir=above) as folder:
                yield Path(folder)
            return
    pytest.skip("no file system at hand tells by times whether a file changed (folder_times.py); set TMPDIR to a folder on ext4, xfs, btrfs or zfs")


def _keeps_times(path: Path) -> bool:
    device = path.stat().st_dev
    return folder_times.unchanged_since(f"{device}:0:0:0:0") is not None
