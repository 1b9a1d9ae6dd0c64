"""What a confirmed address is worth: the worker looks whether it is on file, in the records of one person, and only then does it verify anybody.

Done by the worker and not while somebody waits for a page, so that no visitor learns from the time of an answer whether a person is known.
"""

from collections.abc import Iterator
from dataclasses import replace

from dsr_engine.domain.case import Stage
from dsr_engine.domain.errors import Conflict, InputWrong, Unreachable
from dsr_engine.domain.portal import Link, Part
from dsr_engine.domain.selector import Selector
from dsr_engine.domain.verification import CODE, CONFIRMED, Verified
from dsr_engine.workflow.house import House
from dsr_engine.workflow.identity.one_time_code import address_on_file
from dsr_engine.workflow.portal.opening import PORTAL
from dsr_engine.workflow.verify_identity import mark_verified, note_verified, open_question

ON_FILE, NOT_NEEDED = "on_file", "not_needed"
_WORTH_NOTHING = {"code.unknown_address": "not_on_file", "code.shared_address": "shared", "code.no_address": "not_on_file"}


def judge_addresses(house: House) -> Iterator[str]:
    """Looks for the addresses that requesters proved to read, and records what that verifies. May be repeated."""
    with house.store.snapshot() as tx:
        links = tx.portal.unjudged()
    for link in links:
        try:
            judged = _judged(house, link)
        except Unreachable as error:
            yield f"case {link.case}: the confirmed address could not be looked for: {error.message}"
            continue
        if judged != NOT_NEEDED:
            yield f"case {link.case}: the confirmed address is {judged.replace('_', ' ')}"


def _judged(house: House, link: Link) -> str:
    with house.store.snapshot() as tx:
        case = tx.cases.get(link.case)
        claimed = tuple(entry for entry in tx.selectors.of(link.case) if entry.kind == "email" and entry.scope is None) if not case.outcome else ()
    systems = case.systems or tuple(house.systems)  # a right that people answer has none of its own
    if case.identity or not systems or case.stage not in (Stage.INTAKE, Stage.VERIFY_IDENTITY):
        return _noted(house, link, NOT_NEEDED)
    try:
        address = address_on_file(house, replace(case, systems=systems), claimed)
    except (Conflict, InputWrong) as error:
        return _noted(house, link, _WORTH_NOTHING.get(error.code, "shared"))
    return _recorded(house, link, address)


def _recorded(house: House, link: Link, address: Selector) -> str:
    """In one transaction: the method counts now, and nobody looks again."""
    method = CODE if link.part is Part.REQUESTER else CONFIRMED
    with house.store.transaction() as tx:
        try:
            case = open_question(tx, link.case)
        except Conflict:
            tx.portal.judge_link(link.digest, NOT_NEEDED)
            return NOT_NEEDED
        after = note_verified(tx, house, case, Verified(method, tx.people.id_of(PORTAL), house.clock.now(), ("email",)))
        if after.identity:
            mark_verified(tx, case.id, {address.id})
        tx.portal.judge_link(link.digest, ON_FILE)
    return ON_FILE


def _noted(house: House, link: Link, judged: str) -> str:
    with house.store.transaction() as tx:
        tx.portal.judge_link(link.digest, judged)
    return judged
