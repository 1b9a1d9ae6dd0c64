"""What outlives an erasure in the storage of each system: assessed after the fresh look, made good where level C1 is asked for, stored for the paper.

    assess ── nothing stands in the way of the level, or less is accepted ──▶ the case goes on
       │
       ├─ `maintenance: print` ──▶ wait: an administrator carries out what `dsr maintenance` prints, then the case is run again and looks by itself
       └─ `maintenance: run`   ──▶ inside the window: the works, each by itself, then assessed again; outside: wait until it opens

Killed anywhere, it begins again with an assessment: what is done shows, whoever did it. Works that may take more than the person's data are not run.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dsr_engine.domain.case import Case, CaseKind, Stage, Wait
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong, Unreachable
from dsr_engine.domain.plan import Plan, ResultState
from dsr_engine.domain.residue import Assessment, Channel, ResidueState, ServerFacts, Work
from dsr_engine.domain.system import System
from dsr_engine.drivers.upkeep import Upkeep
from dsr_engine.store.approvals import Approval
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.step import TRY_AGAIN_AFTER
from dsr_engine.workflow.turn import Turn

OPEN = "maintenance_open"
CLOSED = "maintenance_window"
#: The level that this module can make and show.
DEEP = "C1"

#: Why somebody lets a certificate claim less. Codes, because free text may name people.
REASONS = ("no_downtime", "encrypted_storage", "system_ends", "expires_by_itself", "other")
_ACCEPTED = "level_accepted"

_GONE = frozenset({ResultState.DONE, ResultState.ALREADY_ABSENT, ResultState.ABSENT_AFTER_INTERRUPTION, ResultState.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Touched:
    """The collections in which something was erased or rewritten: in the whole case, and in its last round."""

    ever: tuple[str, ...]
    is_now: bool


def attend(case: Case, turn: Turn, house: House) -> Wait | None:
    """Assesses every system that can be, and stores what it tells; gives the first wait of a system that has not reached its level."""
    waits = []
    for name in case.systems:
        system = house.system_named(name)
        upkeep = None if system.is_disabled else house.open_upkeep(system)
        if upkeep is None:
            continue
        try:
            waits.append(_attend(case, system, upkeep, turn, house))
        finally:
            upkeep.close()
    return next((wait for wait in waits if wait is not None), None)


def _attend(case: Case, system: System, upkeep: Upkeep, turn: Turn, house: House) -> Wait | None:
    with turn.transaction() as tx:
        touched = _touched(tx, case, system)
        marks = _marks(tx, case, system, touched)
        is_accepted = accepted(tx, case, system.name) is not None
    seen = _assessed(case, system, upkeep, touched, marks, turn, house)
    if system.maintenance_command and system.maintenance == "run" and not is_accepted:
        return _command(case, system, upkeep, touched, seen, turn, house)
    if system.level != DEEP or is_accepted or not seen.open_c1 or case.kind is CaseKind.SWEEP:
        return None  # a sweep goes on: each of its tranches would write the same tables anew
    if system.maintenance != "run":
        return _open(case, system, seen, house)
    wait = _run(case, system, upkeep, seen, turn, house)
    if wait is not None:
        return wait
    seen = _assessed(case, system, upkeep, touched, seen.marks, turn, house)
    return _open(case, system, seen, house) if seen.open_c1 else None


def _command(case: Case, system: System, upkeep: Upkeep, touched: Touched, seen: Assessment, turn: Turn, house: House) -> Wait | None:
    """Runs the system's own command, whatever level is asked for and whatever else is open: it locks nobody out. One that fails keeps the case."""
    open_ = {channel.code for channel in seen.open_c1}
    works = [work for work in seen.works if not work.harms and open_.intersection(work.closes)]
    wait = _carry_out(case, system, upkeep, works, turn, house) if works else None
    if wait is None and works:
        _assessed(case, system, upkeep, touched, seen.marks, turn, house)
    return wait


