"""Sending what is due, trying again what was not taken, and noting what comes back.

A message is claimed in one transaction, handed over outside of any, and settled in another. Killed before it was handed over: it is due again when
the claim is over. Killed after, before it was settled: it goes out a second time, with the same Message-ID, so that it can be seen to be one.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from dsr_engine.delivery.bounces import Mailbox, bounces_in, mailbox_at
from dsr_engine.delivery.mail import UNREACHABLE
from dsr_engine.delivery.post import Post, Refused
from dsr_engine.domain.case import Outcome
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.incident import Told
from dsr_engine.domain.parcel import Bounce, Parcel, Posted, PostState
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.letters.corresponding import ENDING, kind_of, purpose_of, went_out

BOUNCED = "letter.bounced"
#: What follows the first try, the second, and so on; after the last one the message has failed. Four days in all, as RFC 5321 § 4.5.4.1 has it.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440, 1440, 1440))
#: For how long a message belongs to the worker that tries it.
_CLAIM = timedelta(minutes=10)
#: Messages in one round, so that other chores have their turn.
_MOST = 100
#: Codes after which the server takes no other message either.
_NOBODY_THERE = frozenset({UNREACHABLE, "no_tls", "certificate", "login", "421", "530", "534", "535", "538"})
#: How often the mailbox of bounces is looked into, for how long after the last letter, and for how long a bounce may take.
_LOOK_EVERY, _LOOK_AFTER = timedelta(minutes=10), timedelta(days=14)
_LOOKED = "bounces"
#: For how long after its end the address and the letters of a case are kept at the most, if its last letter never went out.
LONGEST = timedelta(days=90)
#: For how long at the least, where the case's own key lives on because something is kept until a date: looks at later days may find more.
USUAL = timedelta(days=60)


def send_post(house: House) -> Iterator[str]:
    """Sends what is due."""
    with house.store.snapshot() as tx:
        due = tx.outbox.due(house.clock.now())[:_MOST]
    yield from send(house, due)


def send(house: House, due: Iterable[Posted]) -> Iterator[str]:
    """Tries these messages, and says how each fared. Nothing where no mail is set up."""
    due = tuple(due)
    post = house.open_post() if due else None
    if post is None:
        return
    try:
        for posted in due:
            after = _tried(house, post, posted)
            if after is not None:
                yield _line(after)
                if after.code in _NOBODY_THERE:
                    break
    finally:
        post.close()


def _line(posted: Posted) -> str:
    if posted.state is PostState.QUEUED:
        return f"{_name(posted)} not sent yet ({posted.code}), tried again at {posted.next_try:%Y-%m-%d %H:%M} UTC"
    return f"{_name(posted)} {'sent' if posted.state is PostState.SENT else f'failed ({posted.code})'}"


def _name(posted: Posted) -> str:
    about = f"case {posted.case}: " if posted.case else ""
    return f"{about}{posted.purpose.replace(':', ' ', 1)}"


def _tried(house: House, post: Post, posted: Posted) -> Posted | None:
    """How the message fares after one try; None if another worker has it."""
    with house.store.transaction() as tx:
        if not tx.outbox.claim(posted, house.clock.now() + _CLAIM):
            return None
        posted = tx.outbox.get(posted.id)
        parcel = _opened(tx, posted)
    if parcel is None:
        return _settled(house, posted, PostState.FAILED, "forgotten")
    try:
        answer = post.send(parcel)
    except Unreachable as error:
        return _later(house, posted, error.code)
    except Refused as error:
        return _settled(house, posted, PostState.FAILED, error.code)
    return _settled(house, posted, PostState.SENT, answer, _digest(posted, parcel))


def _opened(tx: Transaction, posted: Posted) -> Parcel | None:
    try:
        return tx.outbox.parcel(posted.id)
    except DsrError:
        return None


def _later(house: House, posted: Posted, code: str) -> Posted:
    if posted.tries > len(PAUSES):
        return _settled(house, posted, PostState.FAILED, code)
    return _settled(house, posted, PostState.QUEUED, code, next_try=house.clock.now() + PAUSES[posted.tries - 1])


def _settled(house: House, posted: Posted, state: PostState, code: str, digest: str = "", *, next_try: datetime | None = None) -> Posted:
    with house.store.transaction() as tx:
        if state is PostState.SENT:
            tx.portal.keep_letter(posted.id, house.clock.now())
        tx.outbox.settle(posted.id, state, code, next_try=next_try, digest=digest)
        if state is PostState.SENT:
            went_out(tx, house, posted)
        return tx.outbox.get(posted.id)


def _digest(posted: Posted, parcel: Parcel) -> str:
    """SHA-256 of a letter's PDF, to recognise a copy by. Of nothing else: the text of a code or a notice could be guessed from its digest."""
    if kind_of(posted) is None:
        return ""
    return hashlib.sha256(b"".join(enclosed.data for enclosed in parcel.enclosures)).hexdigest()


