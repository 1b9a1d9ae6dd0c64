"""What a certificate says of copies that outlive an erasure in a system's storage, and of the level that this adds up to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from dsr_engine.domain.case import Case, CaseKind
from dsr_engine.domain.certificate import SystemStatement
from dsr_engine.domain.residue import Assessment, Channel, ServerFacts
from dsr_engine.domain.system import System
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.upkeep import DEEP, accepted, level_reached, reason_of

#: Levels from the least to the most.
_LEVELS = ("C0", "C1", "C2", "C3")


def assessed_statement(statement: SystemStatement, system: System, seen: Assessment | None, mask: Mask) -> SystemStatement:
    """The statement of a system with what it told of itself; as it was where nobody asked it."""
    statement = replace(statement, level=level_reached(system, seen), level_asked=system.level)
    if seen is None:
        return statement
    return replace(
        statement,
        verification=_verification(seen.server, statement.verification),
        server=_server(seen.server, mask),
        channels=tuple(_channel(entry, mask) for entry in seen.channels),
    )


def _verification(server: ServerFacts, declared: str) -> str:
    """Another credential is one that the server knows under another name; where it knows no names, what the settings say."""
    if not server.role:
        return declared
    return "other_credential" if server.is_other_role else "self_check"


def _server(server: ServerFacts, mask: Mask) -> dict[str, str]:
    facts = {
        "server": server.identity,
        "product": server.product,
        "looked_as": server.role,
        "erased_as": server.erased_as,
        "rows_hidden": f"possible: {server.detail}" if server.may_hide_rows else "no: the looking account is shown every row and column",
    }
    return {key: mask.text(text) for key, text in facts.items() if text}


def _channel(channel: Channel, mask: Mask) -> dict[str, str]:
    row = {"channel": channel.what, "state": channel.state.value, "until": channel.until.isoformat() if channel.until else ""}
    return row | {"level": channel.level, "detail": mask.text(channel.detail)}


def lower_levels(tx: Transaction, case: Case, systems: Iterable[System], stored: Mapping[str, Assessment], mask: Mask) -> Iterator[str]:
    """The systems in which less was reached than was asked for, and who accepted that."""
    for system in systems:
        seen = stored.get(system.name)
        if system.level != DEEP or system.is_disabled or level_reached(system, seen) == DEEP:
            continue
        word = accepted(tx, case, system.name)
        by = f"{word.by} accepted that ({reason_of(word)})" if word is not None else _why_nobody(case)
        open_ = "; ".join(channel.what for channel in seen.open_c1) if seen is not None else "nothing was assessed"
        yield mask.text(f"{system.name}: level {DEEP} was asked for and level C0 is claimed; {by}. Open: {open_}.")


def _why_nobody(case: Case) -> str:
    return "a sweep does not wait for maintenance" if case.kind is CaseKind.SWEEP else "its driver cannot make or show more"


def lowest_level(statements: Iterable[SystemStatement]) -> str:
    """What can be said of all systems together."""
    return min((entry.level for entry in statements), key=_LEVELS.index, default=_LEVELS[0])
