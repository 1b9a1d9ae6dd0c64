"""Paths of many mailboxes with Dovecot's variables: `%u` is the whole name, `%n` what stands before its `@`, `%d` what stands behind, `%%` a `%`
(https://doc.dovecot.org/configuration_manual/config_file/config_variables/).

A name comes from outside and must not lead out of the pattern: one that would add a level, or go up one, is refused.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dsr_engine.domain.errors import InputWrong, ManifestWrong, NotAllowed, Unreachable
from dsr_engine.drivers.mailstore.disk import foreign_store

_VARIABLE = re.compile(r"%(.)")
_KNOWN = frozenset("und%")
CODE = "mail.pattern"

#: What mail is kept under, in one layout or another; beside these a file or folder called `*.mbox`.
_MAIL = frozenset({"cur", "new", "maildir", "mail", "mails", "mbox", "mailbox", "inbox", "mdbox", "sdbox", "dbox"})
#: What stands beside mailboxes and is none: files that are hidden, and locks.
_NOTHING = re.compile(r"\..*|.*\.lock", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Below:
    """Everybody whose mailbox lies below a path, and how many entries lie there in a place where none is expected."""

    names: tuple[str, ...]
    skipped: int = 0


def has_variables(path: str) -> bool:
    """True for a path that means another place for each mailbox."""
    return any(match[1] in "und" for match in _VARIABLE.finditer(path))


def fixed_part(pattern: str) -> Path:
    """The folder above everything that a variable changes."""
    parts = Path(pattern).parts
    return Path(*parts[: next((at for at, part in enumerate(parts) if has_variables(part)), len(parts))])


def path_of(pattern: str, mailbox: str) -> Path:
    """Where this mailbox lies. Raises `InputWrong`."""
    name, _, domain = mailbox.rpartition("@") if "@" in mailbox else (mailbox, "", "")
    values = {"u": mailbox, "n": name, "d": domain}
    parts = [part if _VARIABLE.search(part) is None else _VARIABLE.sub(lambda match: _value(match[1], values), part) for part in Path(pattern).parts]
    if any(part in ("", ".", "..") or ("/" in part and part != "/") or "\0" in part for part in parts):
        raise InputWrong("A mailbox's name does not fit into the path of the system", code=CODE, hint="%u is NAME@DOMAIN, %n NAME, %d DOMAIN")
    return Path(*parts)


def _value(sign: str, values: Mapping[str, str]) -> str:
    if sign not in _KNOWN:
        raise InputWrong("The path of the system has a variable that is not known", code=CODE, hint="write %u, %n, %d, or %% for a percent sign")
    return values.get(sign, "%")


def listed(pattern: str) -> Sequence[str]:
    """Everybody whose mailbox lies there now. Raises as `below` does."""
    return list(below(pattern).names)


def below(pattern: str) -> Below:
    """Everybody whose mailbox lies there now. A mailbox in another layout than the pattern's is there, too: its search says that it cannot be read.

    Raises `ManifestWrong` if the folder above is not there, `NotAllowed` where it may not be listed, `InputWrong` for a pattern without a name.
    """
    parts = Path(pattern).parts
    last = max((at for at, part in enumerate(parts) if has_variables(part)), default=-1)
    if not any(match[1] in "un" for match in _VARIABLE.finditer(pattern)):
        raise InputWrong("The path of the system does not say whose mailbox it is", code=CODE, hint="write %u or %n into it: maildir:/var/mail/%d/%n")
    places: list[tuple[Path, dict[str, str]]] = [(fixed_part(pattern), {})]
    if not places[0][0].is_dir():
        raise ManifestWrong(
            "There is no folder of mailboxes under the given path", code="mail.no_store", hint="see that the path is right and mounted"
        )
    skipped = 0
    for part in parts[len(places[0][0].parts) : last + 1]:
        shape = _shape(part)
        entries = [(path, fits) for above, known in places for path, fits in _entries(above, known, shape)]
        places = [(path, fits) for path, fits in entries if fits is not None]
        skipped += sum(fits is None and _NOTHING.fullmatch(path.name) is None for path, fits in entries)
    rest = [_VARIABLE.sub("%", part) for part in parts[last + 1 :]]
    there = [values for place, values in places if _is_there(place.joinpath(*rest)) or _has_mail(place)]
    names = tuple(values.get("u") or "@".join(values[sign] for sign in "nd" if sign in values) for values in there)
    return Below(names, skipped + len(places) - len(there))


def _shape(part: str) -> re.Pattern[str]:
    """What a name has to look like to stand for this step of the pattern."""
    signs = []
    at = 0
    for match in _VARIABLE.finditer(part):
        signs.append(re.escape(part[at : match.start()]))
        at = match.end()
        if match[1] == "%":
            signs.append("%")
        elif f"(?P<{match[1]}>" in "".join(signs):
            signs.append(f"(?P={match[1]})")
        else:
            signs.append(f"(?P<{_value(match[1], {match[1]: match[1]})}>.+)")
    return re.compile("".join(signs) + re.escape(part[at:]), re.DOTALL)


def _entries(above: Path, known: Mapping[str, str], shape: re.Pattern[str]) -> Iterator[tuple[Path, dict[str, str] | None]]:
    """What lies in a folder, with what the variables stand for there; None where it does not fit."""
    try:
        names = sorted(path.name for path in above.iterdir())
    except NotADirectoryError:
        yield above, None
        return
    except PermissionError:
        raise NotAllowed(
            "A folder of mailboxes may not be listed", code="mail.folder_unreadable", hint="run as the account that owns the mail"
        ) from None
    except OSError as error:
        raise Unreachable(f"A folder of mailboxes cannot be read: {error.strerror}", code="mail.disk") from None
    for name in names:
        match = shape.fullmatch(name)
        fits = match is not None and all(known.get(sign, value) == value for sign, value in match.groupdict().items())
        yield above / name, {**known, **match.groupdict()} if match is not None and fits else None


def _is_there(path: Path) -> bool:
    """A mailbox that may not be looked at, or that a link leads to which leads nowhere now, is there: its search says why it cannot be read."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return any(place.is_symlink() and not place.exists() for place in (path, *path.parents))
    except OSError:
        return True
    return True


def _has_mail(place: Path) -> bool:
    """True for somebody's folder that has no mailbox where the pattern expects it, and looks as if there were mail in another layout."""
    try:
        names = [path.name for path in place.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # nobody can tell
    return bool(foreign_store(names)) or any(name.casefold() in _MAIL or name.casefold().endswith(".mbox") for name in names)
