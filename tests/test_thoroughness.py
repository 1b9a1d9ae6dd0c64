"""A plain run draws from the tests that take long; what it draws from has to be there."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests import thoroughness

_ROOT = Path(__file__).parents[1]


def _names(path: Path) -> Iterator[str]:
    """Functions and classes; a class may have its tests from another one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from (node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))


def test_every_duration_is_one_of_a_test() -> None:
    noted = {tuple(name.split("::")[:2]) for name in thoroughness.durations()}
    there = {(file, name) for file in {file for file, _ in noted} if (_ROOT / file).is_file() for name in _names(_ROOT / file)}
    assert sorted(noted - there) == []
    assert len(noted) > 500


def test_of_tests_that_take_a_second_each_fourth_is_drawn_and_others_in_each_run() -> None:
    known = {"t.py::test_one": 1.0, "t.py::test_short": 0.1}
    names = [f"t.py::test_one[{number}]" for number in range(2000)]

    def drawn(run: str) -> set[str]:
        return {name for name in names if thoroughness.is_drawn(name, is_slow=False, known=known, run=run)}

    assert 400 < len(drawn("a")) < 600
    assert drawn("a") == drawn("a") != drawn("b")
    assert thoroughness.is_drawn("t.py::test_short[x]", is_slow=False, known=known, run="a")
    assert sum(thoroughness.is_drawn(f"t.py::test_short[{number}]", is_slow=True, known=known, run="a") for number in range(2000)) < 200
