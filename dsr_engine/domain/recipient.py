"""Who received personal data, who of them must be told that it was erased, and how far that came (GDPR Art. 19, 17(2), 28; 11 CCR § 7022(b), (c)).

Told, received and deleted are three things: an acknowledgement of receipt is no proof of a deletion, and is never shown as one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from dsr_engine.domain.period import Period, PeriodUnit
from dsr_engine.domain.policy import category_covers, glob_covers
from dsr_engine.domain.regime import Duty, Notify, Regime
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.source import NOWHERE, Source


class Role(StrEnum):
    """PUBLIC: other controllers that process what was made public, such as search engines and archives (Art. 17(2) GDPR)."""

    PROCESSOR = "processor"
    JOINT_CONTROLLER = "joint_controller"
    CONTROLLER = "controller"
    THIRD_PARTY = "third_party"
    PUBLIC = "public"


class Channel(StrEnum):
    """How a recipient is told. MANUAL: a person does it and says so."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    OPENDSR = "opendsr"
    IAB_DDR = "iab_ddr"
    MANUAL = "manual"


class Awaits(StrEnum):
    """What a case waits for: that the notice went out, that its receipt was acknowledged, or that the recipient confirms the deletion."""

    NOTHING = "nothing"
    RECEIPT = "receipt"
    DELETION = "deletion"


#: A processor's copy is the controller's own data, so its deletion has to be confirmed; others decide for themselves and are told.
AWAITED: Mapping[Role, Awaits] = {
    Role.PROCESSOR: Awaits.DELETION,
    Role.JOINT_CONTROLLER: Awaits.DELETION,
    Role.CONTROLLER: Awaits.RECEIPT,
    Role.THIRD_PARTY: Awaits.RECEIPT,
    Role.PUBLIC: Awaits.NOTHING,
}


#: Within which a recipient answers, where the register says nothing.
A_MONTH = Period(1, PeriodUnit.MONTHS)


@dataclass(frozen=True, slots=True)
class Recipient:
    """One entry of the register. `title` is the legal name, which the person may ask for (CJEU C-154/21); `name` names nobody but an organisation.

    `receives` are collections (`shop.customers`, `shop.*`) and categories (`user.contact`) whose data it gets. `identify_by` are the kinds of
    identifiers that it needs to find the person; it gets no other. `settings` are those of its channel; all are secrets, as a URL may hold one.
    """

    name: str
    title: str
    role: Role
    channel: Channel
    receives: tuple[str, ...]
    identify_by: tuple[str, ...]
    awaits: Awaits
    contract: str = ""
    countries: tuple[str, ...] = ()
    language: str = ""
    within: Period = A_MONTH
    settings: Mapping[str, Secret] = field(default_factory=dict)
    source: Source = NOWHERE

    def setting(self, name: str, default: str = "") -> str:
        """The plain value of a setting of the channel; for the delivery only."""
        secret = self.settings.get(name)
        return default if secret is None else secret.reveal()


class What(StrEnum):
    """What has to be done with the data that a recipient holds, as it was done here."""

    ERASE = "erase"
    RESTRICT = "restrict"


#: The collection of data that a person erased in a system that no driver reaches.
ANY = "*"


@dataclass(frozen=True, slots=True)
class Touched:
    """Data that were erased or restricted in one collection, or in an unknown one (`ANY`: a person did it by hand). `categories` empty: unknown."""

    system: str
    collection: str
    categories: tuple[str, ...]
    what: What


def received(recipient: Recipient, touched: Iterable[Touched]) -> tuple[What, ...]:
    """What was done to data that the recipient had received; empty where it received none of them."""
    found = {entry.what for entry in touched if _gets(recipient, entry)}
    return tuple(what for what in What if what in found)


def _gets(recipient: Recipient, touched: Touched) -> bool:
    place = f"{touched.system}.{touched.collection}"
    if touched.collection == ANY:
        return any(entry.startswith(f"{touched.system}.") for entry in recipient.receives)
    return any(glob_covers(entry, place) or any(category_covers(entry, one) for one in touched.categories) for entry in recipient.receives)


