"""Makes events of what the ledger says, leaf by leaf, and of limits that come near. A cursor for each subscriber moves in the same transaction.

So an event is written down once, whoever is killed when; and what is told of a case is what its ledger proves.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from dsr_engine.domain.partner import Subscriber, Topic
from dsr_engine.store.transaction import Transaction
from dsr_engine.store.webhooks import Draft
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.attention import Urgency, alarms

#: Which leaves are told, and under which topic. What is not named here stays in the ledger.
TOLD: Mapping[str, Topic] = {
    **dict.fromkeys(("case.opened", "case.stage", "case.identity", "case.extended", "case.paused", "case.unpaused"), Topic.CASE),
    **dict.fromkeys(("case.refused", "case.withdrawn", "case.cannot_identify", "case.answered", "plan.made", "plan.approved"), Topic.CASE),
    **dict.fromkeys(("certificate.issued", "certificate.published", "certificate.withdrawn", "certificate.superseded"), Topic.CERTIFICATE),
    **dict.fromkeys(("incident.opened", "incident.judged", "incident.told_authority", "incident.told_people", "incident.closed"), Topic.INCIDENT),
}
#: What of a leaf goes out: ids of cases and papers, codes, counts. Who acted stays here.
FACTS = ("case", "case_kind", "round", "left", "to", "outcome", "certificate", "serial", "incident", "kind_of", "reason")
#: Leaves that are read in one transaction.
_AT_ONCE = 2_000
#: How often limits are looked at.
_ALARMS_EVERY = timedelta(minutes=10)


def write_down(house: House, subscriber: Subscriber) -> int:
    """Writes down the events that the subscriber has not been told of; gives how many. May be killed and repeated at any time."""
    added = 0
    while True:
        with house.store.transaction() as tx:
            size, now = tx.ledger.size(), house.clock.now()
            begin, alarms_at = tx.webhooks.begin(subscriber.name, size)
            end = min(size, begin + _AT_ONCE)
            drafts = list(_of_leaves(subscriber, tx.ledger.entries(end, begin)))
            if end == size and Topic.DEADLINE in subscriber.topics and (alarms_at is None or not timedelta() <= now - alarms_at < _ALARMS_EVERY):
                drafts += _of_limits(tx, house, subscriber)
                alarms_at = now
            added += tx.webhooks.add(subscriber.name, drafts, now)
            tx.webhooks.move(subscriber.name, end, alarms_at)
        if end == size:
            return added


def _of_leaves(subscriber: Subscriber, leaves: Iterable[tuple[int, bytes]]) -> Iterator[Draft]:
    for index, data in leaves:
        facts = json.loads(data)
        kind = str(facts.get("kind", ""))
        if TOLD.get(kind) in subscriber.topics:
            told = {name: facts[name] for name in FACTS if name in facts}
            yield _draft(subscriber, f"leaf:{index}", kind, {"at": facts["at"], "leaf": index, **told})


def _of_limits(tx: Transaction, house: House, subscriber: Subscriber) -> Iterator[Draft]:
    """Each limit once when it comes near, once on its day and once when it is over; again if it moves."""
    for alarm in alarms(tx, house):
        if alarm.urgency is Urgency.LATER:
            continue
        facts = {"case": alarm.case.id, "limit": alarm.limit, "day": alarm.day.isoformat(), "last_day": alarm.last.isoformat(), "law": alarm.set_by}
        cause = f"limit:{alarm.case.id}:{alarm.limit}:{alarm.last}:{alarm.urgency.value}"
        yield _draft(subscriber, cause, f"deadline.{alarm.urgency.value}", {"at": house.clock.now().isoformat(timespec="seconds"), **facts})


def _draft(subscriber: Subscriber, cause: str, kind: str, facts: Mapping[str, object]) -> Draft:
    id_ = hashlib.sha256(f"{subscriber.name}\n{cause}".encode()).hexdigest()[:32]
    return Draft(id_, cause, kind, json.dumps({"version": "1", "id": id_, "kind": kind, **facts}, ensure_ascii=False))
