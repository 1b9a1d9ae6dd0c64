"""Folders that are named after a person: a record of its own for each, whose text is the name and whose redaction is another name.

A record is each folder on a path in whose own level the person stands (`Clients/Jane Roe`; of `Clients/Jane Roe/2024` the folder above). INBOX,
folders that the server keeps for a purpose, names of mailboxes and of other users are none. Which level it is, is looked up by the spelling here;
whether it is the person, `content.match` decides, as of any text. Mails are called by their folder, so a plan changes a folder's name when all else
is done (`workflow/batching.py`), those that lie deeper first.

The new name has `[redacted 1f0c2a9b]` where the person stood, with digits that are made from what stood there under the key of the case: the same
name at each try, another one for each folder, and nobody's once the case is forgotten. So whoever looks for a folder, or for a mail in it, by a name
that is not there any more finds it under the only kind of name that it can have become.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dsr_engine.content.gate import Gate
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.anonymize import FieldFacts, Method, MethodName
from dsr_engine.domain.correspondence import FOLDER, FOLDER_NAME
from dsr_engine.domain.errors import DsrError, ManifestWrong, NotAllowed, NotSupported
from dsr_engine.domain.plan import Delete, SetValue
from dsr_engine.domain.record import Doubt, Locator, Record, Unit
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import (
    AboutSubjects,
    Absent,
    Change,
    Done,
    Drifted,
    Failed,
    Foreseen,
    Moved,
    Observation,
    Outcome,
    Present,
    Problem,
    Slice,
    Watched,
)
from dsr_engine.drivers.mailstore.estate import WHOLE, collection_of, split
from dsr_engine.drivers.mailstore.scope import Scope
from dsr_engine.drivers.mailstore.store import Folder, Key, Planned, Sighting, Store

#: The key of a folder's name among the mails of the folder; no mail has an empty first part.
KEY: Key = ("", "folder")
#: The part of a folder whose search is about its name.
PART = ("name",)

_INBOX = "INBOX"
_DIGITS = 8
#: New names that are tried until one is free.
_TRIES = 10
_MARK = re.compile(r"\[redacted [0-9a-f]{8}\]")
_TEXT = FieldFacts("folder")


class FolderNames:
    """The names of the folders of one system."""

    def __init__(self, system: System, store: Store, scope: Scope) -> None:
        self._system, self._store, self._scope = system, store, scope
        self._is_of_many = bool(system.setting("mailboxes"))

    # --- looking -----------------------------------------------------------------------------------------------------

    def slices(self, folders: Sequence[Folder], query: AboutSubjects) -> Iterator[Slice]:
        """A slice for each folder in whose name somebody may stand."""
        named = [folder for folder in folders if query.gate.passes_text(self._inner(folder.name))]
        spelling = Matcher(query.subjects) if named else None
        paths = dict.fromkeys(unit[0] for folder in named if spelling is not None for unit in self._spelled(folder, spelling))
        yield from (Slice(self._system.name, path, PART) for path in paths)

    def find(self, path: str, query: AboutSubjects, server: str) -> Iterator[Record]:
        """The record of a folder in whose name somebody may stand."""
        spelling = Matcher(query.subjects)
        near = [replace(folder, name=self._outer(path, folder.name)) for folder in self._near(path)]
        units = [unit for folder in near for name, unit in self._spelled(folder, spelling) if name == path]
        if units:
            yield Record(Locator(self._system.name, path, KEY), (min(units, key=lambda unit: unit.doubt.value),), server)

    def read(self, path: str, gate: Gate, server: str) -> Record | None:
        """The record of a folder that was found, for whoever looks at it; None: the folder is not there any more."""
        folder = self._at(path)
        if folder is None:
            return None
        levels = self._inner(path).split(folder.separator)
        starts = (len(levels) - 1, 0, *range(1, len(levels) - 1))
        start = next((start for start in starts if gate.passes_text(folder.separator.join(levels[start:]))), 0)
        doubt = Doubt.GUESSED if 0 < start < len(levels) - 1 else Doubt.NONE
        unit = Unit(FOLDER_NAME, folder.separator.join(levels[start:]), role=FOLDER, doubt=doubt)
        return Record(Locator(self._system.name, path, KEY), (unit,), server)

    def observe(self, server: str, watched: Watched) -> Observation:
        """A folder that the plan renamed is known by its new name, one that moved along with another above it by its own."""
        path, name = watched.locator.collection, self._inner(watched.locator.collection)
        folder = self._at(path)
        if folder is not None:
            return Present(server, _state(name, folder, name))
        for heir, folder in self._heirs(path):
            fresh = self._inner(heir)
            state = _state(fresh, folder, fresh)
            if watched.becomes is not None and watched.becomes(state):
                if self._store.renaming(path).lingers(name):
                    return Present(server, _state(name, folder, fresh))
                return Moved(server, Locator(self._system.name, heir, KEY), state)
            if watched.becomes is None and _last(fresh, folder) == _last(name, folder):
                return Moved(server, Locator(self._system.name, heir, KEY), state)
        return Absent(server)

    def located(self, path: str, keys: Sequence[Key], planned: Planned) -> list[tuple[str, Sighting | None]]:
        """Mails, each with the folder in which it is now. Raises `ManifestWrong` where that is gone, and no other has a name that it can have got."""
        try:
            return [(path, sighting) for sighting in self._store.locate(path, keys, planned)]
        except ManifestWrong as error:
            known = self._heirs(path) if error.code == "mail.no_folder" else []
            heirs = [heir for heir, folder in known if folder.name == self._inner(heir)]  # what only has others below it has no mail
            if not heirs:
                raise
        found: dict[int, tuple[str, Sighting | None]] = {}
        for heir in heirs:
            left = [index for index in range(len(keys)) if index not in found]
            there = self._store.locate(heir, [keys[index] for index in left], planned)
            found.update((index, (heir, sighting)) for index, sighting in zip(left, there, strict=True) if sighting is not None)
        return [found.get(index, (path, None)) for index in range(len(keys))]

    def now(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Folders by the names that they have now. One that is neither there nor renamed, or in a mailbox that cannot be asked, keeps its own."""
        found: dict[str, None] = {}
        near: dict[str, Sequence[Folder]] = {}
        for path in paths:
            mailbox = split(path)[0] if self._is_of_many else ""
            if mailbox not in near:
                near[mailbox] = ()
                with contextlib.suppress(DsrError):
                    near[mailbox] = self._near(path)
            name = self._inner(path)
            heirs = () if any(folder.name == name for folder in near[mailbox]) else [one.name for one in near[mailbox] if _can_be(one.name, name)]
            found |= dict.fromkeys([self._outer(path, heir) for heir in heirs] or [path])
        return tuple(found)

    # --- changing ----------------------------------------------------------------------------------------------------

    def foresee(self, server: str, change: Change, rewriter: Rewriter) -> Foreseen:
        path = change.locator.collection
        folder, name = self._at(path), self._inner(path)
        if folder is None:
            return Foreseen(None, None, change.effect, server)
        fresh, state = self._free(path, folder, rewriter), _state(name, folder, name)
        refusal = self._refusal(path, change) or self._store.renaming(path).refusal(name, fresh)
        if refusal is not None or fresh == name:
            return Foreseen(state, state, change.effect, server, refusal=refusal)
        return Foreseen(state, _state(fresh, folder, fresh), change.effect, server)

    def change(self, change: Change, rewriter: Rewriter) -> Outcome:
        """Renames the folder if its name is still the one of the plan, or goes on with a rename that was killed."""
        path = change.locator.collection
        folder, name = self._at(path), self._inner(path)
        if folder is not None:
            fresh, known_as = self._free(path, folder, rewriter), name
        else:
            begun = [(self._inner(heir), made) for heir, made in self._heirs(path)]
            names = {number: (heir, made) for heir, made in begun for number in range(_TRIES) if heir == _renamed(name, made, rewriter, number)}
            if not names:
                return Drifted("absent")
            fresh, folder = names[max(names)]
            known_as = fresh
        if _state(name, folder, known_as) != change.expect:
            return Drifted("changed")
        try:
            self._store.renaming(path).rename(name, fresh)
        except (NotSupported, NotAllowed, ManifestWrong) as error:
            return Failed(error.code, error.message)
        made = self._at(self._outer(path, fresh))
        if made is None or self._at(path) is not None:
            return Failed("mail.folder_stays", "the store keeps the folder under its old name")
        return Done(_state(fresh, made, fresh))

    def _free(self, path: str, folder: Folder, rewriter: Rewriter) -> str:
        """The first new name that no folder has: a filter may have made the old one anew after an earlier round.

        A name that others only have above theirs is free: where folders below are renamed one by one, a try that was killed has begun with it.
        """
        there = {entry.name for entry in self._near(path)}
        names = [_renamed(self._inner(path), folder, rewriter, number) for number in range(_TRIES)]
        return next((name for name in names if name not in there), names[0])

    def _refusal(self, path: str, change: Change) -> Problem | None:
        if isinstance(change.effect, Delete):
            hint = "say that it mentions the person, and it gets another name; or let it stay"
            return Problem("mail.folder_deleted", "A folder named after the person is not deleted, since all that is in it would go too", hint)
        if self._scope.lists(path):
            reason = "systems.yaml or the connector names a folder that is named after the person, and would not find it by another name"
            return Problem("mail.folder_listed", reason, "rename it by hand and correct the settings, then run the case again")
        return None

    # --- names -------------------------------------------------------------------------------------------------------

    def _spelled(self, folder: Folder, spelling: Matcher) -> Iterator[tuple[str, Unit]]:
        """The folder and those above it in whose own level somebody's name ends, with the text of it; names that are no folder's are left out.

        Where dots part levels, an address takes several, and nobody can tell where it begins: what could be one is a guess, and people decide.
        """
        name, separator = self._inner(folder.name), folder.separator
        if name == WHOLE or not separator:
            return
        levels = name.split(separator)
        first = 0 if folder.is_own else levels.index(folder.holder) + 1 if folder.holder in levels else 1
        last = len(levels) - bool(folder.role)
        ends = {
            first + separator.join(levels[first:last])[: span.end - 1].count(separator) for span in spelling.spans(separator.join(levels[first:last]))
        }
        for depth in range(first, last):
            path = separator.join(levels[: depth + 1])
            starts = (depth, first) if depth in ends else range(first, depth + 1) if separator == "." else ()
            texts = (separator.join(levels[start : depth + 1]) for start in starts)
            text = next((text for text in texts if _ends_in(text, levels[depth], spelling)), "")
            if text and path.upper() != _INBOX:
                doubt = Doubt.NONE if depth in ends else Doubt.GUESSED
                yield self._outer(folder.name, path), Unit(FOLDER_NAME, text, role=FOLDER, doubt=doubt)

    def _inner(self, path: str) -> str:
        return split(path)[1] if self._is_of_many else path

    def _outer(self, path: str, name: str) -> str:
        return collection_of(split(path)[0], name) if self._is_of_many else name

    def _near(self, path: str) -> Sequence[Folder]:
        return self._store.renaming(path).folders()

    def _at(self, path: str) -> Folder | None:
        """The folder of this name, or one below it where it has no mail of its own."""
        name, near = self._inner(path), self._near(path)
        below = (folder for folder in near if folder.separator and folder.name.startswith(name + folder.separator))
        return next((folder for folder in near if folder.name == name), None) or next(below, None)

    def _heirs(self, path: str) -> list[tuple[str, Folder]]:
        """Folders whose name can be what redactions made of this one."""
        name, found = self._inner(path), dict[str, Folder]()
        for folder in self._near(path):
            levels = folder.name.split(folder.separator) if folder.separator else []
            for depth in range(1, len(levels) + 1):
                fresh = folder.separator.join(levels[:depth])
                if _can_be(fresh, name) and (fresh not in found or fresh == folder.name):
                    found[fresh] = folder
        return [(self._outer(path, fresh), folder) for fresh, folder in found.items()]


