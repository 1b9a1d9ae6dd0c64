"""The README tells the truth: its commands, their options, and the reasons for which a case can stand still."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from dsr_engine.cli.entry import dsr

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _lines() -> list[str]:
    """Every `dsr …` in the README: in code blocks, with continued lines joined, and in text."""
    joined = re.sub(r"\\\n\s*", "", README)
    blocks = re.findall(r"^(?: {4,})(dsr .*)$", joined, re.MULTILINE)
    words = re.findall(r"`(dsr [^`]+)`", joined)
    return sorted({line.partition("#")[0].strip() for line in (*blocks, *words)})


def _walk(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words lead to, and the options that they use on the way."""
    command: click.Command = dsr
    options: list[str] = []
    context = click.Context(dsr)
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            options.append(word)
            assert _knows(command, word), f"{command.name} has no {word}"
        elif isinstance(command, click.Group) and (found := command.get_command(context, word)) is not None:
            command = found
        else:
            assert not (isinstance(command, click.Group) and word.isalpha() and word.islower() and not options), f"no command {word}"
    return command, options


def _knows(command: click.Command, option: str) -> bool:
    return any(option in parameter.opts for parameter in command.params if isinstance(parameter, click.Option))


def test_there_are_commands_in_the_readme() -> None:
    assert len(_lines()) > 15


@pytest.mark.parametrize("line", _lines())
def test_a_command_of_the_readme_exists_with_its_options(line: str) -> None:
    command, _ = _walk(shlex.split(line.replace("…", ""))[1:])
    assert command is not dsr


def _codes() -> Iterator[str]:
    """The codes of waits and obstacles that the workflow makes."""
    for path in sorted((ROOT / "dsr_engine" / "workflow").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Wait", "Obstacle") and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    yield str(code.value)
                elif isinstance(code, ast.Name) and code.id in constants:
                    yield str(constants[code.id])


@pytest.mark.parametrize("code", sorted({*_codes(), "server.changed", "first_batch.failed"}))
def test_a_reason_to_stand_still_is_explained_under_troubleshooting(code: str) -> None:
    assert f"`{code}`" in README.partition("## Troubleshooting")[2]


def test_the_exit_codes_are_those_of_the_program() -> None:
    table = re.findall(r"^\| (\d) \| (\w+)", README, re.MULTILINE)
    assert [code for code, _ in table] == ["0", "1", "2", "3"]