_STRENGTH = (Duty.NONE, Duty.UNLESS_DISPROPORTIONATE, Duty.REQUIRED)


def _duty_under(role: Role, notify: Notify) -> Duty:
    if role is Role.PROCESSOR:
        return notify.processors
    return notify.public if role is Role.PUBLIC else notify.recipients


def duty_of(role: Role, regimes: Iterable[Regime]) -> tuple[Duty, str]:
    """Whether one in this role must be told, and under which laws: the strictest of the regimes that apply to the case."""
    found = [(_duty_under(role, regime.notify), ", ".join(filter(None, (regime.title, regime.notify.cite)))) for regime in regimes]
    strictest = max((duty for duty, _ in found), key=_STRENGTH.index, default=Duty.NONE)
    return strictest, "; ".join(dict.fromkeys(cite for duty, cite in found if duty is not Duty.NONE))


class NoticeState(StrEnum):
    """How far a notice came.

    PENDING: not sent yet, or to be tried again. SENT: it went out. ACKNOWLEDGED: its receipt was acknowledged, which proves no deletion.
    CONFIRMED: the recipient says that it deleted. FAILED: refused for good. IMPOSSIBLE, DISPROPORTIONATE: a named person says so, with reasons.
    NOT_REQUIRED: no law of the case asks for it.
    """

    PENDING = "pending"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    IMPOSSIBLE = "impossible"
    DISPROPORTIONATE = "disproportionate"
    NOT_REQUIRED = "not_required"


_SETTLED = frozenset({NoticeState.CONFIRMED, NoticeState.IMPOSSIBLE, NoticeState.DISPROPORTIONATE, NoticeState.NOT_REQUIRED})
_ENOUGH: Mapping[Awaits, frozenset[NoticeState]] = {
    Awaits.NOTHING: _SETTLED | {NoticeState.SENT, NoticeState.ACKNOWLEDGED},
    Awaits.RECEIPT: _SETTLED | {NoticeState.ACKNOWLEDGED},
    Awaits.DELETION: _SETTLED,
}
#: When a recipient that is silent is reminded, in days after the notice went out.
REMINDERS = (timedelta(days=7), timedelta(days=14), timedelta(days=30))


@dataclass(frozen=True, slots=True)
class Notice:
    """One recipient in one case. No identifier of the person is in it; `id` is random and is the message's id on every channel.

    `what` is joined by commas. `reminded` counts reminders. `code` says in a word what the last try met. `reason` is a named person's, checked to
    hold no identifier of the case; `decided_by` and `approved_by` are random ids of people. `evidence` is the SHA-256 (hex) of a file that shows the
    deletion. `closed_at`: a person let the case go on although this notice was open.
    """

    id: str
    case: str
    recipient: str
    title: str
    role: Role
    channel: Channel
    awaits: Awaits
    duty: Duty
    law: str
    what: str
    state: NoticeState
    made_at: datetime
    answer_by: datetime
    tries: int = 0
    next_try: datetime | None = None
    sent_at: datetime | None = None
    reminded: int = 0
    answered_at: datetime | None = None
    expected_at: datetime | None = None
    code: str = ""
    reason: str = ""
    decided_by: str = ""
    approved_by: str = ""
    evidence: str = ""
    closed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """True while what the case awaits from this recipient has not come."""
        return self.state not in _ENOUGH[self.awaits]

    @property
    def next_reminder(self) -> datetime | None:
        """When it is to be reminded next; None where it is not to be, or was often enough."""
        is_silent = self.is_open and self.state in (NoticeState.SENT, NoticeState.ACKNOWLEDGED)
        if not is_silent or self.sent_at is None or self.reminded >= len(REMINDERS):
            return None
        return self.sent_at + REMINDERS[self.reminded]
