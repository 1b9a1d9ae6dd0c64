"""Changes files of a home all together or not at all: first it is proved that the home loads with them, then they are written, each by a rename."""

import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.spec.home import Declared, load_home

_lock = threading.Lock()


def text_of(home: Path, name: str) -> str:
    """The file of this name, relative to its home; empty where there is none. Line ends stay as they are."""
    try:
        return (home / name).read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        raise InputWrong(f"{name} cannot be read", code="home.unreadable", hint="it has to be a file in UTF-8 that the server may read") from None


def prove(home: Path, environment: Mapping[str, str], changed: Mapping[str, str]) -> Declared:
    """What the home would declare with these files (name → text). Nothing in it is touched. Raises `SpecWrong` with every problem."""
    with _copy(home, changed) as copy:
        return load_home(copy, environment, allow_gaps=True)


@contextmanager
def _copy(home: Path, changed: Mapping[str, str]) -> Iterator[Path]:
    """A folder that looks like the home, with the changed files as they would be."""
    with tempfile.TemporaryDirectory(prefix="dsr-home-") as folder:
        copy = Path(folder)
        for path in home.iterdir():
            if path.name != "connectors" and path.name not in changed:
                (copy / path.name).symlink_to(path.resolve())
        (copy / "connectors").mkdir()
        for path in sorted((home / "connectors").glob("*.y*ml")):
            if f"connectors/{path.name}" not in changed:
                (copy / "connectors" / path.name).symlink_to(path.resolve())
        for name, text in changed.items():
            (copy / name).write_bytes(text.encode())
        yield copy


def write(home: Path, before: Mapping[str, str], changed: Mapping[str, str]) -> None:
    """Writes the files in the order given. `before` is what they were when the change was made of them (empty: not there).

    Raises `Conflict` where one is something else by now, `InputWrong` where the folder cannot be written; nothing is changed then.
    """
    with _lock:
        for name, text in before.items():
            if text_of(home, name) != text:
                raise Conflict(f"{name} was changed meanwhile", code="home.changed", hint="look at it again, then save once more")
        done: list[str] = []
        try:
            for name, text in changed.items():
                _write(home / name, text)
                done.append(name)
        except OSError as error:
            for name in done:
                _restore(home / name, before.get(name, ""))
            raise InputWrong(
                f"the files of the home cannot be written: {error.strerror}",
                code="home.read_only",
                hint="let the server's account write systems.yaml and connectors/, or put the text there yourself",
            ) from None


def _write(path: Path, text: str) -> None:
    """All of it or nothing, also if the machine goes down meanwhile; a file keeps its permissions."""
    path.parent.mkdir(exist_ok=True)
    target = path.resolve()
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o640
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(mode)
        Path(draft).replace(target)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise


def _restore(path: Path, text: str) -> None:
    with suppress(OSError):
        _write(path, text) if text else path.unlink(missing_ok=True)
