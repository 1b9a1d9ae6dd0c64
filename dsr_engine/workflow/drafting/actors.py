"""Fields that name who acted (`approved_by`, `sales_rep_id`): the record is not theirs."""

from dsr_engine.workflow.drafting.keynames import words

#: What a colleague is called in front of a key.
_ROLES = frozenset(
    (
        *(
            "rep",
            "agent",
            "salesperson",
            "seller",
            "manager",
            "supervisor",
            "staff",
            "employee",
            "emp",
            "operator",
            "reviewer",
            "moderator",
            "editor",
        ),
        *("approver", "assignee", "assigned", "handler", "cashier", "clerk", "advisor", "adviser", "officer", "admin", "administrator", "inspector"),
        *("auditor", "technician", "creator", "modifier", "updater", "processor", "responsible", "superior", "sales", "support", "boss", "worker"),
        *("mitarbeiter", "bearbeiter", "sachbearbeiter", "verkaeufer", "ersteller"),
    )
)
#: What somebody did whose record it is not; a record that was `ordered_by` somebody may well be theirs.
_DEEDS = frozenset(
    (
        *("created", "updated", "modified", "changed", "deleted", "removed", "approved", "reviewed", "verified", "confirmed", "signed", "processed"),
        *(
            "handled",
            "assigned",
            "issued",
            "closed",
            "resolved",
            "inserted",
            "edited",
            "checked",
            "authorized",
            "authorised",
            "published",
            "released",
        ),
        *("archived", "entered", "recorded", "imported", "locked", "granted", "blocked", "rejected", "moderated", "shipped", "packed", "last"),
        *("angelegt", "geaendert", "erstellt", "bearbeitet", "genehmigt"),
    )
)


#: What a collection is called that says who acts for others.
_OFFICES = frozenset(
    {"manager", "managers", "supervisor", "supervisors", "rep", "reps", "approver", "approvers", "reviewer", "reviewers", "agent", "agents"}
)


def tells_of_offices(collection: str) -> bool:
    """True for `dept_manager`: a row tells who acts for others."""
    return bool(_OFFICES.intersection(words(collection.rpartition(".")[2])))


def names_an_actor(field: str) -> bool:
    """True if the name of the field says that whom it names only acted."""
    parts = words(field)
    if parts and parts[-1] in ("id", "no", "nr", "key", "name", "email", "user", "username", "login"):
        parts = parts[:-1] or parts
    if "by" in parts or "von" in parts:
        before = parts[: parts.index("by" if "by" in parts else "von")]
        return not before or bool(_DEEDS.intersection(before))
    return bool(_ROLES.intersection(parts)) or "reports" in parts
