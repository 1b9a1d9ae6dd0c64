"""Where the folders of a Maildir are: Maildir++ (`.Sent`) and nested (`Archive/2020`) in one walk, never through a link."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imapclient import imap_utf7

from dsr_engine.drivers.mailstore.disk import foreign_store

#: Order matters to a reader: a delivery goes tmp → new → cur, so a mail on its way is met at least once.
SUBFOLDERS = ("tmp", "new", "cur")

INBOX = "INBOX"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder on disk. `reason` says why it cannot be searched; empty: it can. `is_foreign`: it belongs to another kind of store."""

    path: Path
    reason: str = ""
    is_foreign: bool = False


def places(root: Path) -> dict[str, Place]:
    """Every folder by the name that people know it by; empty where `root` holds no Maildir.

    A Maildir++ folder loses its leading dot, and a name in modified UTF-7 (RFC 3501, 5.1.3) is decoded. Where two would have one name, the second is
    called by its path, `./NAME`.
    """
    found: dict[str, Place] = {}
    for place in _walk(root):
        relative = place.path.relative_to(root).as_posix()
        name = INBOX if relative == "." else _shown(relative.removeprefix("."))
        found[name if name not in found else f"./{relative}"] = place
    return found


def separator(name: str, place: Place, root: Path) -> str:
    """What parts the levels of a folder's name: a dot between folders that lie beside each other (Maildir++), else a slash."""
    return "." if "/" not in name and place.path.relative_to(root).as_posix().startswith(".") else "/"


def _shown(name: str) -> str:
    """The name as a mail program shows it, if it is one in modified UTF-7 and nothing is lost."""
    if "&" not in name or not name.isascii():
        return name
    try:
        shown = imap_utf7.decode(name.encode("ascii"))
        is_same = imap_utf7.encode(shown) == name.encode("ascii")
    except (ValueError, LookupError):  # a name with an & in it, and no UTF-7
        return name
    return shown if is_same and shown.isprintable() and shown.count("/") == name.count("/") else name


def _walk(folder: Path) -> Iterator[Place]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        yield Place(folder, "the folder may not be listed")
        return
    if foreign := foreign_store(entry.name for entry in entries):
        yield Place(folder, f"it is {foreign}, which only the server may change; search it over IMAP", is_foreign=True)
        return
    if any(entry.name in ("cur", "new") for entry in entries):
        yield Place(folder, _fault(folder))
    for entry in entries:
        if entry.name not in SUBFOLDERS and (entry.is_dir() or _leads_nowhere(entry)):
            yield from _walk(Path(entry.path)) if not entry.is_symlink() else (_linked(entry.path),)


def _leads_nowhere(entry: os.DirEntry[str]) -> bool:
    """True for a link whose end is not there now: it may be a folder on a disk that is not mounted."""
    return entry.is_symlink() and not Path(entry.path).exists()


def _linked(path: str) -> Place:
    return Place(Path(path), "the folder is a symbolic link, which is not followed")


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
