"""What a person does about a message that waits for them or failed, for every door: let it out, or give it up."""

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.parcel import Posted, PostState
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.letters.corresponding import kind_of
from dsr_engine.workflow.wiping import wipe

_OUT = (PostState.SENT, PostState.BOUNCED)


def refuse_without_mail(house: House) -> None:
    """Raises `InputWrong` (`letter.no_mail`) where dsr.toml names no mail server."""
    if house.settings.mail is None:
        raise InputWrong(
            "dsr.toml has no [mail]: nothing can be sent",
            code="letter.no_mail",
            hint="save the letter as PDF (`dsr letter CASE KIND --out FILE`) and post it",
        )


def let_out(house: House, post_id: str, letter_of: str = "") -> Posted:
    """Queues the message, so that the worker sends it next. `letter_of`: the case whose letter it has to be.

    Raises `InputWrong` (`letter.no_mail`, `post.unknown`), `Conflict` (`post.sent`, `post.under_way`, `post.empty`).
    """
    refuse_without_mail(house)
    with house.store.transaction() as tx:
        _unsent(tx, post_id, letter_of)
        tx.outbox.release(post_id)
        return tx.outbox.get(post_id)


def give_up(house: House, post_id: str, letter_of: str = "") -> None:
    """Gives the message up, and erases what was in it. Raises as `let_out` does, whether mail is set up or not."""
    with house.store.transaction() as tx:
        _unsent(tx, post_id, letter_of)
        tx.outbox.drop(post_id)
    wipe(house)


def _unsent(tx: Transaction, post_id: str, letter_of: str) -> None:
    if letter_of:
        tx.cases.locked(letter_of)
    posted = tx.outbox.get(post_id)
    if letter_of and (posted.case != letter_of or kind_of(posted) is None):
        raise InputWrong("the case has no such letter", code="post.unknown")
    if posted.state in _OUT:
        raise Conflict("this message was sent", code="post.sent", hint="write it anew (`dsr letter CASE KIND --send --again`)")
