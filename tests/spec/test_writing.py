"""Files are changed where they are to be changed and nowhere else, and only when the home loads with the change."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.bootstrap import create_home
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.spec.document import Block
from dsr_engine.spec.loader import parse_document
from dsr_engine.spec.problems import SpecWrong
from dsr_engine.spec.proving import prove, text_of, write
from dsr_engine.spec.writing import drop, put, scalar, written_at

_OURS = """\
# ours, since 2019
systems:
  shop:                # the old one
    connector: sqlite
    url: "sqlite:///shop.db"   # do not move

  # mail comes next
  mail: {connector: maildir, url: "maildir:mail"}
# the end
"""


def _plain(value: object) -> object:
    if isinstance(value, Block):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value if value is None else str(value)


def _data(text: str) -> object:
    return _plain(parse_document(text.encode(), "x").root)


def test_a_system_is_added_and_every_comment_stays() -> None:
    text = put(put(_OURS, ("systems", "lake", "connector"), "s3"), ("systems", "lake", "bucket"), scalar("acme-lake"))
    assert text == _OURS.replace("# the end\n", "  lake:\n    connector: s3\n    bucket: acme-lake\n# the end\n")


def test_one_value_is_replaced_and_nothing_else() -> None:
    assert put(_OURS, ("systems", "shop", "connector"), "shop") == _OURS.replace("connector: sqlite", "connector: shop")
    assert put(_OURS, ("systems", "mail", "connector"), "shop") == _OURS.replace("connector: maildir", "connector: shop")


@pytest.mark.parametrize("text", ["systems: {}\n", "systems:\n", "systems:", "# nothing\nsystems: {}  # yet\n", "", "# nothing\n", "systems: {}\r\n"])
def test_the_first_system_of_a_new_home(text: str) -> None:
    assert _data(put(text, ("systems", "shop", "connector"), "sqlite")) == {"systems": {"shop": {"connector": "sqlite"}}}


def test_what_is_taken_away_takes_its_empty_blocks_with_it() -> None:
    text = "a:\n  b:\n    c: 1\n  # said of d\n  d: 2\ne: {f: 3, g: 4}\n"
    assert drop(text, ("a", "b", "c")) == "a:\n  # said of d\n  d: 2\ne: {f: 3, g: 4}\n"
    assert drop(text, ("e", "f")) == text.replace("{f: 3, g: 4}", "{g: 4}")
    assert drop(text, ("e", "x")) == text


def test_texts_of_several_lines_are_passed_by() -> None:
    text = "a:\n  about: |\n    first\n    # no comment\n\n  b: 1\nlast: |\n  words\n"
    assert _data(put(text, ("a", "c"), "2")) == {"a": {"about": "first\n# no comment\n", "b": "1", "c": "2"}, "last": "words\n"}
    assert _data(put(text, ("last",), "x")) == {"a": {"about": "first\n# no comment\n", "b": "1"}, "last": "x"}
    assert _data(put(text, ("z",), "x")) == {"a": {"about": "first\n# no comment\n", "b": "1"}, "last": "words\n", "z": "x"}


def test_what_is_written_at_a_place_comes_back_as_it_is_written() -> None:
    assert written_at(_OURS, ("systems", "shop")) == {"connector": "sqlite", "url": '"sqlite:///shop.db"'}
    assert written_at(_OURS, ("systems", "none")) == {}


def test_nothing_is_put_below_a_text() -> None:
    with pytest.raises(InputWrong):
        put("systems: many\n", ("systems", "shop", "connector"), "sqlite")


_WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=12)
_NAMES = st.text("abcdeé:#{}[]-. ", min_size=1, max_size=6).filter(lambda text: text.strip() == text)
_TREES = st.recursive(_WORDS, lambda inner: st.dictionaries(_NAMES, inner, min_size=1, max_size=3), max_leaves=8)


def _as_yaml(tree: object, column: int = 0) -> str:
    if isinstance(tree, dict):
        lead = "\n" if column else ""
        return lead + "\n".join(f"{' ' * column}{scalar(key)}: {_as_yaml(inner, column + 3)} " for key, inner in tree.items())
    return scalar(str(tree)) + "   # said"


@given(st.dictionaries(_NAMES, _TREES, max_size=3), st.lists(_NAMES, min_size=1, max_size=3).map(tuple), _WORDS)
def test_whatever_is_put_in_is_there_and_the_rest_is_as_it_was(tree: dict[str, object], path: tuple[str, ...], value: str) -> None:
    text = "# head\n" + _as_yaml(tree) + "\n"
    expected: dict[str, object] = tree
    for step in path[:-1]:
        inner = expected.get(step)
        if inner is not None and not isinstance(inner, dict):
            with pytest.raises(InputWrong):
                put(text, path, scalar(value))
            return
        expected = inner if isinstance(inner, dict) else expected.setdefault(step, {})  # type: ignore[assignment]  # a nested mapping
    expected[path[-1]] = value
    after = put(text, path, scalar(value))
    assert _data(after) == tree
    assert after.startswith("# head\n")


# --- proved, then written ----------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_home(tmp_path / "home", "Example Ltd")
    return tmp_path / "home"


def test_a_change_with_which_the_home_would_not_load_is_not_made(home: Path) -> None:
    before = text_of(home, "systems.yaml")
    with pytest.raises(SpecWrong) as wrong:
        prove(home, {}, {"systems.yaml": put(before, ("systems", "shop", "connector"), "nothing-like-it")})
    assert "no such connector" in str(wrong.value)
    assert text_of(home, "systems.yaml") == before
    assert list(home.joinpath("connectors").iterdir()) == []


def test_a_file_that_somebody_changed_meanwhile_is_left_alone(home: Path) -> None:
    before = text_of(home, "systems.yaml")
    (home / "systems.yaml").write_text("# mine\nsystems: {}\n", encoding="utf-8")
    with pytest.raises(Conflict):
        write(home, {"systems.yaml": before, "connectors/shop.yaml": ""}, {"connectors/shop.yaml": "x", "systems.yaml": "y"})
    assert text_of(home, "systems.yaml") == "# mine\nsystems: {}\n"
    assert not (home / "connectors/shop.yaml").exists()


def test_what_cannot_be_written_whole_is_taken_back(home: Path) -> None:
    before = text_of(home, "systems.yaml")
    (home / "blocked").mkdir()
    with pytest.raises(InputWrong) as refused:
        write(home, {"systems.yaml": before}, {"systems.yaml": "systems: {}\n", "blocked": "a folder stands there"})
    assert refused.value.code == "home.read_only"
    assert text_of(home, "systems.yaml") == before


def test_a_file_keeps_its_permissions_and_its_line_ends(home: Path) -> None:
    (home / "systems.yaml").write_bytes(b"systems: {}\r\n")
    (home / "systems.yaml").chmod(0o600)
    before = text_of(home, "systems.yaml")
    after = put(put(before, ("systems", "mail", "connector"), "maildir"), ("systems", "mail", "url"), scalar("maildir:mail"))
    prove(home, {}, {"systems.yaml": after})
    write(home, {"systems.yaml": before}, {"systems.yaml": after})
    assert (home / "systems.yaml").read_bytes() == b'systems:\r\n  mail:\r\n    connector: maildir\r\n    url: "maildir:mail"\r\n'
    assert (home / "systems.yaml").stat().st_mode & 0o777 == 0o600
