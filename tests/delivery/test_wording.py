"""Every language says the same: what is to be done, by whom the person is known, under which law, until when, and how to answer."""

import re
import tomllib
from pathlib import Path

import pytest

from dsr_engine.delivery.wording import filled, notice_text, words_of
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.recipient import NoticeState, Role, What
from dsr_engine.shipped import shipped
from tests.delivery.recipient_kinds import CANARY, ID, message

_FILES = sorted((shipped("templates") / "notices").glob("*.toml"))
_ENGLISH = tomllib.loads((shipped("templates") / "notices" / "en.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_a_language_has_every_sentence_with_every_value_and_no_other(path: Path) -> None:
    words = tomllib.loads(path.read_text(encoding="utf-8"))
    assert {key: sorted(value) if isinstance(value, dict) else None for key, value in words.items()} == {
        key: sorted(value) if isinstance(value, dict) else None for key, value in _ENGLISH.items()
    }
    for key in ("subject", "reminder", "text"):
        assert sorted(re.findall(r"{\w+}", words[key])) == sorted(re.findall(r"{\w+}", _ENGLISH[key])), key
    for key, sentence in words["told"].items():
        assert sorted(re.findall(r"{\w+}", sentence)) == sorted(re.findall(r"{\w+}", _ENGLISH["told"][key])), key
    assert set(words["states"]) == {state.value for state in NoticeState}
    assert set(words["roles"]) == {role.value for role in Role}
    assert set(words["what"]) == {what.value for what in What}


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_a_mail_says_what_the_recipient_has_to_know_and_its_subject_names_nobody(path: Path, tmp_path: Path) -> None:
    words = words_of(path.stem, tmp_path)
    subject, text = notice_text(message((What.ERASE, What.RESTRICT)), words)
    assert "c0ffee000000" in subject
    assert CANARY not in subject
    for part in (CANARY, "Art. 19 GDPR", "2026-04-02", "Teahouse", "privacy@example.com", "c0ffee000000", ID, *words["what"].values()):
        assert part in text
    _, again = notice_text(message(reminder=2), words)
    assert "2" in again.partition("\n")[0]
    assert words["what"]["restrict"] not in again


def test_an_identifier_in_braces_is_no_place_to_fill() -> None:
    assert filled("{identifiers}", {"identifiers": "{reference}"}) == "{reference}"


def test_a_value_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputWrong) as caught:
        filled("{person}", {"id": "x"})
    assert "person" in caught.value.message
    with pytest.raises(InputWrong):
        words_of("xx", tmp_path)
    (tmp_path / "templates" / "notices").mkdir(parents=True)
    (tmp_path / "templates" / "notices" / "en.toml").write_bytes(b"\xff")
    with pytest.raises(InputWrong) as broken:
        words_of("en", tmp_path)
    assert broken.value.code == "notice.template"
