"""Keys that are replaced, and keys of one's own: what was signed before stays verifiable."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from dsr_engine.bootstrap import BUNDLE, create_home
from dsr_engine.certificate.check import check
from dsr_engine.certificate.keys import create_authority
from dsr_engine.certificate.trust import read_bundle
from dsr_engine.cli.entry import main
from dsr_engine.domain.clock import SystemClock


def _dsr(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    assert isinstance(left.value.code, int)
    return left.value.code


def _erase(home: Path, folder: Path) -> None:
    (folder / "note.txt").write_text("jane@example.com called\nbob@example.com did not\n", encoding="utf-8")
    policy = str(Path("policies/one-shot.yaml").resolve())
    assert _dsr("--home", str(home), "hold", "attest", "--looked-at", "the list of matters", "--by", "counsel") == 0
    assert (
        _dsr(
            "--home", str(home), "erase", "--email", "jane@example.com", "--policy", policy, "--ground", "purpose_over", "--in", str(folder), "--yes"
        )
        == 0
    )
    assert (folder / "note.txt").read_text(encoding="utf-8") == "[redacted] called\nbob@example.com did not\n"


def _own_seal(folder: Path, password: bytes) -> None:
    """A PKCS #12 of somebody's own authority, made by another home's key folder."""
    create_authority(folder, "Own Authority", SystemClock())
    key = serialization.load_pem_private_key((folder / "signer-001.key.pem").read_bytes(), None)
    chain = [x509.load_pem_x509_certificate((folder / name).read_bytes()) for name in ("signer-001.crt.pem", "ca.crt.pem")]
    sealed = pkcs12.serialize_key_and_certificates(
        b"seal",
        key,  # type: ignore[arg-type]  # an EC key, as `create_authority` makes it
        chain[0],
        chain[1:],
        serialization.BestAvailableEncryption(password),
    )
    (folder / "seal.p12").write_bytes(sealed)


def test_certificates_of_a_replaced_key_and_of_ones_own_key_verify_with_one_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, folder = tmp_path / "home", tmp_path / "data"
    folder.mkdir()
    create_home(home, "Example Ltd")
    _erase(home, folder)
    assert _dsr("--home", str(home), "keys", "rotate") == 0
    _erase(home, folder)
    own = tmp_path / "own"
    own.mkdir()
    _own_seal(own, b"open sesame")
    with (home / "dsr.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[signing]\npkcs12 = "{own / "seal.p12"}"\npassword = "${{SEAL}}"\n')
    monkeypatch.setenv("SEAL", "open sesame")
    assert _dsr("--home", str(home), "keys", "bundle") == 0
    _erase(home, folder)

    bundle = read_bundle(home / BUNDLE)
    papers = sorted((home / "certificates").glob("*.pdf"))
    assert len(papers) == 3
    assert all(check(paper.read_bytes(), bundle).is_genuine for paper in papers)
    assert len(bundle.ca) == 2


def test_a_literal_password_of_a_seal_is_an_error_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    create_home(home, "Example Ltd")
    with (home / "dsr.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[signing]\npkcs12 = "keys/seal.p12"\npassword = "hunter2"\n')
    assert _dsr("--home", str(home), "check") == 2
    told = capsys.readouterr().err
    assert "signing.password: is a password" in told
    assert "hunter2" not in told


def test_a_wrong_password_of_a_seal_is_said_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    create_home(home, "Example Ltd")
    own = tmp_path / "own"
    own.mkdir()
    _own_seal(own, b"right")
    with (home / "dsr.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[signing]\npkcs12 = "{own / "seal.p12"}"\npassword = "${{SEAL}}"\n')
    monkeypatch.setenv("SEAL", "wrong")
    assert _dsr("--home", str(home), "case", "list") == 2
    assert "the password is wrong" in capsys.readouterr().err
