"""Commands with which an administrator ends what a mail server keeps: written out for each mailbox, and run where the system says so.

`maintenance_command` is a list of words and never a line for a shell. A word may hold `{user}` and `{folder}`; the word `{arguments}` stands for what
`doveadm` is to be told, so that `[sudo, doveadm, "{arguments}"]` runs all that is due. Without it the command is run once for each folder that was
changed, and does by itself whatever its server needs.

Names of folders are chosen by whoever owns the mailbox. They reach a program as a word of its own; where the program is ssh, which hands its words
to a shell at the other end, they are quoted for that. A command's output names people and subjects and is thrown away unread; of its end only the
code is told.
"""

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from dsr_engine.domain.errors import Conflict, NotAllowed
from dsr_engine.domain.residue import Work
from dsr_engine.drivers.mailstore.residuals import FOLDERS, USER, Kept

ARGUMENTS, FOLDER = "{arguments}", "{folder}"

#: Seconds that one command may take.
SECONDS = 600

#: What a command inherits of the engine's surroundings: no passwords.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "USER", "LOGNAME", "SSH_AUTH_SOCK", "TZ")


@dataclass(frozen=True, slots=True)
class Touched:
    """One mailbox in which mails were erased or rewritten. `user` is empty where it is not known whose it is."""

    user: str
    folders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """One command as a program takes it, and the channels that it closes. `is_known` False: a name in it has to be filled in by hand."""

    words: tuple[str, ...]
    closes: tuple[str, ...]
    is_known: bool

    @property
    def work(self) -> Work:
        """The command as it is typed into a shell."""
        return Work(shlex.join(self.words), self.closes, "nothing; the mailbox stays in use", "who administers the mail server")


#: Channels that an operator's own program may close, because no command for them is known here, or not for each server that has them.
_BY_PROGRAM = frozenset(
    {
        *("dovecot.full_text", "disk.full_text", "mail.storage", "cyrus.expunged", "cyrus.cache", "cyrus.full_text"),
        *("zimbra.full_text", "zimbra.dumpster"),
    }
)


def commands(command: Sequence[str], touched: Sequence[Touched], kept: Sequence[Kept]) -> tuple[Command, ...]:
    """What ends what is kept. Without a `command` of the system's own: what is to be typed where the server is."""
    if command and ARGUMENTS not in command:
        codes = tuple(entry.code for entry in kept if _closes(command, entry))
        if not codes:
            return ()
        return tuple(Command(_own(command, box.user, folder), codes, _is_known(command, box)) for box in touched for folder in box.folders)
    found: dict[tuple[str, ...], Command] = {}
    for box in touched:
        for entry in kept:
            for template in entry.commands:
                words = tuple(_expanded(command, tuple(_arguments(template, box))))
                before = found[words].closes if words in found else ()
                found[words] = Command(words, (*before, entry.code), bool(box.user))
    return tuple(found.values())


def _closes(command: Sequence[str], entry: Kept) -> bool:
    """True if a command without `{arguments}` ends this: one of `doveadm` by what it is told, any other as its owner promises."""
    if "doveadm" not in {PurePath(word).name for word in command}:
        return bool(entry.commands) or entry.code in _BY_PROGRAM
    said = f" {' '.join(command)} "
    verbs = [" ".join(word for word in template if word.isalpha()) for template in entry.commands]
    return bool(verbs) and all(f" {verb} " in said for verb in verbs[:1]) and not (verbs == ["purge"] and " cache purge " in said)


def _is_known(command: Sequence[str], box: Touched) -> bool:
    return bool(box.user) or not any(USER in word for word in command)


def _arguments(template: Sequence[str], box: Touched) -> Iterator[str]:
    for word in template:
        if word == FOLDERS:
            yield from ("--",) if any(folder.startswith("-") for folder in box.folders) else ()
            yield from box.folders
        else:
            yield word.replace(USER, box.user or "USER")


def _expanded(command: Sequence[str], arguments: tuple[str, ...]) -> Iterator[str]:
    """The words of the system's command around what `doveadm` is told; a remote shell takes quotes away."""
    for word in command or ("doveadm", ARGUMENTS):
        if word == ARGUMENTS:
            yield from (_quoted(command, each) for each in arguments)
        else:
            yield word


def _own(command: Sequence[str], user: str, folder: str) -> tuple[str, ...]:
    values = {USER: _quoted(command, user or "USER"), FOLDER: _quoted(command, folder)}
    return tuple(_filled(word, values) for word in command)


def _filled(word: str, values: Mapping[str, str]) -> str:
    """Both placeholders in one pass: a folder may be called `{user}`."""
    parts = word.split(USER)
    return values[USER].join(part.replace(FOLDER, values[FOLDER]) for part in parts)


def _quoted(command: Sequence[str], word: str) -> str:
    return shlex.quote(word) if command and PurePath(command[0]).name == "ssh" else word


def run(words: Sequence[str], seconds: float = SECONDS) -> None:
    """Runs one command to its end. Raises `NotAllowed` where it cannot be run or fails, `Conflict` where it takes too long; it is stopped then."""
    surroundings = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        process = subprocess.Popen(  # noqa: S603  # the operator's own command, as a list and not through a shell
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=surroundings,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "a name that no program can be given"
        raise NotAllowed(f"The maintenance command cannot be run: {said}", code="mail.maintenance", hint="see `maintenance_command`") from None
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise Conflict(f"The maintenance command took longer than {seconds:g} seconds", code="mail.maintenance", hint="run it by hand") from None
    finally:
        _end(process)
    if code != 0:
        raise NotAllowed(f"The maintenance command failed (exit code {code})", code="mail.maintenance", hint="run it by hand and read what it says")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Stops what is still running of the command, and whatever it started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
