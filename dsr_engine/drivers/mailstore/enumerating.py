"""Whose mailboxes there are: a list, a file, a command, a directory, or everybody whose mail lies on a disk.

An enumeration that fails is an error and never an empty list, and one that is empty is an error, too: "nobody was asked about" must not look like
"nobody has mail". It is asked anew by every search, so that a verification also looks into mailboxes that are new since the plan. Nothing that a
program prints on its way to fail is repeated: it tends to name people.
"""

import contextlib
import csv
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from dsr_engine.domain.errors import InputWrong, ManifestWrong, Unreachable
from dsr_engine.drivers.mailstore.directory import Directory

#: Seconds that a command may take, and bytes that it or a file may bring: a hundred thousand names take 3 MB.
_SECONDS = 60
_BYTES = 64 * 1024 * 1024

#: The longest name of a mailbox (an address has 254 characters at most, RFC 5321 § 4.5.3.1).
_LONGEST = 320

EMPTY = "mail.no_mailboxes"
FAILED = "mail.enumeration"


@dataclass(frozen=True, slots=True, repr=False)
class Source:
    """The setting `mailboxes`. One of the first five says where the names come from; `left_out` are names or patterns that are not searched."""

    is_everybody: bool = False
    names: tuple[str, ...] = ()
    file: str = ""
    command: tuple[str, ...] = ()
    directory: Directory | None = None
    column: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Mailboxes:
    """Whose mailboxes are searched, in order. `listed` are all, also those that `except` leaves out; `idle` are entries of it that mean nobody."""

    names: tuple[str, ...]
    listed: frozenset[str] = frozenset()
    idle: tuple[str, ...] = ()

    @property
    def left_out(self) -> int:
        return len(self.listed) - len(self.names)


def source_of(setting: str) -> Source:
    """The setting as `spec/mailboxes.py` writes it: one JSON object."""
    said: dict[str, Any] = json.loads(setting)
    return Source(
        is_everybody=bool(said.get("all")),
        names=tuple(said.get("names", ())),
        file=said.get("file", ""),
        command=tuple(said.get("command", ())),
        directory=Directory(**said["ldap"]) if "ldap" in said else None,
        column=said.get("column", ""),
        left_out=tuple(said.get("except", ())),
    )


def enumerated(source: Source, everybody: Callable[[], Sequence[str]]) -> Mailboxes:
    """Asks who there is, now. `everybody` lists the disk.

    Raises `Unreachable` where the answer did not come or is not whole, `InputWrong` where it cannot be read, `ManifestWrong` where it is empty.
    """
    found = sorted(dict.fromkeys(name.strip() for name in _asked(source, everybody)))
    names = tuple(name for name in found if not any(_is_meant(name, pattern) for pattern in source.left_out))
    if any(not name or len(name) > _LONGEST or not name.isprintable() for name in names):
        raise InputWrong("What lists the mailboxes gives something that is no name of a mailbox", code=FAILED, hint="one name in each line")
    if not names:
        raise ManifestWrong(
            "There is no mailbox to search" if not found else "`except` leaves no mailbox to search",
            code=EMPTY,
            hint="see what `mailboxes` of the system asks, and who it is that asks",
        )
    idle = tuple(pattern for pattern in source.left_out if not any(_is_meant(name, pattern) for name in found))
    return Mailboxes(names, frozenset(found), idle)


def _is_meant(name: str, pattern: str) -> bool:
    return fnmatchcase(name.casefold(), pattern.casefold())


def _asked(source: Source, everybody: Callable[[], Sequence[str]]) -> Sequence[str]:
    if source.is_everybody:
        return everybody()
    if source.file:
        return _from_file(Path(source.file), source.column)
    if source.command:
        return _lines(_printed(source.command))
    if source.directory is not None:
        ask = import_module("dsr_engine.drivers.mailstore.directory_search").names
        return cast("Sequence[str]", ask(source.directory))
    return source.names


def _from_file(path: Path, column: str) -> list[str]:
    """One name in each line, `#` begins a comment; or a column of a CSV file with headings."""
    try:
        with path.open("rb") as file:
            data = file.read(_BYTES + 1)
    except OSError as error:
        raise InputWrong(
            f"The file that lists the mailboxes cannot be read: {error.strerror}", code=FAILED, hint="see `file` in `mailboxes` of the system"
        ) from None
    text = _text(data)
    return _column(text, column) if column else _lines(text)


def _text(data: bytes) -> str:
    if len(data) > _BYTES:
        raise InputWrong(f"What lists the mailboxes is longer than {_BYTES:,} bytes", code=FAILED, hint="one name in each line, and nothing else")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputWrong("What lists the mailboxes is not UTF-8", code=FAILED, hint="write the list as UTF-8") from None


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _column(text: str, column: str) -> list[str]:
    """Every row must have the column: a row that is cut short would be a mailbox left out in silence."""
    head = text.partition("\n")[0]
    rows = csv.reader(text.splitlines(), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        headings = [heading.strip() for heading in next(rows, [])]
        if headings.count(column) != 1:
            raise InputWrong("The file that lists the mailboxes has no such column, or has it twice", code=FAILED, hint="see `column` in `mailboxes`")
        at = headings.index(column)
        given = [row[at].strip() if at < len(row) else "" for row in rows if any(cell.strip() for cell in row)]
    except csv.Error:
        raise InputWrong("The file that lists the mailboxes is no proper CSV", code=FAILED, hint="see its quotes") from None
    if not all(given):
        raise InputWrong(
            f"{given.count('')} rows of the file that lists the mailboxes name none", code=FAILED, hint="fill the column, or take rows out"
        )
    return given


def _printed(command: tuple[str, ...]) -> str:
    """What a program prints, run without a shell. Raises `Unreachable` where it fails: half a list is no list."""
    late = threading.Event()
    try:
        process = subprocess.Popen(  # noqa: S603  # the operator's own command, as a list and not through a shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        raise InputWrong(
            f"The command that lists the mailboxes cannot be run: {error.strerror}", code=FAILED, hint="see `command` in `mailboxes` of the system"
        ) from None

    def give_up() -> None:
        late.set()
        _end(process)

    watch = threading.Timer(_SECONDS, give_up)
    watch.start()
    with process:
        try:
            assert process.stdout is not None
            data = process.stdout.read(_BYTES + 1)
            if len(data) > _BYTES:
                _end(process)
            code = process.wait()
        finally:
            watch.cancel()
    text = _text(data)
    if late.is_set():
        raise Unreachable(f"The command that lists the mailboxes took longer than {_SECONDS} seconds", code=FAILED, hint="run it by hand")
    if code != 0:
        raise Unreachable(f"The command that lists the mailboxes failed (exit code {code})", code=FAILED, hint="run it by hand, as the engine's user")
    return text


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Stops the program and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
