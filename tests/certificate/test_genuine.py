"""Certificates that nobody touched verify, however they were made; and other programs agree."""

import re
import struct
import subprocess
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from dsr_engine.certificate.check import check
from dsr_engine.certificate.issue import Look, issue
from dsr_engine.certificate.keys import load_pkcs12, load_signer, rotate
from dsr_engine.certificate.statement import sealed, steps, to_bytes
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import InputWrong, Unreachable
from tests.certificate.conftest import BORN, Installation, install
from tests.certificate.sample import sample
from tests.servers.lifecycle import free_port, program


def png(width: int, height: int) -> bytes:
    """A red rectangle."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\xc0\x20\x30" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pdfsig(path: Path) -> str:
    return subprocess.run([program("pdfsig", install="apt install poppler-utils"), path], capture_output=True, text=True, check=False).stdout


def test_a_certificate_verifies_and_its_time_is_the_operators_word(home: Installation) -> None:
    report = check(home.issue(sample()), home.bundle)
    assert report.is_genuine
    assert report.status == "genuine; later status unknown"
    assert report.code == ""
    assert report.statement == sample()
    assert not report.time.is_trusted
    assert report.time.at == sample().issued_at


def test_the_same_input_gives_the_same_bytes(home: Installation) -> None:
    text = to_bytes(sample())
    proof = home.enter(sample())
    first, second = (issue(text, sealed(text, home.signer), proof, home.signer, Look()) for _ in range(2))
    assert first == second


def test_pdfsig_agrees(home: Installation, tmp_path: Path) -> None:
    path = tmp_path / "certificate.pdf"
    path.write_bytes(home.issue(sample()))
    words = pdfsig(path)
    assert "Signature is Valid." in words
    assert "Total document signed" in words
    assert "ETSI.CAdES.detached" in words


def test_a_long_certificate_verifies_with_its_tables_broken_over_pages(home: Installation) -> None:
    report = check(home.issue(sample(more_rows=400)), home.bundle)
    assert report.is_genuine, report.code
    assert int(re.findall(r"\d+", next(step.detail for step in report.integrity if step.name == "page"))[0]) > 8


def test_very_long_texts_are_drawn_and_verify(home: Installation) -> None:
    long = sample()
    wordy = replace(
        long,
        exceptions=("reason " * 2000,),
        verdict="a verdict that goes on " * 60,
        policy={"name": "x" * 1500},
        systems=tuple(replace(system, coverage=({"collection": "y" * 400, "reason": "because " * 500},)) for system in long.systems),
    )
    report = check(home.issue(wordy), home.bundle)
    assert report.is_genuine, report.code


@pytest.mark.parametrize(
    "name",
    [
        "Ελληνική Εταιρεία Α.Ε.",
        "ООО «Северный ветер»",
        "Łódź Žluťoučký kůň",
        "a\u0308 decomposed",
        "<b>&amp; Sons</b>",
        "  two  spaces ",
    ],
)
def test_names_in_other_scripts_and_with_markup_verify(home: Installation, name: str) -> None:
    report = check(home.issue(sample(controller=name)), home.bundle)
    assert report.is_genuine, report.code


def test_an_empty_statement_is_drawn_and_verifies(home: Installation) -> None:
    bare = replace(
        sample(),
        controller={},
        case={},
        dates={},
        regimes=(),
        policy={},
        approvals=(),
        systems=(),
        exceptions=(),
        claims=(),
        disclaimers=(),
        level="",
    )
    report = check(home.issue(bare), home.bundle)
    assert report.is_genuine, report.code


def test_the_letterhead_and_the_logo_of_the_operator_are_drawn(home: Installation, tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(png(60, 20))
    look = Look(lines=("Nordwind Handels GmbH", "Datenschutz", "Hamburg"), logo=logo, accent="#7a1f3d")
    report = check(home.issue(sample(), look), home.bundle)
    assert report.is_genuine, report.code


def test_a_certificate_of_an_older_signer_verifies_after_rotation(tmp_path: Path) -> None:
    home = install(tmp_path / "keys")
    old = home.issue(sample())
    rotate(home.folder, "Nordwind Handels GmbH", FixedClock(BORN + timedelta(days=4 * 365)))
    renewed = replace(home, signer=load_signer(home.folder))
    assert renewed.signer.certificate != home.signer.certificate
    new = renewed.issue(sample(identifier="a" * 32, issued_at="2031-06-01T08:00:00Z"))
    for pdf in (old, new):
        assert check(pdf, renewed.bundle).is_genuine


def test_a_signer_that_was_rotated_between_seal_and_signature_seals_again(tmp_path: Path) -> None:
    home = install(tmp_path / "keys")
    text, envelope, proof = to_bytes(sample()), sealed(to_bytes(sample()), home.signer), home.enter(sample())
    rotate(home.folder, "Nordwind Handels GmbH", FixedClock(BORN))
    pdf = issue(text, envelope, proof, load_signer(home.folder), Look())
    assert check(pdf, home.bundle).is_genuine


def test_a_signer_from_pkcs12_signs_and_verifies(home: Installation, tmp_path: Path) -> None:
    path = tmp_path / "signer.p12"
    encryption = serialization.BestAvailableEncryption(b"secret")
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"signer", home.signer.key, home.signer.certificate, home.signer.chain, encryption))
    pdf = replace(home, signer=load_pkcs12(path, b"secret")).issue(sample())
    assert check(pdf, home.bundle).is_genuine
    with pytest.raises(InputWrong, match="password"):
        load_pkcs12(path, b"wrong")


def test_what_the_ledger_says_later_is_told(home: Installation, tmp_path: Path) -> None:
    pdf = home.issue(sample(identifier="b" * 32))
    export = tmp_path / "ledger.jsonl"
    assert check(pdf, home.bundle, ledger=home.log.export(export)).later == "none"
    for verb, in_force in (("completed", True), ("superseded", False), ("withdrawn", False)):
        home.log.append(kind=f"certificate.{verb}", certificate="b" * 32)
        report = check(pdf, home.bundle, ledger=home.log.export(export))
        assert report.is_genuine
        assert (report.later, report.is_in_force) == (verb, in_force)


def stamped(timed: Installation, at: datetime | None = None) -> bytes:
    moment = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return timed.issue(sample(is_timestamped=True, issued_at=moment))


def test_a_timestamped_certificate_verifies_with_trusted_time(timed: Installation, tmp_path: Path) -> None:
    pdf = stamped(timed)
    report = check(pdf, timed.bundle)
    assert report.is_genuine, report
    assert report.time.is_trusted
    path = tmp_path / "timed.pdf"
    path.write_bytes(pdf)
    assert "Signature is Valid." in pdfsig(path)
    assert pdf.count(b"/DocTimeStamp") == 1


def test_time_is_not_trusted_without_a_trusted_timestamp_authority(timed: Installation) -> None:
    report = check(stamped(timed), replace(timed.bundle, tsa=()))
    assert not report.is_genuine
    assert all(step.is_ok for step in report.integrity)
    assert report.code == "time.not_trusted"


def test_a_certificate_that_claims_to_be_younger_than_its_timestamp_is_refused(timed: Installation) -> None:
    report = check(stamped(timed, datetime.now(UTC) + timedelta(days=1)), timed.bundle)
    assert report.code == "time.contradicts"


def test_a_timestamp_authority_that_is_away_is_unreachable(home: Installation) -> None:
    away = home.with_tsa(f"http://127.0.0.1:{free_port()}/", ())
    with pytest.raises(Unreachable) as error:
        away.issue(sample(is_timestamped=True))
    assert error.value.code == "tsa.unreachable"


def test_a_statement_and_its_timestamping_must_agree(home: Installation) -> None:
    with pytest.raises(InputWrong) as error:
        home.issue(sample(is_timestamped=True))
    assert error.value.code == "statement.steps"
    assert steps(is_timestamped=True)[-1] == "time"
