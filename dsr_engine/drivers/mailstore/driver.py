"""The driver for mail stores: one way to find, look again, foresee and change, over any kind of store.

A record is a mail; a collection is a folder. The only field that a policy can ask for is `date`, the day on which the store took the
mail in: the `Date` header is the sender's claim.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from fnmatch import fnmatchcase
from typing import BinaryIO

from dsr_engine.content.format import Reading
from dsr_engine.content.gate import Gate
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.anonymize import FieldFacts, ValueType
from dsr_engine.domain.errors import ManifestWrong, NotSupported
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.plan import Delete, Edit, Rewrite
from dsr_engine.domain.record import Gap, Locator, Record, Unit
from dsr_engine.domain.system import CollectionMap, Discover, System
from dsr_engine.drivers.counting import counted
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
from dsr_engine.drivers.mailstore.message import read_message, write_message
from dsr_engine.drivers.mailstore.sealed import is_sealed
from dsr_engine.drivers.mailstore.settings import store_of
from dsr_engine.drivers.mailstore.store import Gone, Mail, Order, Sighting

#: The field that holds the day of delivery.
DATE = "date"

#: The place of an mbox's envelope sender, which is outside of the message.
SENDER = "envelope:from"


class MailstoreDriver:
    """One connection to one Maildir, mbox or IMAP account."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._store = store_of(system)

    @property
    def traits(self) -> Traits:
        return self._store.traits

    def check(self) -> Sequence[Problem]:
        return (*self._store.check(), *self._scope_problems())

    def describe(self) -> Sequence[CollectionFacts]:
        fields = (FieldFacts(DATE, ValueType.TIMESTAMP),)
        return tuple(
            CollectionFacts(folder.name, ("message",), fields, count=folder.count, is_searchable=not folder.reason, reason=folder.reason)
            for folder in self._store.folders()
            if self._is_meant(folder.name)
        )

    def slices(self, query: Query) -> Iterator[Slice]:
        names = [folder.name for folder in self._store.folders() if self._is_meant(folder.name)]
        names += [name for name in self._named() or () if name not in names]
        for name in names:
            if not isinstance(query, OlderThan) or query.collection == name:
                for part in self._store.parts(name):
                    yield Slice(self._system.name, name, part)

    def find(self, query: Query, part: Slice) -> Iterator[Record | Gap | Looked]:
        if isinstance(query, OlderThan):
            _refuse_other_fields(query)
        looked = unread = 0
        server = self._store.server()
        for mail in self._store.mails(part.collection, part.part):
            looked += 1
            if isinstance(mail, Gap):
                unread += 1
                yield mail
                continue
            try:
                found = self._candidate(query, part.collection, mail, server)
            except Gone:
                looked -= 1
                continue
            except OSError:
                found = [Gap(part.collection, "mail.unreadable", "a mail could not be read")]
            unread += any(isinstance(item, Gap) for item in found)
            yield from found
        extent = Extent.PARTIAL if unread else Extent.FULL
        yield Looked(part.collection, looked, extent, f"{unread} mails could not be read wholly" if unread else "")

    def count(self, collection: str, queries: Sequence[OlderThan]) -> Counted:
        return counted(self, collection, queries)

    def observe(self, watched: Sequence[Watched]) -> Sequence[Observation]:
        server = self._store.server()
        seen: dict[int, Observation] = {}
        for folder, indexes in _by_folder([entry.locator for entry in watched]).items():
            sightings = self._store.locate(folder, [watched[index].locator.key for index in indexes])
            seen.update(
                (index, self._observation(server, watched[index].locator, sighting)) for index, sighting in zip(indexes, sightings, strict=True)
            )
        return tuple(seen[index] for index in range(len(watched)))

    def foresee(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Foreseen]:
        server = self._store.server()
        foreseen: dict[int, Foreseen] = {}
        for folder, indexes in _by_folder([change.locator for change in changes]).items():
            sightings = self._store.locate(folder, [changes[index].locator.key for index in indexes])
            foreseen.update(
                (index, self._foreseen(server, changes[index], sighting, rewriter)) for index, sighting in zip(indexes, sightings, strict=True)
            )
        return tuple(foreseen[index] for index in range(len(changes)))

    def change(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
        server = self._store.server()
        outcomes: dict[int, Outcome] = {index: Drifted("server") for index, change in enumerate(changes) if change.server != server}
        for folder, indexes in _by_folder([change.locator for change in changes]).items():
            open_ones = [index for index in indexes if index not in outcomes]
            if open_ones:
                orders = [self._order(changes[index], rewriter) for index in open_ones]
                outcomes.update(zip(open_ones, self._store.change(folder, orders), strict=True))
        return tuple(outcomes[index] for index in range(len(changes)))

    def close(self) -> None:
        self._store.close()

    # --- scope -------------------------------------------------------------------------------------------------------

    def _named(self) -> tuple[str, ...] | None:
        """The folders that the setting `mailboxes` lists; None: all."""
        setting = self._system.setting("mailboxes", "all").strip()
        return None if setting in ("", "all") else tuple(name.strip() for name in setting.split(",") if name.strip())

    def _is_meant(self, folder: str) -> bool:
        named = self._named()
        if named is not None:
            return folder in named
        return self._system.manifest.discover is not Discover.NONE or self._map(folder) is not None

    def _map(self, folder: str) -> CollectionMap | None:
        manifest = self._system.manifest
        return manifest.collection_named(folder) or next((entry for entry in manifest.collections if fnmatchcase(folder, entry.name)), None)

    def _scope_problems(self) -> Iterator[Problem]:
        there = {folder.name for folder in self._store.folders()}
        for name in self._named() or ():
            if name not in there:
                yield Problem("mail.no_folder", f"Folder {name}, which `mailboxes` lists, is not there", "correct the list, or write: all")
        left_out = sum(not self._is_meant(name) for name in there)
        if left_out:
            yield Problem("mail.folders_left_out", f"{left_out} folders are not searched", "mailboxes: all searches every folder", is_fatal=False)

    # --- looking -----------------------------------------------------------------------------------------------------

    def _reading(self, folder: str, gate: Gate | None = None) -> Reading:
        return Reading(collection=folder, gate=gate, map=self._map(folder))

    def _candidate(self, query: Query, folder: str, mail: Mail, server: str) -> list[Record | Gap]:
        """The record of a mail that the query is about, and what could not be read in it."""
        units: tuple[Unit, ...] = ()
        gaps: tuple[Gap, ...] = ()
        if isinstance(query, AboutSubjects):
            units, gaps = self._read(mail, folder, query.gate)
            if not units:
                return list(gaps)
        elif isinstance(query, OlderThan) and not _is_older(query, mail):
            return []
        date = mail.created.astimezone(UTC).isoformat() if mail.created else None
        asked = query.facts.get(folder, ()) if isinstance(query, AboutSubjects) else (DATE,)
        facts = {name: date if name == DATE else None for name in asked}
        locator = Locator(self._system.name, folder, mail.sight().key)
        return [Record(locator, units, server, created=mail.created, facts=facts, gaps=gaps), *gaps]

    def _read(self, mail: Mail, folder: str, gate: Gate) -> tuple[tuple[Unit, ...], tuple[Gap, ...]]:
        found = list(read_message(mail.open, self._reading(folder, gate)))
        if mail.sender and gate.passes_text(mail.sender):
            found.insert(0, Unit(SENDER, mail.sender, is_value=True))
        return tuple(item for item in found if isinstance(item, Unit)), tuple(item for item in found if isinstance(item, Gap))

    def _observation(self, server: str, locator: Locator, sighting: Sighting | None) -> Observation:
        if sighting is None:
            return Absent(server)
        if sighting.is_same:
            return Present(server, sighting.state, sighting.mail.created)
        return Moved(server, Locator(locator.system, locator.collection, sighting.key), sighting.state)

    # --- changing ----------------------------------------------------------------------------------------------------

    def _foreseen(self, server: str, change: Change, sighting: Sighting | None, rewriter: Rewriter) -> Foreseen:
        if sighting is None or not sighting.is_same:
            return _absent(server, change)
        if isinstance(change.effect, Delete):
            return Foreseen(sighting.state, None, change.effect, server)
        try:
            becomes = self._store.becomes(sighting, self._rewriting(change.locator.collection, change.effect, rewriter))
        except NotSupported as error:
            return Foreseen(sighting.state, sighting.state, change.effect, server, refusal=Problem(error.code, error.message, error.hint))
        except Gone:
            return _absent(server, change)
        return Foreseen(sighting.state, becomes, change.effect, server)

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
        if is_sealed(mail.open):
            raise NotSupported(
                "A mail is encrypted or sealed by a signature and cannot be rewritten", code="mail.encrypted", hint="delete it as a whole, or keep it"
            )
        write_message(mail.open, sink, self.inside, self.rewriter, self.reading)

    def sender(self, sender: str) -> str:
        return self.rewriter.redacted(sender) if self.edits_sender else sender


def _absent(server: str, change: Change) -> Foreseen:
    return Foreseen(None, None, change.effect, server)


def _by_folder(locators: Sequence[Locator]) -> dict[str, list[int]]:
    folders: dict[str, list[int]] = {}
    for index, locator in enumerate(locators):
        folders.setdefault(locator.collection, []).append(index)
    return folders


def _refuse_other_fields(query: OlderThan) -> None:
    others = {name for age in query.ages for name in (*age.start.fields, *age.while_not)} - {DATE}
    if others or any(age.while_not for age in query.ages):
        raise ManifestWrong("A mail has no other date than `date` and no states", code="mail.no_such_field", hint="write keep: {for: …, from: date}")


def _is_older(query: OlderThan, mail: Mail) -> bool:
    """A mail is not opened for its age, so an age that counts only where a field holds something counts in none."""
    ages = [age for age in query.ages if not age.where_any]
    if mail.created is None or not ages:
        return query.unknown and bool(ages)
    day = mail.created.astimezone(UTC).date()
    return not query.unknown and all(not age.start.fields or day <= age.cutoff for age in ages)
