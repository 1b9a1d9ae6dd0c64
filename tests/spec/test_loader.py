"""YAML from strangers: never a crash, never a guess, never a minute of work."""

import hashlib
from collections.abc import Callable

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import DsrError
from dsr_engine.spec.connector_file import manifest_from
from dsr_engine.spec.document import Block, Document, Items, Text
from dsr_engine.spec.loader import DEEPEST, MOST_BYTES, MOST_NODES, parse_document
from dsr_engine.spec.policy_file import policy_from
from dsr_engine.spec.problems import SpecWrong
from dsr_engine.spec.regime_file import regime_from
from tests.spec.files import document

READERS = (policy_from, manifest_from, regime_from)

#: Pieces of YAML and of our languages, so that random files come close to right ones.
_PIECES = st.sampled_from(
    [
        *("policy: a\n", "rules:\n", "  - name: x\n", "    when: {category: user}\n", "    then: delete\n", "regimes: [gdpr]\n"),
        *("connector: a\n", "driver: sql\n", "collections:\n", "  t: {fields: {a: {category: user}}}\n", "regime: x\n", "grounds: {a: {cite: b}}\n"),
        *("- ", "? ", ": ", "&a ", "*a", "!!x ", "{", "}", "[", "]", "|\n", ">\n", "---\n", "...\n", "%YAML 1.2\n", '"\\UFFFFFFFF"', '"\\ud800"'),
        *("null", "~", "\t", "\n", "  ", "#", "'", '"', "keep: {for: 2 years, from: a}\n", "\u2028", "\x07", "0x1F", "1e999", "<<: {a: b}\n"),
    ]
)


@given(st.lists(_PIECES | st.text(max_size=8), max_size=30).map("".join))
@settings(deadline=None, max_examples=400)
@example('a: "\\UFFFFFFFF"')
@example("%YAML 1." + "9" * 5000 + "\n---\na: b")
@example("? [a]\n: b")
@example("rules: [null]\npolicy: a\nregimes: [gdpr]")
def test_no_text_crashes_a_reader(text: str) -> None:
    for reader in READERS:
        wrong = _refusal(reader, text.encode("utf-8", "surrogatepass"))
        if wrong is not None:
            assert wrong.problems
            assert all(problem.source.line >= 1 and problem.source.column >= 1 for problem in wrong.problems)
            assert str(wrong).encode()


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="this PyYAML has no libyaml; `pip install --force-reinstall --only-binary :all: PyYAML`")
@given(st.lists(_PIECES | st.text(max_size=8), max_size=30).map("".join))
@settings(deadline=None, max_examples=400)
@example("a: {go?ne: b}")
@example("? ")
@example("a: b\n---")
@example("a: c{*a\t\\")
def test_what_libyaml_reads_pyyaml_reads_alike(text: str) -> None:
    content = text.encode("utf-8", "surrogatepass")
    swift = _read(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "__with_libyaml__", False)
        assert _read(content) == swift


def _read(content: bytes) -> object:
    """All that a document says with all its places, or all that is wrong with it."""
    try:
        return _told(parse_document(content, "x.yaml").root)
    except SpecWrong as wrong:
        return wrong.problems


def _told(value: object) -> object:
    if isinstance(value, Block):
        return value.place, [(key, value.key_places[key], value.value_places[key], _told(inner)) for key, inner in value.items()]
    if isinstance(value, Items):
        return value.place, value.places, [_told(inner) for inner in value]
    return (value, value.is_plain) if isinstance(value, Text) else value


def _refusal(reader: Callable[[Document], object], content: bytes) -> SpecWrong | None:
    try:
        reader(parse_document(content, "x.yaml"))
    except SpecWrong as wrong:
        return wrong
    return None


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_no_bytes_crash_the_loader(content: bytes) -> None:
    try:
        parsed = parse_document(content, "x.yaml")
    except SpecWrong:
        return
    assert parsed.digest == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("text", ["no", "0151234567", "22:22", "2026-01-01", "1e3", "0x1F", "1_000", "on", "Yes", ".inf", "=", "<<"])
def test_a_text_stays_a_text_however_it_looks(text: str) -> None:
    value = document(f"policy: {text}\n").root["policy"]
    assert (value, type(value)) == (text, Text)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 .:/@+_-]{0,30}[A-Za-z0-9]", fullmatch=True).filter(lambda text: ": " not in text))
@settings(deadline=None)
def test_every_plain_word_comes_back_as_it_was_written(text: str) -> None:
    loaded = document(f"key: {text}\n").root["key"]
    assert loaded == (None if text in ("null", "Null", "NULL") else text)


def test_every_value_knows_its_line_and_column() -> None:
    parsed = document("a:\n  - b: c\n  - [d, e]\n")
    problem = parsed.problem(("a", 1, 1), "here")
    assert (problem.source.line, problem.source.column, problem.source.file) == (3, 9, "policies/leads.yaml")
    assert isinstance(parsed.root["a"], Items)
    assert isinstance(parsed.root["a"][0], Block)


def test_a_file_of_more_than_256_kib_is_refused() -> None:
    with pytest.raises(SpecWrong, match=r"x\.yaml:1:1: larger than 256 KiB"):
        parse_document(b"a: b\n" + b"#" * MOST_BYTES, "x.yaml")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 50_000, "- " * 100_000, "? " * 100_000, "a:\n" + "".join(" " * n + "-\n" for n in range(1, 300))]
)
def test_deep_nesting_is_refused_and_not_followed(text: str) -> None:
    with pytest.raises(SpecWrong, match=f"nested more than {DEEPEST} deep|not valid YAML"):
        parse_document(text.encode(), "x.yaml")


def test_a_file_of_too_many_values_is_refused() -> None:
    with pytest.raises(SpecWrong, match=f"more than {MOST_NODES:,} values"):
        parse_document(b"a: [" + b"b," * (MOST_NODES + 1) + b"]", "x.yaml")


def test_a_billion_laughs_is_refused_at_its_first_anchor() -> None:
    with pytest.raises(SpecWrong, match=r"x\.yaml:1:4: anchors"):
        parse_document(b"a: &a [lol, lol]\nb: &b [*a, *a]\nc: [*b, *b]\n", "x.yaml")


def test_an_alias_is_refused_even_where_nothing_declares_it() -> None:
    with pytest.raises(SpecWrong, match=r"x\.yaml:1:4: aliases"):
        parse_document(b"a: *b\n", "x.yaml")


def test_a_file_that_is_no_utf8_is_refused_with_its_place() -> None:
    with pytest.raises(SpecWrong, match=r"x\.yaml:2:4: not UTF-8"):
        parse_document(b"a: b\nc: \xff\n", "x.yaml")


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_is_refused(text: str) -> None:
    with pytest.raises(SpecWrong, match=r"empty|a file holds keys and values"):
        parse_document(text.encode(), "x.yaml")


def test_a_control_character_is_refused_so_that_no_name_can_repaint_a_terminal() -> None:
    with pytest.raises(SpecWrong, match="cannot be printed"):
        parse_document(b'policy: "a\\e[2Jb"\n', "x.yaml")


def test_the_errors_of_a_parser_quote_nothing_of_the_file() -> None:
    with pytest.raises(DsrError) as caught:
        parse_document(b"password: 'hunter2\nb: %hunter2 @hunter2 `hunter2\n", "x.yaml")
    assert "hunter2" not in str(caught.value)
