"""The least privileges that the engine needs in a database, as SQL for an administrator. Nothing is executed.

Accounts are named as `systems.yaml` names them; tables come from the live catalogue, so it is asked anew each time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.system import System
from dsr_engine.drivers.access import Access
from dsr_engine.workflow.house import House
from dsr_engine.workflow.systems.asking import Bench

PURPOSES = ("find", "erase", "verify", "maintain", "hide")
ABOUT: Mapping[str, str] = {
    "find": "search and plan",
    "erase": "in addition to find: delete and rewrite what was approved",
    "verify": "the fresh look afterwards (`verify_as`): reads only",
    "hide": "keep restricted rows from everybody else by default",
    "maintain": "rewrite tables inside the window (`maintenance: run`, `maintain_as`)",
}
#: What an account is called where neither a person nor systems.yaml names one.
_DEFAULTS = {"find": "dsr", "erase": "dsr", "verify": "dsr_verify", "maintain": "dsr_maintain", "hide": "dsr"}
#: The kind of the inquiry that asks for them.
GRANTS = "system.grants"

OpenAccess = Callable[[System], Access | None]


@dataclass(frozen=True, slots=True)
class Granted:
    """One statement: for which purpose, for which account, and why. An empty statement is a remark."""

    purpose: str
    account: str
    statement: str
    why: str


def is_asked(system: System, purpose: str) -> bool:
    """True if the system, as it is declared, needs privileges for this."""
    if purpose == "hide":
        return any(entry.fence or entry.move_to for entry in system.manifest.collections)
    return purpose != "maintain" or system.maintenance == "run" or system.level != "C0"


def account_of(system: System | None, purpose: str) -> str:
    """Who systems.yaml says will log in for this."""
    if system is None:
        return _DEFAULTS[purpose]
    settings = {"verify": system.verify_as, "maintain": system.maintain_as}.get(purpose, system.settings)
    user, url = settings.get("user"), settings.get("url")
    if user is not None:
        return user.reveal()
    return (unquote(urlsplit(url.reveal()).username or "") if url is not None else "") or _DEFAULTS[purpose]


def granted(
    declared: System | None, system: System, open_access: OpenAccess, purposes: Sequence[str] = (), account: str | None = None
) -> Iterator[Granted]:
    """The statements in order. `declared` names the accounts, `system` is connected to; `purposes` empty: those that it needs.

    Raises `NotSupported` for what is no database.
    """
    for purpose in purposes or tuple(purpose for purpose in PURPOSES if is_asked(system, purpose)):
        who = account or account_of(declared, purpose)
        access = open_access(system)
        if access is None:
            text = f"{system.name} is no database: the {system.manifest.driver} driver has no privileges to print"
            raise NotSupported(text, code="grants.driver", hint="`dsr check` tries what is needed")
        try:
            yield from (Granted(purpose, who, grant.statement, grant.why) for grant in access.grants(who) if grant.purpose == purpose)
        finally:
            access.close()


def ask_grants(bench: Bench, house: House, name: str, open_access: OpenAccess) -> None:
    """Begins to ask the system. Raises `InputWrong` for an unknown one, `Conflict` while it is being asked."""
    system = house.system_named(name)

    def question(_: object) -> Mapping[str, Any]:
        found = granted(system, system, open_access)
        return {"grants": [{"purpose": one.purpose, "account": one.account, "statement": one.statement, "why": one.why} for one in found]}

    bench.ask(house, GRANTS, name, question)
