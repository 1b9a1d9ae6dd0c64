"""The contract of whoever carries messages. Rooms above choose what is sent; this room knows how."""

from typing import Protocol

from dsr_engine.domain.errors import NotAllowed
from dsr_engine.domain.parcel import Parcel


class Refused(NotAllowed):
    """The carrier or the addressee will not take this message, now or later. `code` is the carrier's, in a word or a number."""


class Post(Protocol):
    """A way by which parcels go. Used for several parcels, then closed."""

    def send(self, parcel: Parcel) -> str:
        """Hands the parcel over and gives the carrier's answer in a word or a number, without anything of its content.

        Raises `Unreachable` when a later try may succeed and `Refused` when none will.
        """

    def close(self) -> None:
        """Ends the connection; may be called twice."""
