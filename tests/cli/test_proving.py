"""`dsr verify` and `dsr ledger`: what a stranger is told, and that nothing passes that was touched."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.company import EMAIL, build_company
from tests.cli.conftest import DSR, Dsr


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home in which one case was closed, and its certificate."""
    folder = tmp_path_factory.mktemp("proving")
    company = build_company(folder / "company")
    home = folder / "home"
    assert subprocess.run([DSR, "init", home], capture_output=True, check=False).returncode == 0
    reviewed = ["--home", str(home), "hold", "attest", "--by", "counsel", "--looked-at", "the list of matters"]
    assert subprocess.run([DSR, *reviewed], capture_output=True, check=False).returncode == 0
    words = ["--home", str(home), "erase", "--email", EMAIL, "--policy", "one-shot", "--ground", "purpose_over", "--in", str(company.shop), "--yes"]
    assert subprocess.run([DSR, *words], capture_output=True, check=False).returncode == 0
    return folder


@pytest.fixture
def certificate(erased: Path) -> Path:
    return next((erased / "home" / "certificates").glob("*.pdf"))


@pytest.fixture
def bundle(erased: Path) -> Path:
    return erased / "home" / "trust-bundle.json"


def test_a_genuine_certificate_is_exit_code_0(dsr: Dsr, certificate: Path, bundle: Path) -> None:
    said = dsr("verify", certificate, "--trust", bundle, "--json")
    assert said.code == 0
    report = json.loads(said.out)
    assert report["genuine"] is True
    assert all(step["ok"] for step in report["integrity"])
    assert set(report) == {"genuine", "status", "later", "code", "integrity", "issuer", "time"}


def test_trust_never_comes_from_the_pdf(dsr: Dsr, certificate: Path) -> None:
    said = dsr("verify", certificate, "--json")
    assert said.code == 1
    report = json.loads(said.out)
    assert report["issuer"]["ok"] is False
    assert report["issuer"]["fingerprints"]


def test_another_controllers_bundle_does_not_trust_it(dsr: Dsr, certificate: Path, home: Path) -> None:
    assert dsr("verify", certificate, "--trust", home / "trust-bundle.json").code == 1


def test_a_byte_that_was_changed_is_exit_code_1(dsr: Dsr, certificate: Path, bundle: Path, tmp_path: Path) -> None:
    data = bytearray(certificate.read_bytes())
    for place in range(200, len(data), len(data) // 15):
        forged = bytearray(data)
        forged[place] ^= 1
        (tmp_path / "forged.pdf").write_bytes(forged)
        assert dsr("verify", tmp_path / "forged.pdf", "--trust", bundle).code == 1, place


def test_bytes_that_were_appended_are_exit_code_1(dsr: Dsr, certificate: Path, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "longer.pdf").write_bytes(certificate.read_bytes() + b"\n% harmless\n")
    assert dsr("verify", tmp_path / "longer.pdf", "--trust", bundle).code == 1


@pytest.mark.parametrize("data", [b"", b"garbage", b"%PDF-1.7\n", bytes(range(256)) * 40])
def test_what_is_no_certificate_is_not_verified(dsr: Dsr, bundle: Path, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.pdf").write_bytes(data)
    said = dsr("verify", tmp_path / "x.pdf", "--trust", bundle)
    assert said.code == 1
    assert "Traceback" not in said.all


@pytest.mark.parametrize("data", [b"", b"garbage", b"{}", b"[]", b'{"ca": 1}'])
def test_what_is_no_bundle_is_wrong_input(dsr: Dsr, certificate: Path, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bundle.json").write_bytes(data)
    said = dsr("verify", certificate, "--trust", tmp_path / "bundle.json")
    assert said.code == 2
    assert said.err.startswith("error: ")


def test_with_the_ledger_the_later_status_is_known(dsr: Dsr, erased: Path, certificate: Path, bundle: Path, tmp_path: Path) -> None:
    exported = tmp_path / "ledger.jsonl"
    assert dsr("--home", erased / "home", "ledger", "export", exported).code == 0
    said = dsr("verify", certificate, "--trust", bundle, "--ledger", exported, "--json")
    assert said.code == 0, said.all
    assert "unknown" not in json.loads(said.out)["status"]
    assert EMAIL not in exported.read_text(encoding="utf-8")


def test_a_ledger_that_was_changed_or_is_anothers_does_not_verify(
    dsr: Dsr, erased: Path, certificate: Path, bundle: Path, home: Path, tmp_path: Path
) -> None:
    exported = tmp_path / "ledger.jsonl"
    dsr("--home", erased / "home", "ledger", "export", exported)
    lines = exported.read_text(encoding="utf-8").splitlines(keepends=True)
    exported.write_text("".join(lines[:2] + lines[3:]), encoding="utf-8")
    assert dsr("verify", certificate, "--trust", bundle, "--ledger", exported).code == 1
    dsr("--home", home, "ledger", "export", exported)
    assert dsr("verify", certificate, "--trust", bundle, "--ledger", exported).code == 1
    exported.write_bytes(b"\xff\xfegarbage")
    assert dsr("verify", certificate, "--trust", bundle, "--ledger", exported).code == 1


def test_the_ledger_holds_and_knows_its_earlier_checkpoints(dsr: Dsr, home: Path, tmp_path: Path) -> None:
    note = dsr("--home", home, "ledger", "checkpoint")
    assert note.code == 0
    (tmp_path / "note").write_text(note.out, encoding="utf-8")
    dsr("--home", home, "hold", "add", "--everything", "--reason", "M-1")
    said = dsr("--home", home, "ledger", "check", "--known", tmp_path / "note")
    assert said.code == 0
    assert "entries" in said.out


def test_a_checkpoint_of_another_ledger_does_not_hold(dsr: Dsr, erased: Path, home: Path, tmp_path: Path) -> None:
    (tmp_path / "note").write_text(dsr("--home", erased / "home", "ledger", "checkpoint").out, encoding="utf-8")
    assert dsr("--home", home, "ledger", "check", "--known", tmp_path / "note").code == 1
    (tmp_path / "note").write_bytes(b"\xff\xfe")
    said = dsr("--home", home, "ledger", "check", "--known", tmp_path / "note")
    assert said.code in (1, 2)
    assert said.err.startswith("error: ")