# --- what comes back -----------------------------------------------------------------------------------------------------------


def read_bounces(house: House) -> Iterator[str]:
    """Looks into the mailbox of bounces now and then, as long as something was sent lately."""
    mail = house.settings.mail
    if mail is None or mail.bounces is None or not _is_due(house):
        return
    yield from note_bounces(house, mailbox_at(mail.bounces, mail.ca))


def _is_due(house: House) -> bool:
    with house.store.snapshot() as tx:
        if not _wants_look(tx, house):
            return False
    with house.store.transaction() as tx:
        is_mine = _wants_look(tx, house)  # another worker may have been quicker
        if is_mine:
            tx.post_marks.put(_LOOKED, house.clock.now())
    return is_mine


def _wants_look(tx: Transaction, house: House) -> bool:
    now = house.clock.now()
    sent, looked = tx.outbox.last_sent(), tx.post_marks.at(_LOOKED)
    return sent is not None and sent > now - _LOOK_AFTER and (looked is None or looked <= now - _LOOK_EVERY)


def note_bounces(house: House, box: Mailbox) -> Iterator[str]:
    """Notes every message of ours that a report in the mailbox says came back. May be repeated."""
    for bounce in bounces_in(box, house.clock.now()):
        with house.store.transaction() as tx:
            line = _noted(tx, house, bounce)
        if line:
            yield line


def _noted(tx: Transaction, house: House, bounce: Bounce) -> str:
    """Anybody may write such a report: it changes nothing but the state of a message that was sent."""
    posted = tx.outbox.find(bounce.parcel)
    if posted is None or posted.state is not PostState.SENT:
        return ""
    tx.outbox.settle(posted.id, PostState.BOUNCED, bounce.status)
    kind = kind_of(posted)
    if kind is not None:
        tx.ledger.append(leaf(house.clock, BOUNCED, posted.id, case=posted.case, letter=kind.value, status=bounce.status))
    return f"{_name(posted)} came back ({bounce.status})"


# --- the end of a correspondence -------------------------------------------------------------------------------------------------


def end_correspondence(house: House) -> Iterator[str]:
    """Forgets the address and the letters of cases of which nothing else is left, once the last letter is out and cannot come back any more."""
    with house.store.snapshot() as tx:
        before = house.clock.now() - USUAL
        left = sorted({*tx.contacts.of_ended_cases(before), *tx.outbox.of_ended_cases(before)})
        over = [case_id for case_id in left if _is_over(tx, house, case_id)]
    for case_id in over:
        with house.store.transaction() as tx:
            if not _is_over(tx, house, case_id):
                continue
            tx.contacts.forget(case_id)
            tx.outbox.forget(case_id)
            tx.ledger.append(leaf(house.clock, "correspondence.forgotten", case_id, case=case_id))
        yield f"case {case_id}: the requester's address and all letters are forgotten"
    if over:
        house.store.scrub()


def _is_over(tx: Transaction, house: House, case_id: str) -> bool:
    case = tx.cases.get(case_id)
    now = house.clock.now()
    if any(kept.fence and kept.lifted_at is None for kept in tx.kept.of(case_id)):
        return False  # before a restriction is lifted its person is told (Art. 18(3) GDPR)
    if any(Told.PEOPLE in incident.owed for incident in tx.incidents.of(case_id)):
        return False  # whoever was told something wrong has to be told so
    if any(appeal.decision is None for appeal in tx.appeals.of(case_id)):
        return False  # an appeal has to be answered, too
    if now >= (case.closed_at or now) + LONGEST:
        return True
    posted = tx.outbox.of(case_id)
    if any(entry.state in (PostState.QUEUED, PostState.WAITING) for entry in posted):
        return False
    endings = {purpose_of(kind) for kind in ENDING}
    told = [entry.sent_at for entry in posted if entry.purpose in endings and entry.state is PostState.SENT and entry.sent_at is not None]
    if case.outcome is Outcome.WITHDRAWN or not tx.contacts.is_known(case_id):
        return True
    return bool(told) and max(told) <= now - _LOOK_AFTER
