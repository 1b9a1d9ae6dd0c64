"""Names a mail so that a person can find it: the keys that mail stores know mails by are numbers and digests, which say nothing to anybody."""

import re
from datetime import UTC, datetime

from dsr_engine.domain.finding import Finding
from dsr_engine.domain.record import Locator

#: How many digits of a digest tell the mails of a file apart on a page.
_DIGITS = 8
_NUMBER = re.compile(r"[0-9]{1,11}")
_SHORT = re.compile(r"[0-9a-f]{16}")


def mail_place(locator: Locator, finding: Finding | None = None) -> str:
    """`mail 17 of 2026-11-02 10:00 UTC`: the UID, or the beginning of a digest, and when it came; empty for a key of another shape.

    A key of IMAP (UIDVALIDITY, UID, seconds, size, two digests) is like no other system's. One of an mbox file (digest, how many equal ones stand
    before, a link) might be a table's, so that what was found has to say that it is mail. A Maildir's key begins with the name of a file,
    which a person can look for. The name of a folder is a record of its own.
    """
    if locator.key == ("", "folder"):
        return "the name of this folder"
    key, created = locator.key, finding.created if finding is not None else None
    if len(key) == 6 and all(_NUMBER.fullmatch(part) for part in (key[0], key[1], key[2] or "0", key[3])) and _SHORT.fullmatch(key[5]):
        moment = datetime.fromtimestamp(int(key[2]), UTC) if key[2] else created
        return _told(key[1], moment)
    if finding is not None and finding.roles and len(key) == 3 and _NUMBER.fullmatch(key[1]) and _SHORT.fullmatch(key[0]):
        return _told(key[0][:_DIGITS], created)
    return ""


def _told(name: str, moment: datetime | None) -> str:
    return f"mail {name} of {moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment is not None else f"mail {name}"
