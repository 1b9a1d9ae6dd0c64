"""Folders that only show what lies in others: Dovecot's plugin `virtual`, with which many servers offer "all mails" or "unread".

Such a folder takes no new mail, or puts it into a folder of its own choice. A mail that is rewritten there goes back to where it really lies, which
Dovecot tells for each mail (X-MAILBOX, an item of its own; measured on 2.3.19). What is removed in one place is gone in the other.
"""

from dsr_engine.domain.errors import ManifestWrong, NotAllowed
from dsr_engine.drivers.mailstore.imap_session import Session

_TELLING = "Dovecot"


class Homes:
    """Where mails lie. A folder is asked about once, unless it shows mails of others."""

    def __init__(self) -> None:
        self._plain: set[tuple[bytes, int]] = set()

    def of(self, session: Session, wire: bytes, validity: int, uid: int) -> bytes:
        """The folder, as the server writes it, in which a mail of the open folder lies; the folder itself where nothing else is told."""
        if session.nature().product != _TELLING or (wire, validity) in self._plain:
            return wire
        try:
            home = session.mailbox_of(uid)
        except (NotAllowed, ManifestWrong):
            home = wire
        if home == wire:
            self._plain.add((wire, validity))
        return home or wire
