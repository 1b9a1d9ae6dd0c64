"""Reads mails again whose names are known."""

from collections.abc import Iterator, Sequence

from dsr_engine.content.format import Reading
from dsr_engine.content.gate import Gate
from dsr_engine.domain.record import Gap, Locator, Record, Unit
from dsr_engine.domain.system import System
from dsr_engine.drivers.mailstore.driver import SENDER
from dsr_engine.drivers.mailstore.estate import opened
from dsr_engine.drivers.mailstore.folder_names import KEY, FolderNames
from dsr_engine.drivers.mailstore.message import read_message
from dsr_engine.drivers.mailstore.scope import Scope
from dsr_engine.drivers.mailstore.store import Gone, Mail
from dsr_engine.drivers.reading import CUT, Bounds, Gathering, Original, Reread


class MailstoreReader:
    """One Maildir, mbox or IMAP account."""

    def __init__(self, system: System) -> None:
        self._store = opened(system)
        self._scope = Scope(system)
        self._names = FolderNames(system, self._store, self._scope)

    def read(self, locators: Sequence[Locator], gate: Gate, bounds: Bounds) -> Iterator[Reread]:
        server = self._store.server()
        yield from (Reread(locator, self._names.read(locator.collection, gate, server)) for locator in locators if locator.key == KEY)
        mails = [locator for locator in locators if locator.key != KEY]
        for folder in dict.fromkeys(locator.collection for locator in mails):
            of_folder = [locator for locator in mails if locator.collection == folder]
            sightings = self._store.locate(folder, [locator.key for locator in of_folder])
            for locator, sighting in zip(of_folder, sightings, strict=True):
                # What a rewrite or a move put in its place is another record, which a search finds by itself.
                if sighting is None or not sighting.is_same:
                    yield Reread(locator, None)
                else:
                    record = self._record(locator, sighting.mail, server, bounds)
                    yield Reread(locator, record, _original(sighting.mail, bounds) if record is not None and not _is_late(record) else ())

    def close(self) -> None:
        self._store.close()

    def _record(self, locator: Locator, mail: Mail, server: str, bounds: Bounds) -> Record | None:
        gathering = Gathering(locator.collection, bounds)
        sender = (Unit(SENDER, mail.sender, is_value=True),) if mail.sender else ()
        reading = Reading(collection=locator.collection, gate=None, map=self._scope.map(locator.collection), name=mail.file)
        try:
            if gathering.take(sender):
                gathering.take(read_message(gathering.timed(mail.open), reading))
        except Gone:
            return None
        except OSError:
            gathering.gaps.append(Gap(locator.collection, "mail.unreadable", "a mail could not be read"))
        return Record(locator, tuple(gathering.units), server, created=mail.created, gaps=tuple(gathering.gaps))


def _is_late(record: Record) -> bool:
    return any(gap.code == CUT for gap in record.gaps) and not record.units


def _original(mail: Mail, bounds: Bounds) -> tuple[Original, ...]:
    """The mail as it lies there, headers and attachments and all."""
    if not bounds.originals:
        return ()
    try:
        with mail.open() as file:
            data = file.read(bounds.originals + 1)
    except Gone:
        return ()
    return (Original(mail.file or "mail.eml", data if len(data) <= bounds.originals else None),)