def _can_be(fresh: str, name: str) -> bool:
    """True if the new name is the old one with marks for some of it."""
    return _MARK.search(fresh) is not None and re.fullmatch(".+".join(map(re.escape, _MARK.split(fresh))), name, re.DOTALL) is not None


def _ends_in(text: str, level: str, spelling: Matcher) -> bool:
    return any(span.end > len(text) - len(level) for span in spelling.spans(text))


def _renamed(name: str, folder: Folder, rewriter: Rewriter, number: int) -> str:
    """The name with the person's spans in its last level marked; if there is none, in as little of the levels before it as holds one."""
    levels = name.split(folder.separator)
    for start in range(len(levels) - 1, -1, -1):
        text = folder.separator.join(levels[start:])
        if (fresh := marked(text, rewriter, number)) != text:
            return folder.separator.join([*levels[:start], fresh])
    return name


def marked(text: str, rewriter: Rewriter, number: int = 0) -> str:
    """The text with a mark for each span of the person, which is the same at each try and another one for another span or number."""
    how = SetValue(Method(MethodName.PSEUDONYM), FOLDER, number)
    parts, done = [], 0
    for start, end in rewriter.spans(text):
        code = str(rewriter.replaced(how, text[start:end].replace("@", " "), _TEXT)).removeprefix("p-")
        parts += [text[done:start], f"[redacted {code[:_DIGITS]}]"]
        done = end
    return "".join((*parts, text[done:]))


def _last(name: str, folder: Folder) -> str:
    return name.rpartition(folder.separator)[2]


def _state(name: str, folder: Folder, known_as: str) -> bytes:
    """What tells that a folder, which is found under some name, still has this one; where only others below it are found, the name alone does.

    Under a name that it was given its stamp does not count: a server may give it another with it.
    """
    last = _last(name, folder)
    stamp = folder.stamp if folder.name == known_as and not _MARK.search(last) else ""
    return hashlib.sha256("\0".join(("folder", last, stamp)).encode("utf-8", "surrogateescape")).digest()
