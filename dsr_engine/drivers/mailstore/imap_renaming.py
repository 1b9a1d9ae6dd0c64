"""Gives an IMAP folder another name (RFC 3501, 6.3.5), and its subscriptions with it, which RENAME leaves as they are.

The folder first, the subscriptions after it, since servers subscribe nobody to a folder that is not there. Killed between the two: the list of
subscriptions still has the old name, so that the next try goes on with it.
"""

from collections.abc import Sequence

from imapclient.imap_utf7 import encode as encode_name

from dsr_engine.domain.errors import ManifestWrong, NotAllowed, NotSupported, Unreachable
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.mailstore.imap_answers import pass_on_if_cut_off
from dsr_engine.drivers.mailstore.imap_listing import Listed, listing, subscriptions
from dsr_engine.drivers.mailstore.imap_session import GMAIL, Session, shown_name
from dsr_engine.drivers.mailstore.store import Folder


class ImapRenaming:
    """The names of one account."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def folders(self) -> Sequence[Folder]:
        return tuple(self._folder(entry) for entry in listing(self._session))

    def lingers(self, folder: str) -> bool:
        return any(_is_within(shown_name(wire), folder, self._separators()) for wire in subscriptions(self._session))

    def refusal(self, folder: str, to: str) -> Problem | None:  # noqa: ARG002  # any name will do
        if self._session.has(GMAIL):
            return Problem("mail.gmail", "This is Gmail, where a folder is a label", "rename the label by hand")
        if any(not entry.is_own and _is_within(entry.name, folder, {entry.separator}) for entry in self.folders()):
            return Problem("mail.folder_of_another", "A folder named after the person is in somebody else's mailbox", "let its owner rename it")
        entry = next((entry for entry in listing(self._session) if shown_name(entry.wire) == folder), None)
        rights = self._session.rights(entry.wire) if entry is not None else ""
        if rights and "x" not in rights:
            return Problem(
                "mail.folder_name", "A folder named after the person may not be renamed by this account", "grant it the right x (RFC 4314)"
            )
        return None

    def rename(self, folder: str, to: str) -> None:
        entry = next((entry for entry in listing(self._session) if _is_within(shown_name(entry.wire), folder, {entry.separator})), None)
        if entry is not None:
            self._session.rename(_cut(entry, folder), _wire(to, like=entry.wire))
        separators = self._separators()
        for wire in subscriptions(self._session):
            name = shown_name(wire)
            if _is_within(name, folder, separators):
                self._session.subscribe(_wire(to + name[len(folder) :], like=wire))
                self._session.unsubscribe(wire)

    def _folder(self, entry: Listed) -> Folder:
        name, is_own = shown_name(entry.wire), entry.holder is None
        return Folder(name, entry.messages, "", is_own, entry.holder or "", entry.role, entry.separator, self._stamp(entry))

    def _stamp(self, entry: Listed) -> str:
        """UIDVALIDITY; nothing where the folder may be seen and not opened."""
        try:
            return str(entry.validity if entry.validity is not None else self._session.status(entry.wire, "UIDVALIDITY"))
        except (NotAllowed, ManifestWrong, NotSupported, Unreachable) as error:
            pass_on_if_cut_off(error)
            return ""

    def _separators(self) -> set[str]:
        return {entry.separator for entry in listing(self._session)}


def _is_within(name: str, folder: str, separators: set[str]) -> bool:
    return name == folder or any(sign and name.startswith(folder + sign) for sign in separators)


def _cut(entry: Listed, folder: str) -> bytes:
    """The name on the wire of the folder, which is this one or above it."""
    sign = encode_name(entry.separator)
    depth = folder.count(entry.separator) + 1 if entry.separator else 1
    wire = sign.join(entry.wire.split(sign)[:depth]) if sign else entry.wire
    if shown_name(wire) != folder:
        raise _unspeakable()
    return wire


def _wire(name: str, *, like: bytes) -> bytes:
    """The name as the server writes its names: in modified UTF-7, or in UTF-8 where the old one was."""
    wire = encode_name(name) if like.isascii() else name.encode()
    if shown_name(wire) != name:
        raise _unspeakable()
    return wire


def _unspeakable() -> NotSupported:
    return NotSupported("The name of a mail folder cannot be written for its server", code="mail.folder_name", hint="rename it by hand")
