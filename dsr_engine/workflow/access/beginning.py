"""A request for a copy is searched for as an erasure is, once somebody lets the engine do so; until then people answer it by hand."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.request import Right
from dsr_engine.workflow.access.bounds import COPYING, is_of_copy
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf


def begin_copy(house: House, case_id: str, by: str, systems: Sequence[str] = ()) -> Case:
    """Sends a request for access or portability on its way: identity, search, an officer's review. `systems` empty: all that are declared.

    Raises `InputWrong` for another right or an unknown system, `Conflict` where it is on its way already or over.
    """
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        if case.right not in COPYING:
            raise InputWrong(
                f"the request is for {case.right.value.replace('_', ' ')}, and a copy answers access and portability only",
                code="copy.right",
                hint="answer it by hand, then record the answer" if case.right is not Right.ERASURE else "run the case",
            )
        if case.stage is not Stage.INTAKE or is_of_copy(case):
            raise Conflict("the copy of this case is on its way already, or the case is closed", code="copy.begun", hint="open the case")
        names = tuple(dict.fromkeys(systems)) or tuple(house.systems)
        unknown = sorted(set(names) - set(house.systems))
        if unknown or not names:
            what = f"no such system: {', '.join(unknown)}" if unknown else "no system is declared"
            raise InputWrong(what, code="system.unknown" if unknown else "system.none", hint="systems.yaml declares them; `dsr check` lists them")
        pinned = {f"connector:{name}": house.systems[name].manifest.source.digest for name in names}
        after = replace(case, stage=Stage.VERIFY_IDENTITY, wait=None, systems=names, digests={**case.digests, **pinned})
        tx.cases.save(after)
        person = tx.people.id_of(by)
        key = f"{case_id}:{secrets.token_hex(8)}"
        tx.ledger.append(leaf(house.clock, "copy.begun", key, case=case_id, by=person, systems=list(names)))
    return after


def search_again(house: House, case_id: str, by: str) -> Case:
    """Lets the systems be searched anew, where records changed since; what was decided about records has to be decided again."""
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        if not is_of_copy(case) or case.stage is not Stage.DISCOVER:
            raise Conflict("there is no finished search to be repeated", code="case.stage", hint="`dsr case show` tells where the case stands")
        tx.copies.take_back(case_id)
        tx.copies.forget_records(case_id)
        after = replace(case, round=case.round + 1, wait=None)
        tx.cases.save(after)
        person = tx.people.id_of(by)
        tx.ledger.append(leaf(house.clock, "copy.searched_again", f"{case_id}:{after.round}", case=case_id, by=person, round=after.round))
    return after
