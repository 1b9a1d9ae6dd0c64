"""`dsr demo`: the main job from end to end, with its own proof."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import DSR


def test_the_demo_erases_one_person_proves_it_and_says_so(tmp_path: Path) -> None:
    pytest.importorskip("moto.server", reason="moto is not installed: pip install 'moto[s3,server]'")
    done = subprocess.run([DSR, "demo", tmp_path / "company"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every record of everybody else is byte-identical" in done.stdout
    assert "WRONG" not in done.stdout
    assert "What still holds her: shop.invoices R-1017\n" in done.stdout
    assert "Traceback" not in done.stderr
    assert "mara" not in done.stdout.casefold()
    assert "mara" not in done.stderr.casefold()
    home = tmp_path / "company" / "home"
    certificate = next((home / "certificates").glob("*.pdf"))
    verified = subprocess.run([DSR, "verify", certificate, "--trust", home / "trust-bundle.json", "--json"], capture_output=True, check=False)
    assert verified.returncode == 0
    assert json.loads(verified.stdout)["genuine"] is True
