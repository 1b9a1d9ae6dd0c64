"""Letters hold what the law demands, have no holes, and read the same in every language."""

import io
import re
import subprocess
import tomllib
from datetime import date
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.certificate.letter import FRAMES, VALUES, as_pdf, as_text, check, languages, words_of, write
from dsr_engine.certificate.look import Look
from dsr_engine.domain.deadline import ClockUnit
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.letter import ELEMENTS, LetterKind
from dsr_engine.domain.request import Right
from dsr_engine.shipped import shipped
from dsr_engine.spec.categories import categories
from dsr_engine.spec.home import load_regimes
from tests.servers.lifecycle import program

LANGUAGES = languages()
#: Why a request may take longer or be refused, as `dsr case extend` and `dsr case refuse` know it; `other` is for the officer to say.
REASONS = (
    "complexity",
    "number_of_requests",
    "complexity_and_number",
    "manifestly_unfounded",
    "excessive",
    "cannot_identify",
    "unverified",
    "exempt",
)
REGIMES = load_regimes(shipped("policies") / "regimes")
FULL = {name: f"<{name}>" for name in VALUES}
EVERY = [(kind, language) for kind in LetterKind for language in LANGUAGES]


def test_letters_come_in_five_languages() -> None:
    assert {"en", "de", "fr", "es", "zh"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_letter_with_the_same_sections_as_english(language: str) -> None:
    def headers(of: str, kind: LetterKind) -> list[str]:
        text = (shipped("templates") / "letters" / of / f"{kind.value}.txt").read_text(encoding="utf-8")
        return re.findall(r"^\[.*\]$", text, re.MULTILINE)

    for kind in LetterKind:
        assert headers(language, kind) == headers("en", kind)
    written = {element for kind in LetterKind for element in write(kind, language, FULL).elements}
    assert written >= set(ELEMENTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_ground_reason_right_authority_and_span_has_a_word(language: str) -> None:
    words = words_of(language)
    assert {ground.name for regime in REGIMES.values() for ground in regime.grounds} <= set(words.grounds)
    assert set(REASONS) <= set(words.reasons)
    assert {right.value for right in Right} == set(words.rights)
    assert {regime.appeal.authority for regime in REGIMES.values() if regime.appeal} <= set(words.authorities)
    for unit in (*ClockUnit, "years"):
        assert "7" in words.length(7, str(unit))
        assert words.length(1, str(unit))


#: The longest sentence and the mean, in words (in Chinese, where words are not apart: in characters), as guides to plain language advise.
_LONGEST, _MEAN = {"zh": 60}, {"zh": 30}


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_letters_are_written_in_short_sentences(kind: LetterKind, language: str) -> None:
    words = words_of(language)
    real = {"asked": words.rights["erasure"], "verification": words.verification["asked"], "received": words.day(date(2026, 11, 21))}
    sentences = [part for part in re.split(r"(?<=[.?!:。？！：])\s*|\n", as_text(write(kind, language, {**FULL, **real}))) if part.strip()]
    lengths = [len(sentence) if language == "zh" else len(sentence.split()) for sentence in sentences]
    assert max(lengths) <= _LONGEST.get(language, 25), sentences[lengths.index(max(lengths))]
    assert sum(lengths) / len(lengths) <= _MEAN.get(language, 14)


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


def _printed(data: bytes, path: Path) -> str:
    path.write_bytes(data)
    reader = program("pdftotext", install="apt-get install poppler-utils")
    return subprocess.run([reader, "-enc", "UTF-8", path, "-"], capture_output=True, encoding="utf-8", check=True).stdout


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "zh"])
def test_a_letter_can_be_printed_and_read_by_another_program(language: str, tmp_path: Path) -> None:
    letter = write(LetterKind.PARTIAL, language, {**FULL, "kept": "– <first>\n– <second>"})
    text = _printed(as_pdf(letter, ("Example Ltd", "1 Example Street"), Look()), tmp_path / "letter.pdf")
    assert all(word in text for word in ("Example Ltd", "<first>", "<second>", "<court>", "<reference>", "<today>"))


def test_a_letter_says_what_it_is_and_in_which_language(tmp_path: Path) -> None:
    data = as_pdf(
        write(LetterKind.COMPLETION, "fr", {name: FULL[name] for name in FULL if name not in ("kept", "nothing_found")}), ("Example Ltd",), Look()
    )
    with pikepdf.open(io.BytesIO(data)) as document:
        assert (str(document.Root.Lang), str(document.docinfo["/Title"])) == ("fr", "Vos données ont été effacées")


def test_chinese_characters_are_left_to_the_readers_font_where_none_has_them_and_stay_text(tmp_path: Path) -> None:
    data = as_pdf(write(LetterKind.REFUSAL, "zh", {**FULL, "reason": "该请求明显没有依据"}), ("示例公司",), Look())
    with pikepdf.open(io.BytesIO(data)) as document:
        fonts = {str(font.BaseFont) for page in document.pages for font in page.Resources.Font.values()}
    assert "/STSong-Light" in fonts
    assert all(character in _printed(data, tmp_path / "letter.pdf") for character in "请求示例")


@given(st.text(max_size=200))
def test_whatever_stands_in_a_value_stays_a_value(value: str) -> None:
    letter = write(LetterKind.REFUSAL, "en", {**FULL, "reason": value or "x"})
    assert letter.elements <= set(ELEMENTS) | set(FRAMES)
