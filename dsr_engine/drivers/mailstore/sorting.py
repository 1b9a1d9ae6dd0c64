"""What the headers of a mail say of who wrote it to whom, for `domain.correspondence` to tell its sort by.

Mailing lists are told by List-Id (RFC 2919), List-Post (RFC 2369) and `Precedence: list` or `bulk` (RFC 3834 §3.1.8). List-Unsubscribe alone says
nothing: shops put it under order confirmations too.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from dsr_engine.domain.correspondence import Envelope, Party
from dsr_engine.domain.record import Unit

#: The connector's word for each way in which a mail is the person's own.
BY_SENDER, BY_SOLE_RECIPIENT, BY_MAILBOX = "sender", "sole_recipient", "mailbox"

#: The place of an mbox's envelope sender, which is outside of the message.
ENVELOPE_SENDER = "envelope:from"

_PARTIES = frozenset({"from", "to", "cc", "bcc", "resent-from", "resent-to", "resent-cc", "resent-bcc"})
#: They make somebody a party, and nobody a further one: `noreply@` and the mail programs of others stand there.
_BESIDE = frozenset({"sender", "reply-to", "resent-sender"})
#: So does whom it was delivered to: of a blind copy nothing else tells.
DELIVERED = frozenset({"delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "apparently-to", "x-forwarded-to"})
#: Headers that mail programs show.
SHOWN = _PARTIES | _BESIDE | {"subject", "comments", "keywords", "organization", "thread-topic"}
_ASKED = _PARTIES | _BESIDE | DELIVERED
_BULK = frozenset({"list", "bulk", "junk"})
_HEADER = re.compile(r"header:([^./]+)")
_ADDRESS = re.compile(r"header:[^./]+(?:\.[0-9]+)?(?:/[0-9]+)?")


def header_named(place: str) -> str:
    """The header that a place is in, in lower case; empty for one that has only a number, and outside of the message's own headers."""
    if place == ENVELOPE_SENDER:
        return ENVELOPE_SENDER
    found = _HEADER.match(place)
    return found[1] if found and not found[1].isdigit() else ""


def is_header(place: str) -> bool:
    """True for a place in the message's own headers, or around it."""
    return place == ENVELOPE_SENDER or place.startswith("header:")


def envelope_of(units: Sequence[Unit], own_domains: Collection[str], owner: str, owned_by: Collection[str]) -> Envelope:
    """What the headers among these texts say of a mail. Where there are none nobody can tell."""
    headers = [unit for unit in units if unit.place.startswith("header:")]
    unseen = frozenset(unit.place for unit in units if is_header(unit.place) and header_named(unit.place) not in SHOWN)
    is_list = any(_is_of_list(header_named(unit.place), unit.text) for unit in headers)
    return Envelope(dict(_parties(headers, own_domains)), unseen, is_list, owner, BY_MAILBOX in owned_by, bool(headers))


def owned(unit: Unit, owned_by: Collection[str]) -> Unit:
    """The text, without what would make the mail the person's where the connector does not say so."""
    field = unit.field
    if field is None or field.selects is None or unit.inside or not is_header(unit.place):
        return unit
    reason = BY_SOLE_RECIPIENT if header_named(unit.place) == "to" else BY_SENDER
    return unit if reason in owned_by else replace(unit, field=replace(field, selects=None))


def _is_of_list(name: str, text: str) -> bool:
    return name in ("list-id", "list-post") or (name == "precedence" and text.strip().lower() in _BULK)


def _parties(headers: Sequence[Unit], own_domains: Collection[str]) -> Iterator[tuple[str, Party]]:
    """The addresses by place. Numbers stand for addresses: 0 is the side of the own domains."""
    people: dict[str, int] = {}
    for unit in headers:
        name = header_named(unit.place)
        if name not in _ASKED or not _ADDRESS.fullmatch(unit.place) or "@" not in unit.text:
            continue
        address = unit.text.strip().casefold()
        person = people.setdefault(address, len(people) + 1)
        is_own = _is_in(address.rpartition("@")[2], own_domains)
        yield unit.place, Party(0 if is_own else person, person, is_own, name in _PARTIES)


def _is_in(domain: str, own_domains: Collection[str]) -> bool:
    return any(domain == own or domain.endswith(f".{own}") for own in own_domains)
