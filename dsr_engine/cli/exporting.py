"""How exports leave the house by the command line: as JSON or any text, on the terminal or in a new file."""

import json
from pathlib import Path

from dsr_engine.cli.terminal import print_line, print_verbatim
from dsr_engine.domain.errors import InputWrong


def one_format(*chosen: bool) -> None:
    """Raises `InputWrong` where more than one format is asked for."""
    if sum(chosen) > 1:
        raise InputWrong("one format at a time", code="option.format", hint="leave the others out")


def json_text(document: object) -> str:
    """The document as `print_json` writes it."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def deliver(text: str, out: Path | None) -> None:
    """Prints the text, or writes it to a file that is not there yet. Raises `InputWrong` for one that is."""
    if out is None:
        print_verbatim(text.rstrip("\n"))
        return
    if out.exists():
        raise InputWrong(f"{out} is there already", code="export.exists", hint="choose another name; nothing was changed")
    out.write_text(text, encoding="utf-8", newline="")
    print_line(f"it is in {out}")
