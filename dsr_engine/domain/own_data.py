"""The engine's own personal data: what it holds of people, why, on which basis, and what ends it. This table is the policy for them, and the code
that each line names carries it out; `dsr own-data` shows it with numbers, and the record of processing activities repeats it (GDPR Art. 30).
"""

from dataclasses import dataclass
from enum import StrEnum


class Whose(StrEnum):
    REQUESTER = "requester"
    OFFICER = "officer"


@dataclass(frozen=True, slots=True)
class OwnKind:
    """One kind of data. `tables` hold it; `sealed`: only under a key that dies with it. `until` says in words when it goes by itself."""

    name: str
    about: str
    whose: Whose
    purpose: str
    basis: str
    until: str
    tables: tuple[str, ...]
    sealed: bool = True


KINDS: tuple[OwnKind, ...] = (
    OwnKind(
        "requests",
        "identifiers of requesters, and where they were found",
        Whose.REQUESTER,
        "to find, erase and look again",
        "GDPR Art. 6(1)(c) with Art. 12, 17; 11 CCR § 7022",
        "at once when a case is refused, withdrawn or answered by hand; else `follow_up_days` ([retention] in dsr.toml) after it was closed, and not "
        "before the last of what was kept is erased",
        ("selectors", "findings", "plans", "plan_items", "sweep_marks", "clean_records", "unread_records", "corrected_places", "copy_records"),
    ),
    OwnKind(
        "correspondence",
        "addresses of requesters, and letters on their way",
        Whose.REQUESTER,
        "to answer them",
        "GDPR Art. 6(1)(c) with Art. 12(3), 12(4)",
        "a letter's text when it was sent; the address when the case is forgotten and the last letter cannot come back any more",
        ("contacts", "outbox"),
    ),
    OwnKind(
        "proofs",
        "papers, codes and orders that were shown as proof",
        Whose.REQUESTER,
        "to make sure that the requester is the person",
        "GDPR Art. 12(6); 11 CCR § 7060",
        "with the decision, at the latest when the case is forgotten",
        ("evidence", "codes", "orders"),
    ),
    OwnKind(
        "portal",
        "requests that nobody confirmed yet, private links, messages of requesters, letters that they can download",
        Whose.REQUESTER,
        "to let them ask by themselves, follow their request and get its papers",
        "GDPR Art. 12(2), 12(3); 11 CCR § 7020, 7021",
        "a request that nobody confirmed after 24 hours, a visit after half an hour; the rest with the correspondence about the case",
        ("portal_requests", "portal_links", "portal_visits", "portal_notes", "portal_letters"),
    ),
    OwnKind(
        "request_log",
        "the record of each request, without a name; a sealed salt links its certificate to the person",
        Whose.REQUESTER,
        "to show that requests were answered, and for no other use",
        "GDPR Art. 5(2), 24; 11 CCR § 7101(b), (d)",
        "24, 36 or 72 months after the case was closed, as its laws say (`log_keep_months`); then the rest of the case goes too",
        ("request_log", "partner_requests"),
    ),
    OwnKind(
        "suppression",
        "keyed digests of identifiers of people who were erased",
        Whose.REQUESTER,
        "to keep them erased: after a restored backup, and on imports",
        "GDPR Art. 6(1)(c) with Art. 17; 11 CCR § 7022(e)",
        "each entry has its own end",
        ("suppression",),
        sealed=False,
    ),
    OwnKind(
        "held_people",
        "keyed digests of identifiers of people whose data a legal hold protects",
        Whose.REQUESTER,
        "to keep what a dispute needs",
        "GDPR Art. 17(3)(e)",
        "when the hold is lifted",
        ("hold_people",),
        sealed=False,
    ),
    OwnKind(
        "deletion_lists",
        "keyed digests of entries of California's deletion lists, and a download that waits to be taken in",
        Whose.REQUESTER,
        "to delete who is listed, now and in what is collected later",
        "Cal. Civ. Code § 1798.99.86(c), (d); 11 CCR § 7613(c)",
        "as the platform's lists and the law's six years for records demand; a download when it was taken in",
        ("drop_items", "drop_archives"),
        sealed=False,
    ),
    OwnKind(
        "officers",
        "names of those who opened, decided and approved",
        Whose.OFFICER,
        "to keep two people two people, and to show who decided",
        "GDPR Art. 6(1)(f) with Art. 5(2), 24",
        "when no row names them any more, at the latest when the last of their cases is erased; ledger and certificates have a random id only",
        ("people",),
        sealed=False,
    ),
    OwnKind(
        "accounts",
        "names of those who may sign in, their roles, digests of what they prove themselves with, when they were here last; keyed digests of "
        "addresses that tried",
        Whose.OFFICER,
        "to let in whom the controller named and nobody else, and to slow down who guesses",
        "GDPR Art. 6(1)(f) with Art. 32",
        "an account when an administrator takes it away; a session after twelve hours, a count of tries after fifteen minutes, an "
        "invitation after two days, a token on its day",
        ("users", "passkeys", "recovery_codes", "invitations", "web_sessions", "api_tokens", "throttles", "api_answers"),
        sealed=False,
    ),
)
