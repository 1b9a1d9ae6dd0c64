"""Trust comes from one file that people can read and compare; and an exported ledger tells what became of a certificate."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dsr_engine.certificate.check import check
from dsr_engine.certificate.keys import fingerprint
from dsr_engine.certificate.look import Look, load_look, read_look
from dsr_engine.certificate.trust import read_bundle, write_bundle
from dsr_engine.domain.errors import InputWrong
from tests.certificate.conftest import Installation, Log
from tests.certificate.sample import sample


def test_a_bundle_comes_back_as_it_was_and_shows_its_fingerprints(home: Installation, tmp_path: Path) -> None:
    bundle = replace(home.bundle, tsa=home.bundle.ca)
    write_bundle(tmp_path / "bundle.json", bundle)
    assert read_bundle(tmp_path / "bundle.json") == bundle
    text = (tmp_path / "bundle.json").read_text(encoding="utf-8")
    assert fingerprint(home.signer.anchor) in text
    assert "PRIVATE" not in text


def test_a_bundle_that_shows_another_fingerprint_than_its_certificates_is_refused(home: Installation, stranger: Installation, tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    write_bundle(path, home.bundle)
    document = json.loads(path.read_text(encoding="utf-8"))
    document["ca"][0]["sha256"] = fingerprint(stranger.signer.anchor)
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputWrong) as error:
        read_bundle(path)
    assert error.value.code == "trust.fingerprint"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format":"dsr-trust/2"}', '{"format":"dsr-trust/1","controller":"x","ca":[{}],"log_keys":[],"tsa":[]}']
)
def test_a_malformed_bundle_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(text)
    with pytest.raises(InputWrong, match=r"bundle\.json") as error:
        read_bundle(path)
    assert error.value.code == "trust.malformed"


def test_a_missing_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputWrong) as error:
        read_bundle(tmp_path / "none.json")
    assert error.value.code == "trust.unreadable"


Lines = list[dict[str, object]]


def drop_last(lines: Lines) -> None:
    del lines[-1]


def drop_first(lines: Lines) -> None:
    del lines[1]


def change_entry(lines: Lines) -> None:
    lines[2]["data"] = '{"kind":"effect.done","key":"forged"}'


def add_entry(lines: Lines) -> None:
    lines.append({"index": len(lines) - 1, "data": "{}"})


def other_format(lines: Lines) -> None:
    lines[0]["format"] = "dsr-ledger/9"


def no_text(lines: Lines) -> None:
    lines[1]["data"] = 7


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (drop_last, "ledger.shorter"),
        (drop_first, "ledger.malformed"),
        (change_entry, "ledger.root"),
        (add_entry, "ledger.uncovered"),
        (other_format, "ledger.malformed"),
        (no_text, "ledger.malformed"),
    ],
)
def test_a_changed_ledger_is_refused(home: Installation, tmp_path: Path, change: Callable[[Lines], None], code: str) -> None:
    pdf = home.issue(sample())
    path = home.log.export(tmp_path / "ledger.jsonl")
    lines: Lines = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = check(pdf, home.bundle, ledger=path)
    assert not report.is_genuine
    assert report.code == code
    assert report.later == "unknown"


def test_a_ledger_from_before_the_certificate_is_refused(home: Installation, tmp_path: Path) -> None:
    """Its checkpoint is genuine; it is only too old to know of the certificate, so it must not pass for a clean record."""
    pdf = home.issue(sample())
    assert check(pdf, home.bundle, ledger=home.log.export(tmp_path / "old.jsonl", 3)).code == "ledger.shorter"


def test_the_ledger_of_somebody_else_is_refused(home: Installation, tmp_path: Path) -> None:
    pdf = home.issue(sample())
    other = Log(entries=[*home.log.entries])
    assert check(pdf, home.bundle, ledger=other.export(tmp_path / "other.jsonl")).code == "ledger.other_key"


def test_a_ledger_that_was_rewritten_with_its_own_key_is_refused(home: Installation, tmp_path: Path) -> None:
    pdf = home.issue(sample())
    rewritten = Log(entries=[b'{"kind":"other"}', *home.log.entries[1:]], private=home.log.private)
    assert check(pdf, home.bundle, ledger=rewritten.export(tmp_path / "rewritten.jsonl")).code == "ledger.other"


def test_a_ledger_file_that_is_not_there_is_wrong_input(home: Installation, tmp_path: Path) -> None:
    with pytest.raises(InputWrong):
        check(home.issue(sample()), home.bundle, ledger=tmp_path / "none.jsonl")


def test_the_look_of_the_operator_shadows_the_shipped_one(tmp_path: Path) -> None:
    assert load_look(tmp_path) == load_look() == Look()
    folder = tmp_path / "templates" / "certificate"
    folder.mkdir(parents=True)
    (folder / "logo.png").write_bytes(b"")
    (folder / "look.toml").write_text('lines = ["One", "Two"]\naccent = "#112233"\nlogo = "logo.png"\n')
    assert load_look(tmp_path) == Look(("One", "Two"), folder / "logo.png", "#112233")


@pytest.mark.parametrize(
    "text",
    ["colour = 1", 'accent = "red"', "accent = 7", "logo = 7", 'logo = "none.png"', "lines = [1]", 'lines = "x"', "fonts = [", 'fonts = ["x.ttf"]'],
)
def test_a_wrong_look_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "look.toml"
    path.write_text(text)
    with pytest.raises(InputWrong, match=r"look\.toml|none\.png|x\.ttf"):
        read_look(path)
