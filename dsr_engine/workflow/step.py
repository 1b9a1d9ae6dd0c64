"""What a stage answers: where the case goes, and the rows that go with it in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from dsr_engine.domain.case import Outcome, Stage, Wait
from dsr_engine.store.transaction import Transaction

#: How long a case rests before the engine asks a silent system again.
TRY_AGAIN_AFTER = timedelta(minutes=5)

#: Writes the stage's output. It runs in the transaction that moves the case, so both happen or neither.
Write = Callable[[Transaction], None]


def nothing(_: Transaction) -> None:
    """A stage that leaves no rows of its own."""


@dataclass(frozen=True, slots=True)
class Advance:
    """The stage is over; the case goes to `to`."""

    to: Stage
    write: Write = nothing


@dataclass(frozen=True, slots=True)
class Stand:
    """The case stays where it is until the wait ends."""

    wait: Wait
    write: Write = nothing


@dataclass(frozen=True, slots=True)
class NewRound:
    """Residue or drift: everything from `discover` on happens once more. The only way back."""

    write: Write = nothing


@dataclass(frozen=True, slots=True)
class Close:
    """The case is over."""

    outcome: Outcome
    write: Write = nothing


Step = Advance | Stand | NewRound | Close
