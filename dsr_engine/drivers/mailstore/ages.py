"""How old a mail is, and what else a rule may ask of it: facts that stand in its envelope, so that a sweep opens no mail.

    date            the day on which the store took it in (INTERNALDATE, the file's time, the line before it in an mbox)
    sent            the day that its sender wrote into it (the header Date): a claim, and unknown where it is no date
    flags           what its owner marked it with: seen, answered, flagged, draft, deleted, and words of their own ($forwarded)
    sender_domain   what stands behind the @ of its author (the header From), in small letters; of a header that names nobody, behind any @ in it

Flags are IMAP's (RFC 9051, section 2.3.2) without the backslash, in small letters; a Maildir has them in its file names, an mbox in the headers
Status, X-Status and X-Keywords.
"""

import email.policy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from email.message import Message
from email.parser import HeaderParser
from email.utils import getaddresses, parsedate_to_datetime

from dsr_engine.content.mail.mime_words import words
from dsr_engine.domain.anonymize import FieldFacts, ValueType
from dsr_engine.domain.errors import ManifestWrong, NotAllowed, NotSupported
from dsr_engine.domain.policy import SEVERAL, Pick
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Counted, OlderThan
from dsr_engine.drivers.mailstore.store import Gone, Mail

DATE, SENT, FLAGS, DOMAIN = "date", "sent", "flags", "sender_domain"
_DATES, STATES = (DATE, SENT), (FLAGS, DOMAIN)
#: The collection of a query's facts that are asked of folders which it does not name.
ANYWHERE = "*"

FIELDS = (
    FieldFacts(DATE, ValueType.TIMESTAMP),
    FieldFacts(SENT, ValueType.TIMESTAMP, is_nullable=True),
    FieldFacts(FLAGS, ValueType.TEXT, is_nullable=True),
    FieldFacts(DOMAIN, ValueType.TEXT, is_nullable=True),
)

#: As much of a mail as headers are looked for in, in bytes.
_HEAD = 1024 * 1024
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_BEHIND_AT = re.compile(r"@([^\s@<>()\[\]\",;:\\\x1f]+)")
#: What letters of a Maildir's file name and of an mbox's status headers say.
_MAILDIR = {"D": "draft", "F": "flagged", "P": "$forwarded", "R": "answered", "S": "seen", "T": "deleted"}
_STATUS = {"R": "seen", "A": "answered", "F": "flagged", "D": "deleted", "T": "draft"}

Facts = Mapping[str, str | None]


def asked_of(query: OlderThan) -> tuple[str, ...]:
    """The facts that the query needs, `date` always. Raises `ManifestWrong` for one that no mail has."""
    ages = query.ages
    starts = {name for age in ages for name in age.start.fields}
    states = {name for age in ages for name in age.while_not}
    if starts - set(_DATES) or states - set(STATES):
        raise ManifestWrong(
            "A mail has no such field",
            code="mail.no_such_field",
            hint="a period of mail runs from `date` or `sent`; `while` may ask for `flags` and `sender_domain`",
        )
    return tuple(dict.fromkeys((DATE, *sorted(starts | states))))


def facts_of(mail: Mail, names: Iterable[str]) -> dict[str, str | None]:
    """The facts of these names; None for one that is unknown, or that no mail has. Reads the headers only if they are asked for. Raises `Gone`."""
    wanted = tuple(names)
    needs_head = SENT in wanted or DOMAIN in wanted or (FLAGS in wanted and mail.flags is None)
    head = _headers(mail) if needs_head else None
    found: dict[str, str | None] = dict.fromkeys(wanted)
    if DATE in found:
        found[DATE] = _day(mail.created)
    if head is not None and SENT in found:
        found[SENT] = _day(_sent(head))
    if head is not None and DOMAIN in found:
        found[DOMAIN] = _domain(head)
    if FLAGS in found:
        flags = mail.flags if mail.flags is not None else _status(head) if head is not None else ()
        found[FLAGS] = SEVERAL.join(sorted({flag.lstrip("\\").lower() for flag in flags})) or None
    return found