def _assessed(case: Case, system: System, upkeep: Upkeep, touched: Touched, marks: Mapping[str, str], turn: Turn, house: House) -> Assessment:
    """What the system tells now, stored. One that refuses the question is not assessed, which is an answer too."""
    try:
        seen = upkeep.assess(touched.ever, case.opened_at, marks)
    except (Unreachable, Conflict):
        raise
    except DsrError as error:
        channel = Channel("storage", "storage of the system", ResidueState.NOT_ASSESSED, f"the system refuses to tell ({error.code})")
        seen = Assessment(ServerFacts("", "", "", may_hide_rows=True, detail="not known"), (channel,), marks=marks)
    with turn.transaction() as tx:
        tx.assessments.put(case.id, case.round, system.name, seen, house.clock.now())
    return seen


def _touched(tx: Transaction, case: Case, system: System) -> Touched:
    ever: dict[str, None] = {}
    last: set[str] = set()
    for number in range(1, case.round + 1):
        plan = tx.plans.of(case.id, number)
        last = set(_worked_on(tx, plan, system.name)) if plan is not None else set()
        ever |= dict.fromkeys(sorted(last))
    return Touched(tuple(ever), bool(last))


def _worked_on(tx: Transaction, plan: Plan, system: str) -> Sequence[str]:
    changed = {item for (item, state), count in tx.results.tally(plan.id).items() if count and state in _GONE}
    found: list[str] = []
    for item in plan.items:
        if item.system == system and item.effect is not None and item.id in changed:
            found += [item.collection, *(dep.collection for dep in item.dependents if dep.on_delete in ("cascade", "set_null"))]
    return found


def _marks(tx: Transaction, case: Case, system: System, touched: Touched) -> Mapping[str, str]:
    """What the last assessment left to compare with. A round with effects in the system begins anew: what was done before came too early."""
    own = tx.assessments.of(case.id, case.round).get(system.name)
    if own is None and not touched.is_now and case.round > 1:
        own = tx.assessments.of(case.id, case.round - 1).get(system.name)
    return own.assessment.marks if own is not None else {}


def _run(case: Case, system: System, upkeep: Upkeep, seen: Assessment, turn: Turn, house: House) -> Wait | None:
    """Carries out what closes the open channels; the wait if that must not, cannot or need not be done now."""
    now = house.clock.now()
    window = system.pace.window
    if window is not None and not window.is_open_at(now):
        return Wait(CLOSED, f"{system.name} may be maintained from {window} only", "the window has to open", now, window.opens(now))
    open_ = {channel.code for channel in seen.open_c1}
    works = [work for work in seen.works if not work.harms and open_.intersection(work.closes)]
    if _hopeless(seen) or not works:  # nobody is locked out for something that would not be enough
        return replace(_open(case, system, seen, house), wake_at=now + TRY_AGAIN_AFTER)
    return _carry_out(case, system, upkeep, works, turn, house)


def _carry_out(case: Case, system: System, upkeep: Upkeep, works: Sequence[Work], turn: Turn, house: House) -> Wait | None:
    """Does the works, each by itself; the wait if one cannot be done now."""
    now = house.clock.now()
    what = f"{system.name}: maintaining"
    house.progress.begin(what, len(works))
    try:
        for work in works:
            upkeep.maintain((work,))
            house.progress.advance(what)
    except Conflict as error:
        return Wait(OPEN, f"{system.name}: {error.message}", error.hint, now, now + TRY_AGAIN_AFTER)
    except Unreachable:
        raise
    except DsrError as error:
        return Wait(OPEN, f"{system.name}: {error.message}", f"{error.hint}; `dsr maintenance {case.id}` tells what is needed", now)
    finally:
        house.progress.end(what)
    with turn.transaction() as tx:
        key = f"{case.id}:{secrets.token_hex(8)}"
        tx.ledger.append(leaf(house.clock, "maintenance.done", key, case=case.id, system=system.name, round=case.round, works=len(works)))
    return None


def _hopeless(seen: Assessment) -> tuple[Channel, ...]:
    """Open channels that no work closes: they end by themselves, or by a right that somebody grants."""
    closable = {code for work in seen.works for code in work.closes}
    return tuple(channel for channel in seen.open_c1 if channel.code not in closable)


