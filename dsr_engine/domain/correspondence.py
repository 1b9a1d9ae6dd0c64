"""Where the person stands in a mail, and what sort of mail it is: who wrote it to whom, and whether they are one of the two.

A *role* is a place: `mail.sender`, `mail.body.quoted`, … A *sort* is the whole message as seen from the person. Both are found from headers
and places alone; addresses are compared in memory and never kept.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

#: What every role begins with; a rule that names it is about all of them.
MAIL = "mail"
#: The role and the mailbox of a mail for which nobody in particular was looked: anybody may stand anywhere in it.
ANY = "any"
SENDER, RECIPIENT, HEADER, ATTACHMENT = "mail.sender", "mail.recipient", "mail.header", "mail.attachment"
BODY, QUOTED, FOLDER = "mail.body", "mail.body.quoted", "mail.folder"
#: The place of a folder's own name, which is a record of its own.
FOLDER_NAME = "folder:name"

#: Every role with what it means.
ROLES: Mapping[str, str] = {
    SENDER: "who wrote or sent it: From, Sender, Reply-To, Return-Path, Resent-From, an mbox's envelope",
    RECIPIENT: "whom it was for: To, Cc, Bcc, Resent-To, Delivered-To, X-Original-To, …",
    HEADER: "any other header: Received, Message-ID, signatures of servers, …",
    BODY: "what its writer says: the text, and the Subject",
    QUOTED: "what its writer repeats of an earlier mail",
    ATTACHMENT: "a file or a mail that is sent along, and its name",
    FOLDER: "the name of a folder of mail: the folder gets another one",
}


class Sort(StrEnum):
    """What a message is, as seen from the person."""

    ONE_TO_ONE = "one_to_one"
    THREAD = "thread"
    LIST = "list"
    ROUTING = "routing"


#: Every sort with what it means.
SORTS: Mapping[Sort, str] = {
    Sort.ONE_TO_ONE: "between the person and one other side; addresses of the connector's `own_domains` are one side",
    Sort.THREAD: "between more than two sides, or the person is only mentioned in it",
    Sort.LIST: "sent by a mailing list or to many (List-Id, List-Post, Precedence)",
    Sort.ROUTING: "the person stands only in headers that no reader sees (Received, Delivered-To, Return-Path, …)",
}


class Whose(StrEnum):
    """Whose mailbox a mail lies in."""

    OWN = "own"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Party:
    """One address among those who wrote a mail or were written to. `side` tells who stands together: all own domains are one side, any other address
    is its own. `person` tells addresses apart that stand on one side. Both are numbers that mean something in this mail only.

    `is_counted` False: the address makes the person a party and nobody else (Reply-To, Sender, Delivered-To).
    """

    side: int
    person: int
    is_own: bool = False
    is_counted: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """What the headers of one mail say; `is_read` False: nothing, because they could not be read or were not asked for.

    `parties` are by place, `unseen` the places that no reader sees. `owner` is whose mailbox it lies in: an address or the name of an account, empty
    where nobody knows. `is_theirs`: a mail in the person's own mailbox belongs to them (the connector says so).
    """

    parties: Mapping[str, Party] = field(default_factory=dict)
    unseen: frozenset[str] = frozenset()
    is_list: bool = False
    owner: str = ""
    is_theirs: bool = False
    is_read: bool = True


def is_role(category: str) -> bool:
    """True for what a rule names as a role and not as a category of data."""
    return category == MAIL or category.startswith(f"{MAIL}.")


def sort_of(envelope: Envelope, places: Collection[str]) -> Sort:
    """The sort of a mail in which the person stands at these places (at least one).

    A display name stands for its address. Who is only mentioned is in a thread of others, however few they are. A mail of which nobody can tell
    counts as one to one, which is the sort that people decide about.
    """
    if not envelope.is_read:
        return Sort.ONE_TO_ONE
    if places and all(place in envelope.unseen for place in places):
        return Sort.ROUTING
    if envelope.is_list:
        return Sort.LIST
    theirs = [party for place, party in envelope.parties.items() if place in places or f"{place}.name" in places]
    return Sort.ONE_TO_ONE if theirs and _others(envelope.parties.values(), theirs) <= 1 else Sort.THREAD


def sort_of_anybody(envelope: Envelope) -> Sort:
    """The sort of a mail for which nobody in particular was looked: one to one if it is that for anybody."""
    if envelope.is_list or not envelope.is_read:
        return Sort.LIST if envelope.is_list else Sort.ONE_TO_ONE
    counted = [party for party in envelope.parties.values() if party.is_counted]
    is_direct = any(_others(counted, [party for party in counted if party.person == one.person]) <= 1 for one in counted)
    return Sort.ONE_TO_ONE if is_direct else Sort.THREAD


def _others(parties: Iterable[Party], theirs: Iterable[Party]) -> int:
    """How many sides there are besides the person's. Where all stand on one side, inside a company, people are counted."""
    people = {party.person for party in theirs}
    rest = [party for party in parties if party.is_counted and party.person not in people]
    if any(not party.is_own for party in (*rest, *theirs)):
        return len({party.side for party in rest} - {party.side for party in theirs})
    return len({party.person for party in rest})
