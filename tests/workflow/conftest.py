"""A home is made once, for keys take their time, and copied for every test."""

import itertools
import mailbox
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dsr_engine.bootstrap import create_home
from dsr_engine.domain.clock import FixedClock
from tests.servers.drop_platform import FakePlatform, running
from tests.servers.s3_server import S3Server
from tests.servers.smtp_server import SmtpServer
from tests.workflow.brokerage import brokerage
from tests.workflow.company import Company, founded
from tests.workflow.correspondence import Writing, set_up
from tests.workflow.journeys import NOON

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("empty") / "home"
    create_home(home, "Example Ltd")
    return home


@pytest.fixture(scope="session")
def older_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose certificates are good from June 2023 until May 2028, for tests on given days."""
    home = tmp_path_factory.mktemp("older") / "home"
    create_home(home, "Example Ltd", FixedClock(datetime(2023, 6, 1, tzinfo=UTC)))
    return home


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def shop(empty_home: Path, tmp_path: Path) -> Company:
    """A company that has a database only."""
    return founded(empty_home, tmp_path / "company")


@pytest.fixture
def company(empty_home: Path, tmp_path: Path, moto_s3: S3Server) -> Company:
    """A company with a system of every kind."""
    return founded(empty_home, tmp_path / "company", ("shop", "mail", "files", "bucket"), s3=moto_s3, bucket=f"exports-{next(_numbers)}")


@pytest.fixture
def writing(shop: Company, smtp_server: SmtpServer) -> Company:
    """Such a company, whose letters wait for a person."""
    set_up(shop, smtp_server)
    mailbox.Maildir(shop.folder / "bounces", create=True).close()
    return Writing(shop.folder, shop.bucket, shop.s3, shop.systems)


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    with running() as found:
        yield found


@pytest.fixture
def broker(empty_home: Path, tmp_path: Path, platform: FakePlatform) -> Company:
    """A data broker that the platform knows, without any consumers yet."""
    return brokerage(empty_home, tmp_path / "broker", platform)
