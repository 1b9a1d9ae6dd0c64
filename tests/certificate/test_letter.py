"""Letters hold what the law demands, have no holes, and read the same in every language."""

import re
import subprocess
import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.certificate.letter import FRAMES, VALUES, as_pdf, as_text, check, languages, words_of, write
from dsr_engine.certificate.look import Look
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.letter import ELEMENTS, LetterKind
from dsr_engine.shipped import shipped
from dsr_engine.spec.categories import categories
from dsr_engine.spec.home import load_regimes
from tests.servers.lifecycle import program

LANGUAGES = languages()
REGIMES = load_regimes(shipped("policies") / "regimes")
FULL = {name: f"<{name}>" for name in VALUES}
EVERY = [(kind, language) for kind in LetterKind for language in LANGUAGES]


def test_letters_come_in_english_and_german_at_least() -> None:
    assert {"en", "de"} <= set(LANGUAGES)


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_a_letter_with_all_values_has_what_every_regime_demands(kind: LetterKind, language: str) -> None:
    values = FULL if kind is not LetterKind.COMPLETION else {name: value for name, value in FULL.items() if name != "kept"}
    letter = write(kind, language, values)
    for regime in REGIMES.values():
        check(letter, regime.letters.get(kind, {}))
        assert letter.elements >= set(regime.letters.get(kind, {}))


@pytest.mark.parametrize(("kind", "language"), EVERY)
@pytest.mark.parametrize("without", sorted(VALUES))
def test_a_letter_never_has_a_hole(kind: LetterKind, language: str, without: str) -> None:
    letter = write(kind, language, {name: value for name, value in FULL.items() if name != without}) if without != "received" else None
    if letter is not None:
        text = as_text(letter)
        assert f"<{without}>" not in text
        assert not re.search(r"[{}]", text)


def test_what_is_missing_is_named_with_the_law_that_demands_it() -> None:
    letter = write(LetterKind.REFUSAL, "en", {name: value for name, value in FULL.items() if name not in ("court", "reason")})
    with pytest.raises(InputWrong) as refused:
        check(letter, REGIMES["gdpr"].letters[LetterKind.REFUSAL])
    assert "why nothing is done (Art. 12(4))" in refused.value.message
    assert "may go to court (Art. 12(4), 79)" in refused.value.message


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_every_language_cover_the_same_things(language: str) -> None:
    english = tomllib.loads((shipped("templates") / "letters" / "en" / "words.toml").read_text(encoding="utf-8"))
    other = tomllib.loads((shipped("templates") / "letters" / language / "words.toml").read_text(encoding="utf-8"))
    assert {section: set(words) for section, words in english.items() if isinstance(words, dict)} == {
        section: set(words) for section, words in other.items() if isinstance(words, dict)
    }
    assert set(english["categories"]) <= set(categories())
    assert "2028" in words_of(language).day(date(2028, 2, 29))


@pytest.mark.parametrize("category", sorted(categories()))
def test_every_category_has_a_word(category: str) -> None:
    for language in LANGUAGES:
        assert words_of(language).category(category)


def test_a_letter_of_the_operators_own_shadows_the_shipped_one_and_its_mistakes_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "letters" / "en"
    folder.mkdir(parents=True)
    own = folder / "refusal.txt"
    own.write_text("[subject]\nNo\n[reasons]\nBecause {reason}.\n", encoding="utf-8")
    assert as_text(write(LetterKind.REFUSAL, "en", {"reason": "we say so"}, tmp_path)) == "Because we say so.\n"
    for text, message in (
        ("hello\n[subject]\nNo\n", "refusal.txt:1: text before the first section"),
        ("[subject]\nNo\n[reason]\nx\n", "refusal.txt:3: no such section: reason"),
        ("[subject]\nNo\n[reasons]\n{resaon}\n", "no such value: resaon"),
        ("[subject]\nNo\n[reasons if resaon]\nx\n", "no such value: resaon"),
        ("[reasons]\nx\n", "has no subject"),
    ):
        own.write_text(text, encoding="utf-8")
        with pytest.raises(InputWrong, match=re.escape(message)):
            write(LetterKind.REFUSAL, "en", FULL, tmp_path)


def test_a_language_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InputWrong) as refused:
        write(LetterKind.REFUSAL, "tlh", FULL)
    assert "en" in refused.value.hint


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_can_be_printed_and_read_by_another_program(language: str, tmp_path: Path) -> None:
    path = tmp_path / "letter.pdf"
    letter = write(LetterKind.PARTIAL, language, {**FULL, "kept": "– <first>\n– <second>"})
    path.write_bytes(as_pdf(letter, ("Example Ltd", "1 Example Street"), Look()))
    text = subprocess.run(
        [program("pdftotext", install="apt-get install poppler-utils"), path, "-"], capture_output=True, text=True, check=True
    ).stdout
    assert all(word in text for word in ("Example Ltd", "<first>", "<second>", "<court>", "<reference>"))


@given(st.text(max_size=200))
def test_whatever_stands_in_a_value_stays_a_value(value: str) -> None:
    letter = write(LetterKind.REFUSAL, "en", {**FULL, "reason": value or "x"})
    assert letter.elements <= set(ELEMENTS) | set(FRAMES)
