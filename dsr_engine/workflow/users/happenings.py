"""What happened with an account lately, as the ledger has it: so that its owner, and whoever runs the house, notices what nobody should have done."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from dsr_engine.domain.user import User
from dsr_engine.store.ledger_lists import Filter
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users import accounts, factors, invitations, tokens

#: Leaves about an account name it as `person`, ...
ABOUT_SOMEBODY = (
    *(accounts.ADDED, accounts.ROLES, accounts.DISABLED, accounts.ENABLED, accounts.PASSWORD, invitations.INVITED),
    *(factors.ADDED, factors.REMOVED, factors.RECOVERY_MADE, factors.RECOVERY_USED, factors.RESET),
)
#: ... those about a token only name whose it is, as `by`.
ABOUT_TOKENS = (tokens.MADE, tokens.REVOKED)
#: So far back, and so many of each kind in the whole house.
LATELY, _MOST = timedelta(days=90), 200


@dataclass(frozen=True, slots=True)
class Happening:
    """`by` is who did it (empty where the name was forgotten), `is_own` true if that was the owner. `more` says which roles, factor or reason."""

    kind: str
    at: datetime
    by: str
    is_own: bool
    more: str


def happenings(tx: Transaction, house: House, about: User, count: int = 12) -> tuple[Happening, ...]:
    """At most so many things that were done with this account in the last ninety days, the newest first."""
    me = tx.people.known(about.name)
    if me is None:
        return ()
    since, found = house.clock.now() - LATELY, []
    for kinds, whose in ((ABOUT_SOMEBODY, "person"), (ABOUT_TOKENS, "by")):
        for kind in kinds:
            entries = ((entry, json.loads(entry.data)) for entry in tx.ledger_lists.leaves(Filter(kind=kind, start=since), _MOST))
            found += [(entry, data) for entry, data in entries if data.get(whose) == me and entry.at >= about.created_at]
    newest = sorted(found, key=lambda each: each[0].index, reverse=True)[:count]
    return tuple(
        Happening(
            entry.kind,
            entry.at,
            tx.people.name_of(data["by"]) or "",
            data["by"] == me,
            str(data.get("roles") or data.get("factor") or data.get("reason") or ""),
        )
        for entry, data in newest
    )
