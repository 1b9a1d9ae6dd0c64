"""The house rules that a machine can check, beside import-linter's contracts: sizes, names, exceptions, time, docstrings, what may stand where."""

import ast
import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ROOT / "dsr_engine"
MODULES = sorted(ENGINE.rglob("*.py"))
ALL_PYTHON = [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]

#: Where any error may be caught, because what comes in there is not ours.
BROAD = {"workflow/engine.py", "drivers/wrapped.py", "content/sandbox.py"}
#: Names that say nothing of what is in a module.
EMPTY_NAMES = {"manager", "helper", "helpers", "util", "utils", "base", "common", "misc"}
TOP_LEVEL = {
    *("dsr_engine", "connectors", "policies", "templates", "tests", "pyproject.toml", "README.md"),
    *("LICENSE", "Makefile", "CHANGELOG.md", "requirements.lock", ".ci", ".gitignore"),
}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(_text(path))


def _calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_no_file_is_longer_than_500_lines() -> None:
    assert [_name(path) for path in ALL_PYTHON if len(_text(path).splitlines()) > 500] == []


def test_a_module_says_why_it_exists() -> None:
    assert [_name(path) for path in MODULES if not ast.get_docstring(_tree(path))] == []


def test_an_init_file_is_a_docstring() -> None:
    assert [_name(path) for path in MODULES if path.name == "__init__.py" and len(_tree(path).body) != 1] == []


def test_a_module_is_named_for_what_is_in_it() -> None:
    assert [_name(path) for path in MODULES if path.stem in EMPTY_NAMES] == []


def test_broad_excepts_stand_in_three_files_only() -> None:
    broad = []
    for path in MODULES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "Exception"
                if re.search(r"\b(Exception|BaseException)\b", caught) and path.relative_to(ENGINE).as_posix() not in BROAD:
                    broad.append(f"{_name(path)}:{node.lineno}")
    assert broad == []


def test_time_comes_from_a_clock() -> None:
    allowed = {"dsr_engine/domain/clock.py", "dsr_engine/cli/sample/company.py"}  # the sample invents dates for invented people
    clocks = {"datetime.now", "datetime.utcnow", "date.today", "time.time"}
    assert [_name(path) for path in MODULES if _name(path) not in allowed and clocks & set(_calls(_tree(path)))] == []


def test_what_flows_between_rooms_is_frozen_and_slotted() -> None:
    loose = []
    for path in sorted((ENGINE / "domain").glob("*.py")):
        for node in ast.walk(_tree(path)):
            for decorator in node.decorator_list if isinstance(node, ast.ClassDef) else ():
                text = ast.unparse(decorator)
                if text.startswith("dataclass") and not ("frozen=True" in text and "slots=True" in text):
                    loose.append(f"{_name(path)}:{decorator.lineno}")
    assert loose == []


def test_an_ignored_type_error_says_which_and_why() -> None:
    bare = []
    for path in ALL_PYTHON:
        for number, line in enumerate(_text(path).splitlines(), 1):
            is_ignoring = re.search(r"#\s*type:\s*ignore", line) and "re.search" not in line
            if is_ignoring and not re.search(r"type:\s*ignore\[[a-z-, ]+\]\s*#\s*\S+", line):
                bare.append(f"{_name(path)}:{number}")
    assert bare == []


def test_the_top_level_holds_what_it_may_hold() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    assert {name.split("/")[0] for name in files if name} <= TOP_LEVEL


def test_connectors_policies_and_templates_hold_no_python() -> None:
    assert not [path for folder in ("connectors", "policies", "templates") for path in (ROOT / folder).rglob("*.py")]


def test_every_public_function_of_a_stage_file_is_the_stage() -> None:
    from dsr_engine.domain.case import Stage  # noqa: PLC0415  # the other tests read text only
    from dsr_engine.workflow.stages import STAGES  # noqa: PLC0415  # as above

    assert set(STAGES) == set(Stage) - {Stage.CLOSED}
    for stage, function in STAGES.items():
        # A copy of somebody's data ends its way at the stage that finds it: its own look stands before that stage.
        files = ("reviewing",) if stage is Stage.DISCOVER else (stage.value, f"make_{stage.value}")
        assert function.__module__.rpartition(".")[2] in files


def test_a_case_that_is_saved_was_read_under_its_lock() -> None:
    """`save` writes the whole row: what somebody did between a read without the lock and the save, such as a refusal, would be lost."""
    unlocked = []
    for path in [path for path in MODULES if "store.transaction()" in _text(path)]:
        for block in ast.walk(_tree(path)):
            if isinstance(block, ast.With) and any("store.transaction()" in ast.unparse(item.context_expr) for item in block.items):
                body = ast.unparse(block)
                if "tx.cases.get(" in body and re.search(r"tx\.cases\.save\(|woken\(", body):
                    unlocked.append(f"{_name(path)}:{block.lineno}")
    assert unlocked == []
