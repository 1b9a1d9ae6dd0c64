"""Where the folders of a Maildir are: Maildir++ (`.Sent`) and nested (`Archive/2020`) in one walk, never through a link."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Order matters to a reader: a delivery goes tmp → new → cur, so a mail on its way is met at least once.
SUBFOLDERS = ("tmp", "new", "cur")

INBOX = "INBOX"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder on disk. `reason` says why it cannot be searched; empty: it can."""

    path: Path
    reason: str = ""


def places(root: Path) -> dict[str, Place]:
    """Every folder by the name that people know it by; empty where `root` holds no Maildir.

    A Maildir++ folder loses its leading dot. Where a nested folder has that name too, it is called `./NAME`.
    """
    found: dict[str, Place] = {}
    for place in _walk(root):
        relative = place.path.relative_to(root).as_posix()
        name = INBOX if relative == "." else relative.removeprefix(".")
        found[name if name not in found else f"./{relative}"] = place
    return found


def _walk(folder: Path) -> Iterator[Place]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        yield Place(folder, "the folder may not be listed")
        return
    if any(entry.name in ("cur", "new") for entry in entries):
        yield Place(folder, _fault(folder))
    for entry in entries:
        if entry.name in SUBFOLDERS:
            continue
        if entry.is_symlink():
            if entry.is_dir():
                yield Place(Path(entry.path), "the folder is a symbolic link, which is not followed")
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))


def _fault(folder: Path) -> str:
    """Why the mails of a folder cannot be listed; empty: they can. A missing part of the three is an empty one."""
    for name in SUBFOLDERS:
        part = folder / name
        if part.is_symlink():
            return f"its {name} is a symbolic link, which is not followed"
        try:
            os.scandir(part).close()
        except FileNotFoundError:
            continue
        except OSError:
            return f"its {name} may not be listed or is no folder"
    return ""
