"""Which folders of a Gmail mailbox are searched: a label is a folder over IMAP, so that one mail stands in many, and All Mail holds them all.

All Mail, Spam and Trash together are the mailbox (Google, "IMAP extensions", special use of folders). They are read, and labels are not: reading each
mail once for each label costs a multiple of the bytes that Gmail allows for a day, and finds nothing more. An owner can hide folders from IMAP; what
is hidden is told as a folder that cannot be searched, never left out.
"""

from collections.abc import Mapping

from dsr_engine.drivers.mailstore.imap_listing import Listed
from dsr_engine.drivers.mailstore.store import Folder

#: What the three are called where the mailbox does not show them, by their attribute.
_PLACES = {"all": "[Gmail]/All Mail", "junk": "[Gmail]/Spam", "trash": "[Gmail]/Trash"}


def whole(listings: Mapping[str, Listed]) -> list[str]:
    """The folders that hold every mail once; all of them where All Mail is hidden."""
    by_role = {entry.role: name for name, entry in listings.items()}
    if "all" not in by_role:
        return list(listings)
    return [name for name, entry in listings.items() if entry.role in _PLACES or entry.holder is not None]


def hidden(listings: Mapping[str, Listed]) -> list[Folder]:
    """What of the mailbox IMAP does not show."""
    shown = {entry.role for entry in listings.values()}
    reason = "Gmail does not show it over IMAP: in its settings, under Labels, tick *Show in IMAP*"
    return [Folder(place, None, reason) for role, place in _PLACES.items() if role not in shown and place not in listings]
