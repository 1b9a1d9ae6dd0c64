"""Keys are made once, kept private, and replaced without orphaning what they signed."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.certificate.keys import Signer, create_authority, digest_of, fingerprint, load_signer, rotate, verify
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong, NotVerified
from tests.certificate.conftest import BORN, Installation, install

CLOCK = FixedClock(BORN)


def test_key_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    create_authority(tmp_path / "keys", "Nordwind", CLOCK)
    names = {path.name for path in (tmp_path / "keys").iterdir()}
    assert names == {"ca.key.pem", "ca.crt.pem", "signer-001.key.pem", "signer-001.crt.pem"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (tmp_path / "keys").iterdir())


def test_an_authority_is_never_overwritten(tmp_path: Path) -> None:
    create_authority(tmp_path, "Nordwind", CLOCK)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(Conflict) as error:
        create_authority(tmp_path, "Nordwind", CLOCK)
    assert error.value.code == "keys.exist"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_authority_lasts_thirty_years_and_a_signer_five(tmp_path: Path) -> None:
    home = install(tmp_path / "keys")
    authority, signer = home.signer.anchor, home.signer.certificate
    assert authority.not_valid_after_utc - BORN >= timedelta(days=30 * 365)
    assert timedelta(days=5 * 365) <= signer.not_valid_after_utc - BORN < timedelta(days=6 * 365)
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not signer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    signer.verify_directly_issued_by(authority)


def test_rotation_keeps_the_old_files_and_changes_who_signs(tmp_path: Path) -> None:
    home = install(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    rotate(tmp_path, "Nordwind", CLOCK)
    renewed = load_signer(tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert renewed.certificate != home.signer.certificate
    assert renewed.anchor == home.signer.anchor


def test_a_rotation_that_was_killed_half_way_is_done_again(tmp_path: Path) -> None:
    home = install(tmp_path)
    (tmp_path / "signer-002.key.pem").write_text("half")
    assert load_signer(tmp_path).certificate == home.signer.certificate
    rotate(tmp_path, "Nordwind", CLOCK)
    assert load_signer(tmp_path).certificate != home.signer.certificate


def test_a_signer_does_not_show_its_key(home: Installation) -> None:
    shown = repr(home.signer) + str(home.signer) + f"{home.signer}"
    assert "•••" in shown
    assert "EllipticCurve" not in shown
    assert fingerprint(home.signer.certificate)[:8] in shown


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=40)
def test_signatures_repeat_and_hold_for_their_own_data_only(home: Installation, stranger: Installation, data: bytes) -> None:
    signature = home.signer.sign(data)
    assert signature == home.signer.sign(data)
    verify(home.signer.certificate, signature, data)
    for certificate, other in ((home.signer.certificate, data + b"x"), (stranger.signer.certificate, data)):
        with pytest.raises(NotVerified):
            verify(certificate, signature, other)


def test_rsa_signers_work_and_short_keys_do_not(home: Installation) -> None:
    def certificate_for(key: rsa.RSAPrivateKey) -> x509.Certificate:
        name = x509.Name([])
        draft = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        return draft.not_valid_before(BORN).not_valid_after(BORN + timedelta(days=1)).sign(key, digest_of(home.signer.certificate))

    good = rsa.generate_private_key(65537, 2048)
    signer = Signer(good, certificate_for(good), ())
    verify(signer.certificate, signer.sign(b"data"), b"data")
    short = rsa.generate_private_key(65537, 1024)
    with pytest.raises(NotVerified) as error:
        verify(certificate_for(short), b"", b"data")
    assert error.value.code == "signature.algorithm"


def test_a_missing_or_broken_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputWrong) as error:
        load_signer(tmp_path)
    assert error.value.code == "keys.missing"
    install(tmp_path)
    (tmp_path / "signer-001.key.pem").write_text("broken")
    with pytest.raises(InputWrong, match=r"signer-001\.key\.pem") as error:
        load_signer(tmp_path)
    assert error.value.code == "keys.unreadable"


def test_a_key_that_does_not_belong_to_its_certificate_is_refused(tmp_path: Path, stranger: Installation) -> None:
    install(tmp_path)
    (tmp_path / "signer-001.key.pem").write_bytes((stranger.folder / "signer-001.key.pem").read_bytes())
    with pytest.raises(InputWrong) as error:
        load_signer(tmp_path)
    assert error.value.code == "keys.mismatch"


@pytest.mark.parametrize("controller", ["", "   "])
def test_a_controller_without_a_name_is_refused(tmp_path: Path, controller: str) -> None:
    with pytest.raises(InputWrong) as error:
        create_authority(tmp_path / "keys", controller, CLOCK)
    assert error.value.code == "keys.controller"
    assert not list((tmp_path / "keys").glob("*"))


def test_a_very_long_name_is_cut_to_what_a_certificate_can_hold(tmp_path: Path) -> None:
    create_authority(tmp_path, "Ж" * 200, CLOCK)
    assert "Ж" * 64 in load_signer(tmp_path).certificate.subject.rfc4514_string()
