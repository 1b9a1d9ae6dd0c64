"""Limits that are near, reached or over, and letters that do not arrive, by mail to the officers: each step of each once (`alarms_to` in dsr.toml).

Nothing of a person is in such a mail: case numbers, days, and what to do. So it needs no key, and it can be read by whoever stands in for an officer.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dsr_engine.domain.parcel import Parcel
from dsr_engine.domain.selector import Secret
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.attention import Urgency, alarms
from dsr_engine.workflow.letters.letterbox import worries

PURPOSE = "alarm"
_MARK = "alarm:"
#: A step that was told of is remembered for so long; no case runs longer against one limit.
_REMEMBERED = timedelta(days=800)
#: How often one looks: going through all open cases takes a while where there are thousands.
_LOOKED, _LOOK_EVERY = "alarms", timedelta(minutes=10)
#: Lines in one mail; the rest is counted.
_MOST = 200


@dataclass(frozen=True, slots=True)
class _Step:
    """Something that officers are told of once. `mark` names it for ever."""

    mark: str
    line: str
    is_overdue: bool = False


def mail_alarms(house: House) -> Iterator[str]:
    """Queues one mail to each officer about the steps that none of them was told of yet."""
    mail = house.settings.mail
    if mail is None or not mail.alarms_to:
        return
    now = house.clock.now()
    with house.store.snapshot() as tx:
        looked = tx.post_marks.at(_LOOKED)
        if looked is not None and looked > now - _LOOK_EVERY:
            return
    with house.store.transaction() as tx:
        tx.post_marks.put(_LOOKED, now)
        steps = _untold(tx, house)
        for step in steps:
            tx.post_marks.put(step.mark, now)
        for address in mail.alarms_to if steps else ():
            tx.outbox.add("", PURPOSE, Parcel(secrets.token_hex(16), Secret(address), _subject(steps), _text(house, steps)))
        tx.post_marks.forget_before(now - _REMEMBERED)
    if steps:
        yield f"alarm: {len(steps)} limit(s) or letter(s) told to {len(mail.alarms_to)} officer(s)"


def _untold(tx: Transaction, house: House) -> tuple[_Step, ...]:
    return tuple(step for step in _steps(tx, house) if tx.post_marks.at(step.mark) is None)


def _steps(tx: Transaction, house: House) -> Iterator[_Step]:
    for alarm in alarms(tx, house):
        if alarm.urgency is not Urgency.LATER:
            case = alarm.case.id
            mark = f"{_MARK}{case}:{alarm.limit}:{alarm.day}:{alarm.urgency.value}"
            line = f"{_when(alarm.urgency, alarm.last)}  {alarm.limit}, case {case}: dsr case show {case}"
            yield _Step(mark, line, alarm.urgency is Urgency.OVERDUE)
    for worry in worries(tx, house):
        mark = f"{_MARK}{worry.case.id}:{worry.code}:{worry.letter.value}:{worry.since}"
        yield _Step(mark, f"{worry.code}  {worry.letter.value.replace('_', ' ')}, case {worry.case.id}: dsr case show {worry.case.id}")


def _when(urgency: Urgency, last: date) -> str:
    return {Urgency.OVERDUE: f"OVERDUE since {last}", Urgency.TODAY: f"TODAY {last}"}.get(urgency, f"by {last}")


def _subject(steps: Sequence[_Step]) -> str:
    late = sum(step.is_overdue for step in steps)
    return f"[dsr] {len(steps)} thing(s) to look at" + (f", {late} overdue" if late else "")


def _text(house: House, steps: Sequence[_Step]) -> str:
    lines = [step.line for step in steps[:_MOST]]
    if len(steps) > _MOST:
        lines.append(f"… and {len(steps) - _MOST} more: dsr case due")
    head = f"{house.settings.controller.get('name', 'This home')}: requests with a limit that is near or over, and letters that want a person."
    foot = "`dsr case due` shows all of them. You are told of each step once."
    return "\n".join((head, "", *lines, "", foot, ""))
