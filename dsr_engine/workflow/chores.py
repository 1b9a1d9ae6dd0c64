"""What has to be done whether or not somebody asks: each chore looks what is due, does it, and may be killed and repeated at any time.

`dsr worker` does them between cases. A chore that fails is told of and tried at the next round; the others go on.
"""

from collections.abc import Callable, Iterable, Iterator

from dsr_engine.domain.errors import Conflict, DsrError
from dsr_engine.workflow.house import House
from dsr_engine.workflow.publish import forget_due

#: Does what is due and says it in short lines, without anything of a person.
Chore = Callable[[House], Iterable[str]]


def forget(house: House) -> Iterator[str]:
    """Shreds the keys of cases whose day has come."""
    for case_id in forget_due(house):
        yield f"case {case_id}: forgotten"


#: In the order in which they are done.
CHORES: tuple[Chore, ...] = (forget,)


def do_chores(house: House, chores: Iterable[Chore] = CHORES) -> Iterator[str]:
    """Does every chore; gives a line for each thing that was done, and one for each chore that could not be done now."""
    for chore in chores:
        try:
            yield from chore(house)
        except Conflict as error:
            if error.code != "store.busy":
                yield f"{chore.__name__.replace('_', ' ')}: {error.message}"
        except DsrError as error:
            yield f"{chore.__name__.replace('_', ' ')}: {error.message}"
