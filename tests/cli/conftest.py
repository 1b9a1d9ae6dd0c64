"""What the tests of the command line share: a way to call it as a user does, a home, and a small company with one Jane in it."""

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dsr_engine.cli.entry import main
from tests.cli.company import Company, build_company
from tests.servers.lifecycle import program

DSR = Path(sys.executable).with_name("dsr")


@dataclass(frozen=True, slots=True)
class Said:
    """How a call ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


Dsr = Callable[..., Said]


@pytest.fixture
def dsr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dsr:
    """Calls the real entry point in this process, from the test's own folder; arguments are given one by one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    for name in ("DSR_HOME", "DSR_IMAP_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: object) -> Said:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        return Said(int(left.value.code or 0), out.getvalue(), err.getvalue())

    return call


@pytest.fixture(scope="session")
def _fresh_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("homes") / "home"
    made = subprocess.run([DSR, "init", path, "--controller", "Teahouse"], capture_output=True, check=False)
    assert made.returncode == 0, made.stderr
    reviewed = [str(DSR), "--home", str(path), "hold", "attest", "--by", "counsel", "--looked-at", "the list of matters"]
    subprocess.run(reviewed, capture_output=True, check=True)
    return path


@pytest.fixture
def home(_fresh_home: Path, tmp_path: Path) -> Path:
    """A home as `dsr init` leaves it, of the test's own."""
    return Path(shutil.copytree(_fresh_home, tmp_path / "home"))


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """The systems of a small company, beside the home."""
    return build_company(tmp_path / "company")


def without_privileges(*arguments: object) -> Said:
    """Calls the program as somebody for whom permissions count; root gives up the right to pass them by."""
    prefix = []
    if os.geteuid() == 0:
        prefix = [program("setpriv", install="apt-get install util-linux"), "--bounding-set=-dac_override,-dac_read_search"]
    done = subprocess.run([*prefix, str(DSR), *map(str, arguments)], capture_output=True, text=True, check=False)
    return Said(done.returncode, done.stdout, done.stderr)
