"""The program `dsr` as the shell sees it: imports, pipes, locales, colours, narrow terminals."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dsr_engine.cli.entry import main
from tests.cli.company import EMAIL, NAME, Company
from tests.cli.conftest import DSR

HEAVY = ("sqlalchemy", "pyhanko", "boto3", "reportlab", "hyperscan", "cryptography", "moto", "pikepdf")


@pytest.mark.parametrize("what", ["import dsr_engine", "import dsr_engine.cli.entry", "from dsr_engine.cli.entry import main\nmain(['--help'])"])
def test_help_and_import_do_not_import_the_world(what: str) -> None:
    program = f"import sys\ntry:\n    {what.replace(chr(10), chr(10) + '    ')}\nfinally:\n    sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [name for name in HEAVY if name in done.stderr.split()] == []


def test_the_help_names_every_command_and_each_has_a_help() -> None:
    said = subprocess.run([DSR, "--help"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^  ([a-z]+) {2,}\S", said.partition("Commands:")[2], re.MULTILINE)
    assert {"init", "check", "find", "case", "erase", "sweep", "hold", "stop", "worker", "verify", "ledger", "demo", "catalog"} <= set(names)
    for name in names:
        with pytest.raises(SystemExit) as left:
            main([name, "--help"])
        assert left.value.code == 0


def test_output_into_a_closed_pipe_is_no_traceback(company: Company) -> None:
    words = [str(DSR), "find", "--email", EMAIL, *company.urls(), "--json"]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode != 0


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_a_terminal_that_knows_few_characters_gets_escapes_and_valid_json(company: Company, encoding: str) -> None:
    (company.files / "grün ☕ 茶.txt").write_text(EMAIL, encoding="utf-8")
    words = [str(DSR), "find", "--email", EMAIL, "--name", NAME, "--in", str(company.files)]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    plain = subprocess.run(words, capture_output=True, env=environment, check=False)
    assert plain.returncode == 0, plain.stderr
    done = subprocess.run([*words, "--json"], capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    places = [row["locator"] for row in json.loads(done.stdout.decode(encoding))["findings"]]
    assert "grün ☕ 茶.txt" in places


def _on_a_terminal(words: list[str], columns: int, **variables: str) -> str:
    """What a command writes to a terminal of that width."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "40", **variables}
    running = subprocess.Popen(words, stdout=follower, stderr=subprocess.DEVNULL, env=environment)
    os.close(follower)
    written = b""
    try:
        while chunk := os.read(leader, 65536):
            written += chunk
    except OSError:
        pass  # Linux says EIO when the other end is gone
    finally:
        os.close(leader)
    running.wait()
    return written.decode()


def test_no_colour_is_written_where_nobody_wants_it(company: Company) -> None:
    words = [str(DSR), "find", "--name", NAME, "--in", str(company.shop)]
    assert "\x1b[" in _on_a_terminal(words, 100, NO_COLOR="")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", _on_a_terminal(words, 100, NO_COLOR="1"))
    piped = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "\x1b" not in piped.stdout + piped.stderr


@pytest.mark.parametrize("columns", [60, 100])
def test_a_narrow_terminal_folds_no_line_itself_and_loses_no_word(company: Company, columns: int) -> None:
    said = _on_a_terminal([str(DSR), "find", "--email", EMAIL, *company.urls()], columns, NO_COLOR="1")
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in said.splitlines()]
    assert max(map(len, lines)) <= columns
    for word in ("customers.csv.gz", "mentions", "certain", "quarter.zip"):
        assert word in said


def test_an_error_that_nobody_foresaw_shows_its_place_and_not_its_text(company: Company) -> None:
    program = (
        "import sys\nfrom dsr_engine.cli import entry, finding\n"
        f"def broken(*_):\n    raise RuntimeError('secret {EMAIL}')\nfinding.claims_from = broken\n"
        f"entry.main(['find', '--email', '{EMAIL}', '--in', sys.argv[1]])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(company.shop)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "mistake of the engine" in done.stderr
    assert "RuntimeError" in done.stderr
    assert EMAIL not in done.stderr


def test_the_program_runs_from_any_folder_and_says_its_version(tmp_path: Path) -> None:
    done = subprocess.run([DSR, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "dsr" in done.stdout
