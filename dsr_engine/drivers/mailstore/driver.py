"""The driver for mail stores: one way to find, look again, foresee and change, over any kind of store.

A record is a mail; a collection is a folder. What a policy may ask of a mail beside what is in it stands in `ages.py`. The name of a folder in which
somebody stands is a record of its own (`folder_names.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from dsr_engine.content.format import Reading
from dsr_engine.content.gate import Gate
from dsr_engine.content.mail.skim import Skimmer
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.screening import Memory, Noting
from dsr_engine.domain.correspondence import Envelope
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.plan import Delete, Edit, Rewrite
from dsr_engine.domain.record import Gap, Locator, Record, Unit
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import (
    AboutSubjects,
    Absent,
    Change,
    CollectionFacts,
    Counted,
    Drifted,
    Foreseen,
    Looked,
    Moved,
    Observation,
    OlderThan,
    Outcome,
    Present,
    Problem,
    Query,
    Slice,
    Traits,
    Watched,
)
from dsr_engine.drivers.mailstore.ages import ANYWHERE, DATE, FIELDS, asked_of, count_of, facts_of, is_due, steady
from dsr_engine.drivers.mailstore.estate import checked, opened, vanished
from dsr_engine.drivers.mailstore.folder_names import KEY, PART, FolderNames
from dsr_engine.drivers.mailstore.marks import write_marked
from dsr_engine.drivers.mailstore.message import is_mail, read_message, skim_message, skimming, write_message
from dsr_engine.drivers.mailstore.roles import envelope_alone, standing
from dsr_engine.drivers.mailstore.scope import Scope
from dsr_engine.drivers.mailstore.screening import Verdict, screened
from dsr_engine.drivers.mailstore.sealed import is_sealed
from dsr_engine.drivers.mailstore.searched_notes import searched_notes
from dsr_engine.drivers.mailstore.signatures import broken
from dsr_engine.drivers.mailstore.store import Gone, Mail, Order, Sighting, slice_of
from dsr_engine.drivers.unchanged import Marks

#: The place of an mbox's envelope sender, which is outside of the message.
SENDER = "envelope:from"

#: The place of the name of a mail's file, where mails are files that people name.
FILE_NAME = "file:name"


class MailstoreDriver:
    """One connection to one Maildir, mbox or IMAP account."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._store = opened(system)
        self._scope = Scope(system)
        self._names = FolderNames(system, self._store, self._scope)

    @property
    def traits(self) -> Traits:
        return self._store.traits

    def check(self) -> Sequence[Problem]:
        found = tuple(self._store.check())
        folders = checked(self._store)
        return (*found, *self._scope.problems(folders), *searched_notes(self._system, self._store, self._scope, folders))

    def describe(self) -> Sequence[CollectionFacts]:
        return tuple(
            CollectionFacts(folder.name, ("message",), FIELDS, count=folder.count, is_searchable=not folder.reason, reason=folder.reason)
            for folder in self._store.folders()
            if self._scope.means(folder.name)
        )

    def slices(self, query: Query) -> Iterator[Slice]:
        late: list[Slice] = []
        folders = self._store.folders()
        for name in self._scope.searched(folders):
            if not isinstance(query, OlderThan) or self._scope.is_in(name, query.collection):
                for part in self._store.parts(name):
                    cut = slice_of(self._system.name, name, part)
                    if cut.is_late:
                        late.append(cut)
                    else:
                        yield cut
        if isinstance(query, AboutSubjects):
            yield from self._names.slices([folder for folder in folders if self._scope.means(folder.name)], query)
        yield from late
        if isinstance(query, AboutSubjects):
            yield from (Slice(self._system.name, name) for name in vanished(self._store, query.before))

    def find(self, query: Query, part: Slice) -> Iterator[Record | Gap | Looked]:
        asked = asked_of(query) if isinstance(query, OlderThan) else self._facts_of(query, part.collection)
        looked = unread = 0
        server = self._store.server()
        if isinstance(query, AboutSubjects) and part.part == PART:
            yield from self._names.find(part.collection, query, server)
            yield Looked(part.collection, 1)
            return
        marks = Marks(query, server, part.collection)
        for mail, verdict in self._looked_over(query, part, marks):
            looked += 1
            if isinstance(mail, Gap):
                unread += 1
                yield mail
                continue
            try:
                found = self._candidate(query, asked, part.collection, mail, server) if verdict is None else list(verdict)
            except Gone:
                looked -= 1
                continue
            except OSError:
                found = [Gap(part.collection, "mail.unreadable", "a mail could not be read")]
            unread += any(isinstance(item, Gap) for item in found)
            if not found:
                marks.note(mail.told)
            yield from found
        extent = Extent.PARTIAL if unread else Extent.FULL
        yield Looked(part.collection, looked, extent, f"{unread} mails could not be read wholly" if unread else "", clean=marks.clean)

    def count(self, collection: str, queries: Sequence[OlderThan]) -> Counted:
        parts = [part for query in queries[:1] for part in self.slices(query)]
        mails = (mail for part in parts for mail in steady(self._store.mails(part.collection, part.part), part.collection, collection))
        return count_of(mails, queries)

    def observe(self, watched: Sequence[Watched]) -> Sequence[Observation]:
        server = self._store.server()
        named, mails = _parted([entry.locator for entry in watched])
        seen = {index: self._names.observe(server, watched[index]) for index in named}
        for folder, indexes in mails.items():
            planned = {watched[index].locator.key: becomes for index in indexes if (becomes := watched[index].becomes) is not None}
            sightings = self._names.located(folder, [watched[index].locator.key for index in indexes], planned)
            seen.update((index, self._observation(server, watched[index].locator, *found)) for index, found in zip(indexes, sightings, strict=True))
        return tuple(seen[index] for index in range(len(watched)))

    def foresee(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Foreseen]:
        server = self._store.server()
        named, mails = _parted([change.locator for change in changes])
        foreseen = {index: self._names.foresee(server, changes[index], rewriter) for index in named}
        for folder, indexes in mails.items():
            sightings = self._store.locate(folder, [changes[index].locator.key for index in indexes])
            foreseen.update(
                (index, self._foreseen(server, changes[index], sighting, rewriter)) for index, sighting in zip(indexes, sightings, strict=True)
            )
        return tuple(foreseen[index] for index in range(len(changes)))

    def change(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
        server = self._store.server()
        outcomes: dict[int, Outcome] = {index: Drifted("server") for index, change in enumerate(changes) if change.server != server}
        named, mails = _parted([change.locator for change in changes])
        for folder, indexes in mails.items():
            open_ones = [index for index in indexes if index not in outcomes]
            if open_ones:
                orders = [self._order(changes[index], rewriter) for index in open_ones]
                outcomes.update(zip(open_ones, self._store.change(folder, orders), strict=True))
        outcomes.update((index, self._names.change(changes[index], rewriter)) for index in named if index not in outcomes)
        return tuple(outcomes[index] for index in range(len(changes)))

    def close(self) -> None:
        self._store.close()

    # --- looking -----------------------------------------------------------------------------------------------------

    def _looked_over(self, query: Query, part: Slice, marks: Marks) -> Iterator[tuple[Mail | Gap, Verdict]]:
        """The mails of a part; a search for people looks over many at a time (`screening.py`)."""
        mails = self._store.mails(part.collection, part.part)
        if not isinstance(query, AboutSubjects):
            asked = query.collection if isinstance(query, OlderThan) else part.collection
            return ((mail, None) for mail in steady(mails, part.collection, asked))
        memory = Memory()
        skimmer = skimming(memory)
        return screened(mails, query.gate, lambda mail, note: self._skimmed(mail, part.collection, note, skimmer), marks, memory)

    def _skimmed(self, mail: Mail, folder: str, note: Noting, skimmer: Skimmer) -> tuple[Gap, ...]:
        """Notes what a mail says, and tells what of it is unread. An ordinary mail is not read in full for that."""
        gaps = skim_message(mail.open, self._reading(folder, note), mail.file, skimmer, note)
        if gaps is None:
            return self._read(mail, folder, note)[1]
        note.passes_text(mail.file)
        note.passes_text(mail.sender)
        return (*gaps, *(replace(gap, collection=folder) for gap in mail.left()))

    def _reading(self, folder: str, gate: Gate | None = None) -> Reading:
        return Reading(collection=folder, gate=gate, map=self._scope.map(folder))

    def _facts_of(self, query: Query, folder: str) -> tuple[str, ...]:
        known = self._scope.map(folder)
        return query.facts.get(known.name if known else folder, query.facts.get(ANYWHERE, ())) if isinstance(query, AboutSubjects) else (DATE,)

    def _candidate(self, query: Query, asked: Sequence[str], folder: str, mail: Mail, server: str) -> list[Record | Gap]:
        """The record of a mail that the query is about, and what could not be read in it."""
        units: tuple[Unit, ...] = ()
        gaps: tuple[Gap, ...] = ()
        envelope: Envelope | None = None
        if isinstance(query, AboutSubjects):
            units, gaps = self._read(mail, folder, query.gate)
            if not units:
                return list(gaps)
            units, envelope = standing(units, mail, self._reading(folder), self._owner(folder), self._system.manifest)
        facts = facts_of(mail, asked)
        if isinstance(query, OlderThan):
            if not is_due(query, facts):
                return []
            envelope = envelope_alone(mail, self._reading(folder), self._system.manifest) if query.sorting else Envelope(is_read=False)
        locator = Locator(self._system.name, folder, mail.sight().key)
        return [Record(locator, units, server, created=mail.created, facts=facts, gaps=gaps, envelope=envelope), *gaps]

    def _owner(self, folder: str) -> str:
        return self._store.owner(folder) or self._system.setting("user")

    def _read(self, mail: Mail, folder: str, gate: Gate) -> tuple[tuple[Unit, ...], tuple[Gap, ...]]:
        found = list(read_message(mail.open, replace(self._reading(folder, gate), name=mail.file)))
        if gate.passes_text(mail.file):
            found.insert(0, Unit(FILE_NAME, mail.file, is_opaque=True))
        if mail.sender and gate.passes_text(mail.sender):
            found.insert(0, Unit(SENDER, mail.sender, is_value=True))
        found += (replace(gap, collection=folder) for gap in mail.left())
        return tuple(item for item in found if isinstance(item, Unit)), tuple(item for item in found if isinstance(item, Gap))

    def _observation(self, server: str, locator: Locator, folder: str, sighting: Sighting | None) -> Observation:
        if sighting is None:
            return Absent(server)
        if sighting.is_same and folder == locator.collection:
            return Present(server, sighting.state, sighting.mail.created)
        return Moved(server, Locator(locator.system, folder, sighting.key), sighting.state)

    # --- changing ----------------------------------------------------------------------------------------------------

    def _foreseen(self, server: str, change: Change, sighting: Sighting | None, rewriter: Rewriter) -> Foreseen:
        if sighting is None or not sighting.is_same:
            return _absent(server, change)
        if sighting.refusal is not None:
            return Foreseen(sighting.state, sighting.state, change.effect, server, refusal=sighting.refusal)
        if isinstance(change.effect, Delete):
            return Foreseen(sighting.state, None, change.effect, server)
        try:
            becomes = self._store.becomes(sighting, self._rewriting(change.locator.collection, change.effect, rewriter))
            warnings = broken(sighting.mail.open, [edit.place for edit in change.effect.edits]) if becomes != sighting.state else ()
        except NotSupported as error:
            return Foreseen(sighting.state, sighting.state, change.effect, server, refusal=Problem(error.code, error.message, error.hint))
        except Gone:
            return _absent(server, change)
        return Foreseen(sighting.state, becomes, change.effect, server, warnings=warnings)

    def _order(self, change: Change, rewriter: Rewriter) -> Order:
        effect = change.effect
        rewriting = self._rewriting(change.locator.collection, effect, rewriter) if isinstance(effect, Rewrite) else None
        return Order(change.locator.key, change.expect, rewriting)

    def _rewriting(self, folder: str, effect: Rewrite, rewriter: Rewriter) -> "_Edits":
        inside = tuple(edit for edit in effect.edits if edit.place != SENDER)
        return _Edits(inside, len(inside) < len(effect.edits), rewriter, self._reading(folder))


@dataclass(frozen=True, slots=True)
class _Edits:
    """The rewriting of one mail by the edits of a plan."""

    inside: tuple[Edit, ...]
    edits_sender: bool
    rewriter: Rewriter
    reading: Reading

    def write(self, mail: Mail, sink: BinaryIO) -> None:
        if any(edit.place == FILE_NAME for edit in self.inside):
            reason = "The name of a mail's file holds the person, and a file is not given another name"
            raise NotSupported(reason, code="mail.file_name", hint="delete the file, or rename it by hand")
        if not is_mail(mail.open, mail.file):
            self._write(mail, sink)
            return
        if is_sealed(mail.open):
            raise NotSupported(
                "A mail is encrypted or sealed by a signature and cannot be rewritten", code="mail.encrypted", hint="delete it as a whole, or keep it"
            )
        is_envelope_new = self.sender(mail.sender) != mail.sender
        write_marked(mail.open, partial(self._write, mail), sink, self.rewriter.reference, is_changed=is_envelope_new)

    def _write(self, mail: Mail, sink: BinaryIO) -> None:
        write_message(mail.open, sink, self.inside, self.rewriter, replace(self.reading, name=mail.file))

    def sender(self, sender: str) -> str:
        return self.rewriter.redacted(sender) if self.edits_sender else sender


def _absent(server: str, change: Change) -> Foreseen:
    return Foreseen(None, None, change.effect, server)


def _parted(locators: Sequence[Locator]) -> tuple[list[int], dict[str, list[int]]]:
    """Which of them are folders' names, and the mails by folder."""
    named, folders = [], dict[str, list[int]]()
    for index, locator in enumerate(locators):
        if locator.key == KEY:
            named.append(index)
        else:
            folders.setdefault(locator.collection, []).append(index)
    return named, folders
