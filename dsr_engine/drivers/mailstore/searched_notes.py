"""What a check tells of a mail system beside what is wrong: whose mailboxes are searched and why that is allowed, and what their folders are for."""

from collections import Counter
from collections.abc import Iterator, Sequence

from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.mailstore.estate import Estate, split
from dsr_engine.drivers.mailstore.scope import Scope
from dsr_engine.drivers.mailstore.store import Folder, Store

MAILBOXES = "mail.mailboxes_searched"
FOLDERS = "mail.folders_searched"


def searched_notes(system: System, store: Store, scope: Scope, folders: Sequence[Folder]) -> Iterator[Problem]:
    """Notes about the mailboxes and folders that the check met."""
    if isinstance(store, Estate):
        because = system.because or "they are named one by one"
        yield _note(MAILBOXES, f"{_count(store.count, 'mailbox', 'es')} searched, because: {because}")
    searched = [folder for folder in folders if scope.means(folder.name) and not folder.reason]
    if not searched:
        return
    people = len({split(folder.name)[0] for folder in searched}) if isinstance(store, Estate) else 0
    tried = f" in {people:,} mailbox{'' if people == 1 else 'es'} that the check opened" if people else ""
    roles = _of_many(searched) if people else _of_one(searched)
    yield _note(FOLDERS, f"{_count(len(searched), 'folder', 's')} searched{tried}" + (f"; {', '.join(roles)}" if roles else ""))


def _of_one(folders: Sequence[Folder]) -> list[str]:
    """Roles with the folders that have them: `sent: Sent Items`."""
    return sorted(f"{folder.role}: {folder.name}" for folder in folders if folder.role)


def _of_many(folders: Sequence[Folder]) -> list[str]:
    """Roles with how many folders have them; folders of that many people have too many names."""
    counts = Counter(folder.role for folder in folders if folder.role)
    return [f"{role}: {count}" for role, count in sorted(counts.items())]


def _count(number: int, noun: str, plural: str) -> str:
    return f"{number:,} {noun} is" if number == 1 else f"{number:,} {noun}{plural} are"


def _note(code: str, message: str) -> Problem:
    return Problem(code, message, is_fatal=False, is_note=True)
