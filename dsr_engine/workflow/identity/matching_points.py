"""Data points: what a requester said, held against what the systems hold of the person (11 CCR § 7060(b), 7062).

Which kinds matched is stored, never a value. A point counts only where it stands in the same person's records as the identifiers of the case, and
what was claimed as identifier counts once like any other.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.selector import Selector
from dsr_engine.domain.verification import POINTS, Verified
from dsr_engine.workflow.house import House
from dsr_engine.workflow.identity.candidates import Candidates, candidates_for
from dsr_engine.workflow.intake import Claim
from dsr_engine.workflow.verify_identity import mark_verified, note_verified, open_question

#: More points than this are not what a law asks for, and a requester need not give them.
MOST_POINTS = 9


@dataclass(frozen=True, slots=True)
class Matched:
    """What came of a look: the case as it stands then, the kinds that matched, and whether they led to several people (then none counts)."""

    case: Case
    kinds: tuple[str, ...]
    is_ambiguous: bool = False


def match_points(house: House, case_id: str, points: Sequence[Claim], by: str) -> Matched:
    """Looks in the systems for the points and the case's identifiers, and stores which kinds matched. Changes nothing in any system.

    Raises `Unreachable` where a system does not answer, `Conflict` where the identity is settled, `InputWrong` for points that cannot be looked for.
    """
    if len(points) > MOST_POINTS:
        raise InputWrong(f"more than {MOST_POINTS} points", code="match.too_many", hint="two or three are enough; ask for no more than you need")
    with house.store.snapshot() as tx:
        case = open_question(tx, case_id)
        claimed = tuple(selector for selector in tx.selectors.of(case_id) if selector.scope is None)
    given = (*claimed, *(Selector(f"point-{secrets.token_hex(6)}", point.kind, point.value) for point in points))
    anchors = frozenset(selector.id for selector in claimed)
    # They are looked for as if they were known to be theirs: whether they are is what is asked here.
    found = candidates_for(house, case, tuple(replace(selector, verified=True) for selector in given), anchors)
    best, is_ambiguous = _best(found)
    with house.store.transaction() as tx:
        case = open_question(tx, case_id)
        done = Verified(POINTS, tx.people.id_of(by), house.clock.now(), tuple(sorted(best)) if not is_ambiguous else ())
        after = note_verified(tx, house, case, done)
        if after.identity and not is_ambiguous:
            mark_verified(tx, case_id, set(found.people[0].selectors & anchors) if found.people else set())
    return Matched(after, done.kinds, is_ambiguous)


def _best(found: Candidates) -> tuple[frozenset[str], bool]:
    """The kinds of the person in whose records most of them stand, and whether another person has as many."""
    if not found.people:
        return frozenset(), False
    first, *others = found.people
    return first.kinds, any(len(person.kinds) == len(first.kinds) for person in others)
