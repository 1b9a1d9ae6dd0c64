"""The desk: what is due, overdue, waiting and why, with the next click."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from statistics import median

from flask import Blueprint, current_app, redirect, render_template, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.plan import ResultState
from dsr_engine.domain.user import Permission
from dsr_engine.store.case_lists import Wanted
from dsr_engine.store.transaction import Transaction
from dsr_engine.web import charts
from dsr_engine.web.clicks import APPROVALS, BY_ITSELF, Click, click_for_limit, click_of, permission_for
from dsr_engine.web.guard import house, may, needs, signed_in, user
from dsr_engine.web.story import STAGE_NAMES
from dsr_engine.workflow.correcting.preparing import preparers
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.holds.reviewing import unreviewed
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.attention import Alarm, Urgency, alarms
from dsr_engine.workflow.letters.letterbox import worries

blueprint = Blueprint("desk", __name__)
#: Lines of one list on the desk; the rest is counted, and one click away.
MOST = 25
#: Months that the charts tell of, and how many of the last cases those tell of that go by system.
MONTHS, LAST_CASES = 12, 50
_LIMITS = {
    "answer": "answer",
    "erase": "erase",
    "acknowledge": "confirm receipt",
    "refusal": "say no",
    "question": "the requester is silent",
    "appeal": "answer the appeal",
    "order": "carry out the order",
}


@dataclass(frozen=True, slots=True)
class Due:
    """One line of what has a day: the case, its limits (what, last day, whose) that one click serves, and that click."""

    case: Case
    limits: tuple[tuple[str, date, str], ...]
    click: Click


@dataclass(frozen=True, slots=True)
class FirstStep:
    """One thing to do in a new home; `href` is empty where the person who looks may not do it."""

    what: str
    why: str
    is_done: bool
    href: str


@blueprint.get("/")
@signed_in
def start() -> Response | str:
    """Leads everybody to the first page that is theirs."""
    if may(Permission.CASE_READ):
        return redirect(url_for("desk.show"), 303)
    return redirect(url_for("systems.index"), 303)


@blueprint.get("/desk")
@needs(Permission.CASE_READ)
def show() -> str:
    """What wants a person, the most urgent first."""
    with house().store.snapshot() as tx:
        found = alarms(tx, house())
        letters = worries(tx, house())
        facts = _standing(tx, {alarm.case.id for alarm in found if alarm.urgency is not Urgency.LATER})
        first = _first_steps(tx, house()) if not facts["total"] else ()
    groups = [
        ("overdue", "Overdue", "wrong", _dues(found, Urgency.OVERDUE)),
        ("today", "Today", "wrong", _dues(found, Urgency.TODAY)),
        ("soon", "Within a week", "wait", _dues(found, Urgency.SOON)),
    ]
    return render_template(
        "desk/show.html",
        groups=[(key, title, tone, *lines) for key, title, tone, lines in groups],
        later=sum(alarm.urgency is Urgency.LATER for alarm in found),
        letters=letters[:MOST],
        letters_count=len(letters),
        letter_words=_LETTERS,
        first=first,
        most=MOST,
        click_of=click_of,
        permission_for=permission_for,
        is_approver=may(Permission.PLAN_APPROVE) and not may(Permission.CASE_WRITE),
        **facts,
    )


@blueprint.get("/desk/figures")
@needs(Permission.CASE_READ)
def figures() -> str:
    """How it went: cases over time, answers against their limit, records and coverage by system."""
    with house().store.snapshot() as tx:
        drawn = [_over_time(tx), _answers(tx), *_by_system(tx)]
        stages = tx.case_lists.by_stage()
    standing = [(stage, STAGE_NAMES[stage], stages[stage]) for stage in Stage if stages.get(stage)]
    return render_template("desk/figures.html", charts=drawn, stages=standing, months=MONTHS)


_LETTERS = {
    "letter.bounced": "came back",
    "letter.failed": "was refused by the mail server",
    "letter.waiting": "waits for somebody to send it",
    "letter.owed": "is owed and was not written",
}


def _dues(found: tuple[Alarm, ...], urgency: Urgency) -> tuple[list[Due], int]:
    """The most urgent alarms of this urgency, those of one case that the same click serves in one line; and how many cases have any."""
    lines: dict[tuple[str, str], Due] = {}
    mine = [alarm for alarm in found if alarm.urgency is urgency]
    for alarm in mine[: 4 * MOST]:
        click = click_for_limit(alarm.case, alarm.limit)
        line = lines.setdefault((alarm.case.id, click.href), Due(alarm.case, (), click))
        limit = (_LIMITS.get(alarm.limit, alarm.limit), alarm.last, alarm.set_by)
        lines[alarm.case.id, click.href] = replace(line, limits=(*line.limits, limit))
    return list(lines.values())[:MOST], len({alarm.case.id for alarm in mine})


def _standing(tx: Transaction, shown: set[str]) -> dict[str, object]:
    """What waits, and stands in no list above (`shown`) yet."""
    waits = tx.case_lists.waits()
    undecided = ("finding.undecided", "finding.asked", "place.fixed")
    last_review = tx.holds.last_review()
    now = house().clock.now()
    own = tx.people.known(user().name)
    approvals = tx.case_lists.waiting_for(APPROVALS, MOST)
    return {
        "total": tx.case_lists.count(Wanted()),
        "open_count": tx.case_lists.count(Wanted(state="open")),
        "waits": waits,
        "by_person": sum(count for code, count in waits.items() if code not in BY_ITSELF),
        "to_approve": [(case, own in preparers(tx, case)) for case in approvals],
        "to_approve_count": sum(waits.get(code, 0) for code in APPROVALS),
        "to_decide": tx.case_lists.waiting_for(undecided, MOST),
        "to_decide_count": sum(waits.get(code, 0) for code in undecided),
        "waiting": [case for case in tx.case_lists.waiting({*APPROVALS, *undecided, *BY_ITSELF}, 2 * MOST) if case.id not in shown][:MOST],
        "waiting_count": sum(count for code, count in waits.items() if code not in {*APPROVALS, *undecided, *BY_ITSELF}),
        "by_itself": sum(waits.get(code, 0) for code in BY_ITSELF),
        "tasks": tx.case_lists.open_tasks(MOST),
        "holds": unreviewed(tx, house()),
        "holds_until": last_review.until if last_review is not None and last_review.until - now <= timedelta(days=14) else None,
        "incidents": tx.incidents.list(open_only=True) if may(Permission.INCIDENT_READ) else (),
        "unread": len(tx.portal.unread()),
        "stops": sorted(tx.stops.active()),
    }


def _first_steps(tx: Transaction, at: House) -> tuple[FirstStep, ...]:
    """What to do in a home that has no case yet, in this order."""
    settings = at.settings
    is_reviewed = unreviewed(tx, at) is None
    people = len(tx.users.list())
    return (
        FirstStep(
            "Name your systems",
            "Which databases, mail stores, buckets and services hold personal data. Nothing is searched that is not named.",
            bool(at.systems),
            _href("systems.index", Permission.SYSTEM_READ),
        ),
        FirstStep(
            "Choose a policy",
            "It says of each kind of data what is to happen to it: what goes, what stays, on which ground and until when.",
            settings.policy in at.policies,
            _href("policies.index", Permission.POLICY_READ),
        ),
        FirstStep(
            "Review legal holds",
            "Nothing is erased before somebody says that it was checked what must be kept for disputes and inquiries.",
            is_reviewed,
            _href("holds.index", Permission.HOLD_READ),
        ),
        FirstStep(
            "Bring in a second person",
            "Who opens a case cannot approve its plan: an officer and an approver are two people.",
            people > 1,
            _href("users.index", Permission.USER_WRITE),
        ),
        FirstStep(
            "Enter the first request",
            "What came by mail, by telephone or over the desk. Try it with yourself first.",
            False,
            _href("opening.form", Permission.CASE_WRITE),
        ),
    )


def _href(endpoint: str, permission: Permission) -> str:
    """Where this is done; empty for who may not do it."""
    return url_for(endpoint) if may(permission) and endpoint in current_app.view_functions else ""


# --- figures -------------------------------------------------------------------------------------------------------------------


def _months(today: date) -> list[tuple[int, int]]:
    """The last months, this one included, the oldest first."""
    last = today.year * 12 + today.month - 1
    return [divmod(number, 12) for number in range(last - MONTHS + 1, last + 1)]


def _name(month: tuple[int, int]) -> str:
    return f"{date(month[0], month[1] + 1, 1):%b %y}"


def _over_time(tx: Transaction) -> charts.Chart:
    months = _months(house().clock.now().date())
    opened, closed = tx.case_lists.months(datetime(months[0][0], months[0][1] + 1, 1, tzinfo=UTC))
    known = [(year, month + 1) for year, month in months]
    series = [
        charts.Series("opened", "one", tuple(float(opened.get(month, 0)) for month in known)),
        charts.Series("closed", "two", tuple(float(closed.get(month, 0)) for month in known)),
    ]
    return charts.bars(
        "over-time", "Cases over time", "Opened and closed in each month (UTC), sweeps included.", [_name(month) for month in months], series
    )


def _answers(tx: Transaction) -> charts.Chart:
    """Days from receipt to the answer by the month of the answer, against the days that the law left."""
    months = _months(house().clock.now().date())
    taken: dict[tuple[int, int], list[int]] = {month: [] for month in months}
    left: list[int] = []
    late = 0
    for received, answered, last in tx.case_lists.answers(date(months[0][0], months[0][1] + 1, 1)):
        days = (answered - received).days
        taken.setdefault((answered.year, answered.month - 1), []).append(days)
        if last:
            left.append((date.fromisoformat(last) - received).days)
            late += answered > date.fromisoformat(last)
    series = [
        charts.Series("days (median)", "one", tuple(float(median(taken[month])) if taken[month] else None for month in months)),
        charts.Series("days (slowest)", "two", tuple(float(max(taken[month])) if taken[month] else None for month in months)),
    ]
    about = "By month of the answer."
    if left:
        about += f" {late} of {len(left)} came after their limit." if late else " None came after its limit."
    limit = (f"limit, mostly {median(left):.0f} days", float(median(left))) if left else None
    return charts.lines("answers", "Time to answer against the limit", about, [_name(month) for month in months], series, limit)


def _by_system(tx: Transaction) -> tuple[charts.Chart, charts.Chart]:
    ids = tx.case_lists.recent(LAST_CASES)
    treated, extents = tx.case_lists.treated(ids), tx.case_lists.extents(ids, FOUND)
    gone = (ResultState.DONE, ResultState.ALREADY_ABSENT, ResultState.ABSENT_AFTER_INTERRUPTION, ResultState.ACCEPTED)
    systems = sorted({system for system, _ in treated})

    def total(system: str, states: tuple[ResultState, ...]) -> float:
        return float(sum(treated.get((system, state), 0) for state in states))

    records = [
        charts.Series("carried out", "good", tuple(total(system, gone) for system in systems)),
        charts.Series("kept", "two", tuple(total(system, (ResultState.KEPT,)) for system in systems)),
        charts.Series("drifted or failed", "wrong", tuple(total(system, (ResultState.DRIFTED, ResultState.FAILED)) for system in systems)),
    ]
    seen = sorted({system for system, _ in extents})
    tones = ((Extent.FULL, "looked at in full", "good"), (Extent.PARTIAL, "in part", "wait"), (Extent.NONE, "not", "wrong"))
    looked = [charts.Series(name, tone, tuple(float(extents.get((system, extent), 0)) for system in seen)) for extent, name, tone in tones]
    which = f"In the last {LAST_CASES} cases that searched"
    return (
        charts.shares("records", "Records by system", f"{which}, as far as their plans are not forgotten.", systems, records, is_relative=False),
        charts.shares("coverage", "Coverage by system", f"{which}: how far their collections were looked at.", seen, looked),
    )
