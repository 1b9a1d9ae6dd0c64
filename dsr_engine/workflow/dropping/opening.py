"""Consumers who were found become cases, and those who share an identifier are opted out.

Cases are opened some at a time, each in the transaction that ties its work items to it: killed in between, the next comparison finds the rest again.
"""

import secrets
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time

from dsr_engine.content.canonical import canonical, key_text, mailbox
from dsr_engine.domain.case import CaseKind
from dsr_engine.domain.drop import DropStatus, WorkItem
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.period import Period, PeriodUnit
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.request import Manner
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.suppression import MAILBOX, Basis, Suppressed
from dsr_engine.store.aftercare import Sequel, Why
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.dropping.consumers import Consumer, Mark, Traces, selectors_of
from dsr_engine.workflow.dropping.pulling import drop_settings, opt_out_of
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim, Request, drafted, opened
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.staying_erased.suppressing import kind_of_key

#: How the identity in such a case is established, in the words of certificates.
BY_PLATFORM = "drop_platform"
#: What an opt-out of several consumers rests on.
OPT_OUT = "Cal. Civ. Code § 1798.99.86(c); 11 CCR § 7613(a)(2)(B), § 7614(b)(2)(B)"
#: Cases that are opened in one transaction.
_AT_ONCE = 100
#: Identifiers of one case; whoever has more is looked for by the first of them, and by the keys that systems learn.
_MOST_SELECTORS = 150


def policy_of(house: House) -> Policy:
    """The policy of the cases. Raises `InputWrong` where it, or the regime, is not there."""
    settings = drop_settings(house)
    name = settings.policy or house.settings.policy
    if name not in house.policies:
        raise InputWrong(f"no such policy: {name}", code="policy.unknown", hint="name one as `policy` in [drop] of dsr.toml")
    if settings.regime not in house.regimes:
        raise InputWrong(f"no such regime: {settings.regime}", code="regime.unknown", hint="name one as `regime` in [drop] of dsr.toml")
    return house.policies[name]


def open_cases(house: House, found: Sequence[Consumer], *, by: str, shared: Container[Mark] = ()) -> tuple[str, ...]:
    """One case for each consumer; gives their ids. It looks for nothing that is `shared` with other people."""
    policy = policy_of(house)
    opened_cases: list[str] = []
    for start in range(0, len(found), _AT_ONCE):
        with house.store.transaction() as tx:
            received = {batch.id: batch.received_at for batch in tx.drop.batches()}
            made = [_open(tx, house, policy, consumer, received, by, shared) for consumer in found[start : start + _AT_ONCE]]
        opened_cases += filter(None, made)
    return tuple(opened_cases)


def _open(tx: Transaction, house: House, policy: Policy, consumer: Consumer, received: dict[str, datetime], by: str, shared: Container[Mark]) -> str:
    selectors = selectors_of(consumer.traces, iter(lambda: secrets.token_hex(6), ""), shared)[:_MOST_SELECTORS]
    items = tx.drop.take(consumer.items)
    if not items:
        return ""  # another comparison was quicker
    earlier = max((item.case for item in items), default="") if all(item.case for item in items) else ""
    first = min((received[item.batch] for item in items if item.reported is None), default=house.clock.now())
    request = Request(
        claims=(Claim("email", Secret("-")),),  # they come as selectors below, with the fields in which they mean something
        policy=policy,
        opened_by=by,
        regimes=(drop_settings(house).regime,),
        received_at=first,
        manner=Manner.DROP,
    )
    case = replace(drafted(house, request), identity=BY_PLATFORM, opened_by=tx.people.id_of(by))
    if earlier:  # the law has it done anew at intervals: that is no second request, in no figure
        case = replace(case, kind=CaseKind.REPLAY)
    opened(tx, house, case, replace(request, claims=()))
    for selector in selectors:
        tx.selectors.add(case.id, selector)
    if earlier:
        tx.sequels.add(Sequel(case.id, earlier, Why.AGAIN, f"drop:{case.id}"))
    tx.drop.open_case([item.id for item in items], case.id)
    tx.ledger.append(leaf(house.clock, "drop.case", case.id, case=case.id, items=len(items)))
    return case.id


def opt_out(house: House, several: Iterable[tuple[Sequence[WorkItem], Traces]], shared: Container[Mark] = ()) -> int:
    """Everybody behind an identifier that several consumers have is opted out; gives how many items that were. What is `shared` leaves no digest.

    An opt-out is kept as digests, which whoever sells or shares data has to check (`dsr suppress check`).
    """
    count = 0
    for items, traces in several:
        with house.store.transaction() as tx:
            texts = set(_texts(traces, shared))
            for item in items:
                tx.suppression.add(_entries(tx, house, item, texts))
            tx.drop.settle([item.id for item in items], DropStatus.OPTED_OUT)
            key = secrets.token_hex(8)
            tx.ledger.append(leaf(house.clock, "drop.opted_out", key, items=len(items), records=len(traces.found), digests=len(texts)))
        count += len(items)
    return count


def _entries(tx: Transaction, house: House, item: WorkItem, texts: Iterable[tuple[str, str]]) -> Iterator[Suppressed]:
    key, now = tx.suppression.keys.newest(), house.clock.now()
    day = Period(house.settings.objection_months, PeriodUnit.MONTHS).after(house.calendar.day_of(now))
    until = datetime.combine(day, time.max, UTC)
    for kind, text in sorted(texts):
        digest = tx.suppression.keys.digest(kind, text, key)
        yield Suppressed(key, kind, digest, Basis.OPT_OUT, opt_out_of(item.id), now, until, OPT_OUT)


def _texts(traces: Traces, shared: Container[Mark]) -> Iterator[tuple[str, str]]:
    """What the consumers are known by, in the written form of digests."""
    for trace in traces.found:
        for kind, value, scope in (*trace.selectors(shared),) or trace.selectors():
            text = key_text(value) if scope is not None else canonical(kind, value)
            if not text:
                continue
            yield (kind_of_key(scope) if scope is not None else kind), text
            if kind == "email" and scope is None:
                yield MAILBOX, mailbox(text)
