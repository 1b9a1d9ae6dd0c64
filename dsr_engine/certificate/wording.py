"""The vocabulary of the page: how codes of a statement read to a person.

Part of layout 3 of the page. A wording that changes makes old pages differ from what a verifier expects, so a change needs a new layout.
"""

import re
from collections.abc import Mapping
from datetime import datetime

LEVELS: Mapping[str, str] = {
    "C0": "no longer returned by the application: an ordinary read through its database or interface finds nothing any more. "
    "Dead copies in primary storage, logs, replicas and backups are not covered",
    "C1": "no copy of what was erased is left in the files of tables and indexes and in their statistics, neither live nor dead. "
    "Logs (undo and redo among them), replicas, caches and backups are not covered",
    "C2": "gone from primary storage, and aged out of logs, replicas and caches. Backups are not covered",
    "C3": "gone from primary storage, logs, replicas and caches, and the last backup that held it has expired",
}

VERDICTS: Mapping[str, str] = {
    "fulfilled": "Carried out as planned",
    "fulfilled_with_exceptions": "Carried out, with exceptions",
    "pass": "Carried out as planned",
    "pass_with_exceptions": "Carried out, with exceptions",
    "fail": "Not carried out as planned",
    "unknown": "Outcome not established",
    "refused": "Refused",
    "withdrawn": "Withdrawn",
}

KINDS: Mapping[str, str] = {
    "request": "a person's request",
    "sweep": "retention sweep",
    "replay": "an earlier erasure, carried out again",
    "decommission": "end of a system",
    "supervisory_order": "order of a supervisory authority",
}

EDITIONS: Mapping[str, str] = {"auditor": "auditor's edition", "requester": "requester's edition"}

IDENTITIES: Mapping[str, str] = {
    "": "not recorded",
    "vouched_by_operator": "identity not verified by the engine: the operator vouched for it",
    "reauthenticated_account": "the person logged in again",
    "code_to_known_address": "a code was sent to an address that was already on file",
    "data_points_matched": "data points that were already on file matched",
    "data_points_and_declaration": "data points that were already on file matched, and the person signed a declaration",
    "agent_with_permission": "an agent showed a signed permission",
    "agent_confirmed_by_person": "an agent showed a signed permission, and the person confirmed it",
    "agent_with_power_of_attorney": "an agent showed a power of attorney",
    "guardian": "a parent or guardian of the child acted for it",
    "named_by_authority": "an authority named the person in its order",
    "drop_platform": "verified by California's Delete Request and Opt-out Platform",
    "carried_over": "established in the case that this one repeats",
}

VERIFICATIONS: Mapping[str, str] = {
    "": "not verified",
    "self-check": "self-check: read again through a new connection with the same credential",
    "self_check": "self-check: read again through a new connection with the same credential",
    "other-credential": "read again through a new connection with another credential",
    "other_credential": "read again through a new connection with another credential",
    "none": "not verified",
}

CODES: Mapping[str, str] = {
    "already_absent": "already absent",
    "absent_after_interruption": "absent after an interrupted try",
    "full": "searched fully",
    "partial": "searched partly",
    "partly": "searched partly",
    "none": "not searched",
    "not_searched": "not searched",
    "unsearched": "not searched",
}

#: States of copies that outlive an erasure, in the order in which a reader should know of them.
STATES = ("not-assessed", "outside-control", "retained", "expires-on", "erased", "verified-absent")

#: Columns of tables in the order of reading; others follow in alphabetical order.
COLUMNS = (
    *(
        "recipient",
        "collection",
        "channel",
        "what",
        "person",
        "by",
        "role",
        "coverage",
        "extent",
        "state",
        "treatment",
        "action",
        "method",
        "result",
        "category",
        "categories",
    ),
    *(
        "sent",
        "answered",
        "searched",
        "found",
        "records",
        "count",
        "until",
        "because",
        "ground",
        "law",
        "rule",
        "source",
        "gone",
        "gone_by",
        "at",
        "reason",
        "level",
        "detail",
        "code",
    ),
)

_LABELS: Mapping[str, str] = {
    "by": "Person id",
    "person": "Person id",
    "approver": "Person id",
    "at": "When",
    "because": "Ground",
    "until": "Until",
    "what": "What",
    "sha256": "SHA-256",
    "evidence_sha256": "Evidence, SHA-256",
    "sent": "Told on",
    "answered": "Answered on",
    "id": "Id",
    "dpo": "Data protection officer",
    "rows_hidden": "Rows hidden",
    "source": "Rule at",
    "gone": "Gone by",
    "gone_by": "Gone by",
    "gone_after": "Gone after",
    "url": "URL",
}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def label(key: str) -> str:
    """A key of a statement as the label of a column or a fact."""
    words = key.replace("_", " ").strip()
    return _LABELS.get(key) or words[:1].upper() + words[1:] or key


def value(entry: str | int) -> str:
    """A value as it stands on the page: times spelled for people, codes as words, an empty one as a dash."""
    if isinstance(entry, int):
        return str(entry)
    if _MOMENT.fullmatch(entry):
        return entry.replace("T", " ").replace("Z", " UTC")
    return CODES.get(entry, entry).strip() or "–"


def day(moment: str) -> str:
    """The day of an RFC 3339 time, as in a letter; the text itself where it is no time."""
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{at.day} {at:%B} {at.year}"


def level(code: str) -> str:
    """A claim level in words."""
    if code in LEVELS:
        return f"Level {code}: {LEVELS[code]}."
    return f"Level {code}." if code else "No claim is made."
