"""The contract of whoever tells a recipient over the net. Each speaks one protocol to one recipient."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from dsr_engine.delivery.iab_ddr import IabDdr
from dsr_engine.delivery.opendsr import OpenDsr
from dsr_engine.delivery.webhook import Webhook
from dsr_engine.domain.recipient import Channel, Recipient
from dsr_engine.domain.telling import Answer, Message


class Teller(Protocol):
    """All of it may be repeated with the same message: recipients tell by its id that it is one."""

    def tell(self, message: Message, now: datetime) -> Answer:
        """Sends the message. Raises `Unreachable` when a later try may succeed, any other error of the families when none will."""

    def ask(self, message_id: str) -> Answer | None:
        """How the recipient stands with it; None where its protocol cannot tell. Raises as `tell` does."""

    def cancel(self, message_id: str) -> Answer:
        """Takes the message back, where the protocol lets us and it is not too late. Raises `NotSupported` or `NotAllowed` else."""

    def check(self) -> None:
        """Reaches the recipient without telling it anything of anybody. Raises what is wrong."""


OpenTeller = Callable[[Recipient], Teller | None]
_KINDS: dict[Channel, Callable[[Recipient], Teller]] = {Channel.WEBHOOK: Webhook, Channel.OPENDSR: OpenDsr, Channel.IAB_DDR: IabDdr}


def open_teller(recipient: Recipient) -> Teller | None:
    """Who tells this recipient; None where it is told by mail or by a person."""
    kind = _KINDS.get(recipient.channel)
    return kind(recipient) if kind is not None else None