def steady(mails: Iterator[Mail | Gap], folder: str, asked: str) -> Iterator[Mail | Gap]:
    """The mails of a folder. Where a pattern asks for many folders (`*/Archive`), one that refuses to be read is a gap and no end to the others."""
    try:
        yield from mails
    except (NotAllowed, NotSupported, ManifestWrong) as error:
        if folder == asked:
            raise
        yield Gap(folder, error.code, error.message)


def count_of(mails: Iterable[Mail | Gap], queries: Sequence[OlderThan]) -> Counted:
    """How many mails there are and how many are due by each query, in one pass. A mail that cannot be read is one that is there."""
    names = tuple(dict.fromkeys(name for query in queries for name in asked_of(query)))
    total, found = 0, [0] * len(queries)
    for mail in mails:
        total += 1
        if isinstance(mail, Gap):
            continue
        try:
            facts = facts_of(mail, names)
        except Gone:
            total -= 1
            continue
        except OSError:
            continue
        found = [number + is_due(query, facts) for number, query in zip(found, queries, strict=True)]
    return Counted(total, tuple(found))


def is_due(query: OlderThan, facts: Facts) -> bool:
    """True for a mail that the query is about.

    A mail is not opened for its age, so an age that counts only where a field holds something counts in none.
    """
    ages = [age for age in query.ages if not age.where_any]
    if not ages:
        return False
    if query.unknown:
        return not query.where_any and bool(query.start.fields) and not _is_kept(query, facts) and _start(query, facts) is None
    return all(_is_over(age, facts) for age in ages)


def _is_over(age: OlderThan, facts: Facts) -> bool:
    if _is_kept(age, facts):
        return False
    start = _start(age, facts)
    return not age.start.fields or (start is not None and start <= age.cutoff)


def _is_kept(age: OlderThan, facts: Facts) -> bool:
    return any(set((facts.get(name) or "").split(SEVERAL)) & set(values) for name, values in age.while_not.items())


def _start(age: OlderThan, facts: Facts) -> date | None:
    days = [datetime.fromisoformat(text).date() for name in age.start.fields if (text := facts.get(name))]
    if not days:
        return None
    return max(days) if age.start.pick is Pick.LATEST else min(days)


def _headers(mail: Mail) -> "Message[str, str]":
    if mail.head is not None:
        data = mail.head()
    else:
        with mail.open() as source:
            data = source.read(_HEAD)
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    plain = data if b"\n" in data else data.replace(b"\r", b"\n")
    head = _EMPTY_LINE.split(plain, maxsplit=1)[0].decode("utf-8", "surrogateescape")
    return HeaderParser(policy=email.policy.compat32).parsestr(head + "\n\n")


def _day(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment is not None else None


def _sent(head: "Message[str, str]") -> datetime | None:
    """The first Date. Without a zone it is taken for UTC; a year before mail existed is no date."""
    try:
        said = parsedate_to_datetime(str(head.get("date", "")))
        moment = said if said.tzinfo is not None else said.replace(tzinfo=UTC)
        return moment.astimezone(UTC) if moment.year >= _FIRST_MAIL else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


#: The year of the first mail between computers.
_FIRST_MAIL = 1971


def _domain(head: "Message[str, str]") -> str | None:
    """The domains of the authors; more than one where several are named: what one of them keeps is kept.

    In a header that a parser gives up on whatever stands behind an @ counts, encoded or not: one author too many keeps a mail and does no other harm.
    """
    written = [str(value) for value in head.get_all("from", [])]
    found = [address.rpartition("@")[2] for _, address in getaddresses(written) if "@" in address]
    found = found or [domain for text in written for domain in _BEHIND_AT.findall(f"{text} {words(text)}")]
    return SEVERAL.join(sorted({domain.strip(" .>").lower() for domain in found} - {""})) or None


def _status(head: "Message[str, str]") -> Sequence[str]:
    letters = "".join(str(head.get(name, "")) for name in ("status", "x-status"))
    return (*(_STATUS[letter] for letter in letters if letter in _STATUS), *str(head.get("x-keywords", "")).split())


def flags_of_name(letters: str) -> tuple[str, ...]:
    """The flags of a Maildir's file name (`:2,FRS`). Small letters are keywords whose words only the server knows."""
    info = letters.partition("2,")[2]
    return tuple(_MAILDIR[letter] for letter in info if letter in _MAILDIR)
