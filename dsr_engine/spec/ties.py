"""Two rules that are equally specific and can cover the same datum: which one holds would be a matter of order, so neither may.

Whatever names a live system turns out to have, rules that pass here never tie on them (`tests/spec/test_ties.py` tries to find one).
"""

import re
from collections import defaultdict
from collections.abc import Iterator

from dsr_engine.domain.finding import Match
from dsr_engine.domain.policy import Policy, When, specificity
from dsr_engine.spec.document import Document
from dsr_engine.spec.problems import SpecProblem


def tie_problems(document: Document, policy: Policy) -> Iterator[SpecProblem]:
    """One problem for every rule that ties with an earlier one."""
    for index, second in enumerate(policy.rules):
        first = next((rule for rule in policy.rules[:index] if can_tie(rule.when, second.when)), None)
        if first is not None:
            message = f"as specific as the rule on line {first.source.line} and can cover the same data; make one of them more specific"
            yield document.problem(("rules", index, "when"), message)


def can_tie(first: When, second: When) -> bool:
    """True if some datum is covered by both and neither is more specific."""
    return (
        specificity(first) == specificity(second)
        and (first.match or Match.OWNS) is (second.match or Match.OWNS)
        # Of equally deep categories only the same one covers the same data; of fields too.
        and first.category == second.category
        and first.field == second.field
        # Sorts of mail tie where one message can be of both; a mailbox is one person's or another's.
        and (not first.message or not set(first.message).isdisjoint(second.message))
        and first.mailbox == second.mailbox
        and _can_meet(_pattern(first), _pattern(second))
        and _can_meet(_pattern(first), _system(second))
        and _can_meet(_system(first), _pattern(second))
        and _can_meet(_system(first), _system(second))
    )


def _pattern(when: When) -> str:
    return when.collection or "*"


def _system(when: When) -> str:
    return f"{when.system}.*" if when.system else "*"


def _can_meet(first: str, second: str) -> bool:
    """True if some name fits both patterns, in which `*` stands for any run of characters.

    Walks through `first` with the set of places in `second` that can be reached, one bit for each: a file may hold 45,000 pairs.
    """
    if "*" in (first, second):
        return True
    first, second = re.sub(r"\*+", "*", first), re.sub(r"\*+", "*", second)
    places: dict[str, int] = defaultdict(int)
    for at, letter in enumerate(second):
        places[letter] |= 1 << at
    stars, end = places["*"], 1 << len(second)
    reached = 1 | (stars & 1) << 1
    for letter in first:
        if letter == "*":
            # Whatever `second` asks for next, the star can be.
            reached = (2 * end - 1) & -(reached & -reached)
        else:
            reached = (reached & stars) | (reached & places.get(letter, 0)) << 1
            reached |= (reached & stars) << 1  # a star may also stand for nothing
        if not reached:
            return False
    return bool(reached & end)