def _open(case: Case, system: System, seen: Assessment, house: House) -> Wait:
    named = "; ".join(f"{channel.what}: {channel.detail}" for channel in seen.open_c1[:3])
    more = f" and {len(seen.open_c1) - 3} more" if len(seen.open_c1) > 3 else ""
    reason = f"{system.name} has not reached level {DEEP}: {named}{more}"
    needs = f"`dsr maintenance {case.id}` prints what an administrator has to do; then run the case. Or somebody accepts the lower level by name"
    return Wait(OPEN, reason, needs, house.clock.now())


def accept_level(house: House, case_id: str, system: str, reason: str, by: str) -> None:
    """Records that a named person lets the certificate claim C0 for this system. It holds for the present plan only."""
    if reason not in REASONS:
        raise InputWrong("the reason is none of the known ones", code="option.reason", hint=f"one of {', '.join(REASONS)}")
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        plan = tx.plans.latest(case_id)
        if case.stage is not Stage.VERIFY_ABSENCE or plan is None or system not in case.systems:
            raise Conflict(
                f"case {case_id} does not wait for the maintenance of {system}", code="case.stage", hint="`dsr case show` tells what it waits for"
            )
        person = tx.people.id_of(by)
        tx.approvals.add(case_id, plan.digest(), person, house.clock.now(), f"{_ACCEPTED}:{system}:{reason}")
        tx.cases.save(replace(case, wait=None))
        key = f"{case_id}:{secrets.token_hex(8)}"
        tx.ledger.append(leaf(house.clock, "level.accepted", key, case=case_id, system=system, reason=reason, by=person))


def accepted(tx: Transaction, case: Case, system: str) -> Approval | None:
    """Who accepted the lower level of this system, if anybody did; `reason_of` tells why."""
    plan = tx.plans.latest(case.id)
    return next(
        (
            entry
            for entry in tx.approvals.of(case.id)
            if plan is not None and entry.plan_digest == plan.digest() and entry.manner.rpartition(":")[0] == f"{_ACCEPTED}:{system}"
        ),
        None,
    )


def reason_of(approval: Approval) -> str:
    """The reason in words."""
    return approval.manner.rpartition(":")[2].replace("_", " ")


def level_reached(system: System, seen: Assessment | None) -> str:
    """The level that may be claimed: what was asked for, where every channel up to it is shown to hold nothing; never more than was asked for."""
    return DEEP if system.level == DEEP and seen is not None and not seen.open_c1 else "C0"


def maintenance_report(house: House, case_id: str) -> dict[str, object]:
    """What is open in each system of the case, and the works that close it, as the last assessment found them."""
    with house.store.snapshot() as tx:
        case = tx.cases.get(case_id)
        stored = tx.assessments.of(case.id, case.round)
        agreed = {name: found for name in stored if (found := accepted(tx, case, name)) is not None}
    rows = []
    for name, entry in stored.items():
        seen, system = entry.assessment, house.systems.get(name)
        is_asked = system is not None and system.level == DEEP
        open_ = {channel.code for channel in seen.open_c1}
        rows.append(
            {
                "system": name,
                "asked": DEEP if is_asked else "C0",
                "accepted": reason_of(agreed[name]) if name in agreed else "",
                "server": seen.server.product,
                "assessed_at": entry.at.isoformat(timespec="seconds"),
                "channels": [_channel_row(channel, channel.code in open_) for channel in seen.channels],
                "works": [_work_row(work) for work in seen.works if open_.intersection(work.closes)],
            }
        )
    return {"case": case.id, "stage": case.stage.value, "waits_for": case.wait.code if case.wait else None, "systems": rows}


def _channel_row(channel: Channel, is_open: bool) -> dict[str, str | bool]:
    until = channel.until.isoformat() if channel.until else ""
    return {
        "channel": channel.code,
        "what": channel.what,
        "state": channel.state.value,
        "until": until,
        "level": channel.level,
        "detail": channel.detail,
        "is_open": is_open,
    }


def _work_row(work: Work) -> dict[str, object]:
    return {"statement": work.statement, "locks": work.locks, "needs": work.needs_owner, "closes": list(work.closes), "harms": work.harms}
