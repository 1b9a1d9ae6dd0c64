"""What somebody can do about a wait, in plain words, and on which page: one table for the desk, the lists and the page of a case.

The waits themselves speak of commands, because whoever runs the engine on a terminal reads them too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dsr_engine.domain.case import Case, Stage, Wait
from dsr_engine.domain.user import Permission
from dsr_engine.workflow.access.bounds import COPYING

#: A click that runs the case again is a form, not a link.
RUN = "run"


@dataclass(frozen=True, slots=True)
class Click:
    """The next step: what it does (`label`), where (`href`, or `RUN`; empty: nothing can be clicked), and in a sentence what is needed."""

    label: str
    href: str
    needs: str


@dataclass(frozen=True, slots=True)
class _Way:
    """`path` is under the case, or begins with `/` for a page of its own; one that ends with `/` is followed by the case's number."""

    label: str
    path: str
    needs: str


_VERIFY = _Way("Verify who asked", "identity", "Find out whether the requester is the person, and record how.")
_LOOK_AGAIN = "The engine tries again by itself; you can let it try at once."
_WAYS: Mapping[str, _Way] = {
    "identity_unverified": _VERIFY,
    "identity_incomplete": _VERIFY,
    "identity_too_weak": _Way("Verify further", "identity", "Sensitive data was found: more must be done to know who asked before it may be erased."),
    "cannot_identify": _Way(
        "Enter what came", "identity", "The requester has until the last day to give more. If something came, enter it; else the case ends by itself."
    ),
    "identity_shared": _Way(
        "Decide whose it is", "decide", "One identifier leads to records of several people. Say whether all of them are theirs, or close the case."
    ),
    "answer_by_hand": _Way("Record the answer", "end", "Answer the request in your own words, then record what you answered and when."),
    "copy_review": _Way("Look over the copy", "copy", "Decide about possible findings and records that name others, then release the copy."),
    "copy_ready": _Way("Hand out the copy", "copy", "The copy is released. Once the person has it, record the answer, and the person is forgotten."),
    "approval.missing": _Way("See the plan", "plan", "Somebody who did not open the case has to look at the plan and approve it."),
    "approval.over_cap": _Way(
        "See the plan", "plan", "More records than the policy lets pass by itself: somebody has to look at the plan and approve it."
    ),
    "sweep.unusual": _Way("See the plan", "plan", "The sweep would hit unusually much: somebody has to look at the plan and approve it."),
    "agent.denied": _Way(
        "Read what the person says",
        "messages",
        "The person says that nobody acts for them. Ask them by another way; then refuse the request, or say that it is cleared up.",
    ),
    "plan.given_back": _Way("See the plan", "plan", "Whoever was to approve the plan gave it back. Correct it, or hand it in again as it is."),
    "correction.lost": _Way("See the plan", "plan", "Records that were to stay lie elsewhere now. Take them out anew, then undo the correction."),
    "correction.forgotten": _Way(
        "See the plan", "plan", "Records stayed at an earlier erasure; which, is forgotten. Take out what has to stay, then undo the correction."
    ),
    "correction.impossible": _Way("See the plan", "plan", "The policy does not permit a correction any more. Take it back."),
    "coverage.gap": _Way(
        "See the plan and its gaps", "plan", "Something could not be read. Make it readable and look again, or an approver accepts the gaps by name."
    ),
    "rule.missing": _Way("See the plan", "plan", "No rule of the policy covers what was found. Add one, withdraw the case and open a new one."),
    "ground.unknown": _Way(
        "See the plan", "plan", "A rule keeps data on a ground that a law of the case does not know. Mend the policy, then open a new case."
    ),
    "place.fixed": _Way(
        "Decide the findings", "possible", "Something cannot be cut out where it stands. Say of each finding what is to become of it."
    ),
    "format.cannot_rewrite": _Way(
        "Decide the findings", "possible", "The person cannot be cut out of a file. Say of each whether it goes as a whole, or stays."
    ),
    "lake.table": _Way(
        "See the plan", "plan", "A file is part of a table. Erase its rows with the table's own library and look again, or let it stay."
    ),
    "finding.undecided": _Way("Decide possible findings", "possible", "Findings that may be about somebody else wait for a person's eyes."),
    "finding.asked": _Way("Decide these findings", "possible", "The policy leaves some records to a person: erase, redact or keep each."),
    "ground.missing": _Way("Name the ground", "grounds", "Say why the data have to go: that somebody asked is no ground by itself."),
    "cooling_off": _Way("", "", "The plan is approved. The policy lets some time pass before anything happens; nothing has to be done."),
    "holds.unreviewed": _Way("Review legal holds", "/holds", "Nothing is erased before somebody says that legal holds were reviewed."),
    "task_open": _Way("See the tasks", "tasks", "A person has to do something in a system that the engine does not reach, and show it."),
    "too_much_drift": _Way("Decide whether to go on", "decide", "More records changed since the plan was made than the policy lets pass."),
    "recipients_open": _Way(
        "See the recipients", "/recipients/cases/", "Those who had received the data have not all been told, or have not answered."
    ),
    "stopped": _Way("See the systems", "/systems", "Somebody stopped the engine. It goes on when that is taken back."),
    "rounds_exhausted": _Way("Let it look again", RUN, "Something of the person is found again and again. Stop what writes it, then look again."),
    "absence.unseen": _Way("Let it look again", RUN, "Not every place could be looked at again. Make the rest readable, then look again."),
    "blocked": _Way("Let it try again", RUN, "Some records could not be changed. Their system says why; mend that, then try again."),
    "internal_error": _Way("Let it try again", RUN, "A mistake of the engine itself: tell whoever runs it, then try again."),
    "maintenance_open": _Way("Let it look again", RUN, "Somebody has to do the upkeep that the system asks for, then the engine looks again."),
    "maintenance_window": _Way("", "", "The system lets the engine in during its maintenance window only; it waits for that."),
    "window.closed": _Way("", "", "The system lets the engine in during certain hours only; it waits for them."),
    "mail.daily_limit": _Way("", "", "A mailbox has moved what its provider allows in a day; the engine goes on by itself."),
    "system.busy": _Way("Try now", RUN, f"The system is busy. {_LOOK_AGAIN}"),
    "sql.locked": _Way("Try now", RUN, f"Somebody else holds the records. {_LOOK_AGAIN}"),
    "sql.too_slow": _Way("Try now", RUN, f"The system took too long. {_LOOK_AGAIN}"),
    "system_down": _Way("Try now", RUN, f"A system does not answer. {_LOOK_AGAIN}"),
}
#: Waits that end without a person: time, a window, a system that comes back.
BY_ITSELF = frozenset(
    {"cooling_off", "maintenance_window", "window.closed", "mail.daily_limit", "system.busy", "sql.locked", "sql.too_slow", "system_down"}
)
#: Waits that somebody else than the officer ends.
APPROVALS = frozenset({"approval.missing", "approval.over_cap", "sweep.unusual"})
#: Waits whose cause is mended elsewhere: then somebody lets the engine look again.
AGAIN = frozenset({"coverage.gap", "holds.unreviewed", "task_open", "recipients_open", "stopped", "maintenance_window", "window.closed"})
#: A request for which the engine can make a copy may be answered with it, or by people.
_BY_COPY = _Way("Make the copy, or answer", "copy", "Let the engine collect a copy of the data; or answer by yourself, and record what you answered.")
_LIMITS: Mapping[str, _Way] = {
    "acknowledge": _Way("Confirm receipt", "letters", "Tell the requester that the request arrived, or record that you did."),
    "question": _Way("Say what came", "clock", "The requester has not answered for long: ask again, go on without, or close the case."),
    "appeal": _Way("Decide the appeal", "appeals", "Grant the appeal or deny it, and record the day on which you told the person."),
    "refusal": _Way("Refuse, if you mean to", "end", "The answer was extended, saying no was not: refuse by then or not at all."),
}


#: What one needs to be of use on the page of a step; on every other page of a case, to be allowed to work on it.
_FOR: Mapping[str, Permission] = {
    "plan": Permission.CASE_READ,
    "copy": Permission.CASE_READ,
    "messages": Permission.CASE_PREVIEW,
    "holds": Permission.HOLD_READ,
    "recipients": Permission.RECIPIENT_READ,
    "systems": Permission.SYSTEM_READ,
}


def known_codes() -> tuple[str, ...]:
    """The waits that have a next step of their own."""
    return tuple(_WAYS)


def paths() -> frozenset[str]:
    """The pages that steps lead to, under a case or of their own."""
    return frozenset(way.path for way in (*_WAYS.values(), _BY_COPY, *_LIMITS.values()) if way.path not in ("", RUN))


def click_of(case: Case) -> Click:
    """What is next in this case."""
    if case.stage is Stage.CLOSED:
        return Click("Open", f"/cases/{case.id}", "The case is closed.")
    if case.wait is None:
        return Click("See how far it is", f"/cases/{case.id}", "The engine works on it by itself; nothing has to be done.")
    way = _BY_COPY if case.wait.code == "answer_by_hand" and case.right in COPYING else _WAYS.get(case.wait.code)
    return _found(case.id, way) if way is not None else Click("Let it try again", RUN, _unknown(case.wait))


def click_for_limit(case: Case, limit: str) -> Click:
    """What is next so that this limit is met."""
    way = _LIMITS.get(limit)
    return _found(case.id, way) if way is not None else click_of(case)


def permission_for(click: Click) -> Permission:
    """What whoever follows this click must be allowed to, so that it is of any use to them."""
    first, _, rest = click.href.strip("/").partition("/")
    place = rest.rpartition("/")[2] if first == "cases" and "/" in rest else first
    return Permission.CASE_READ if place == "cases" else _FOR.get(place, Permission.CASE_WRITE)


def _found(case_id: str, way: _Way) -> Click:
    if way.path in ("", RUN):
        return Click(way.label, way.path, way.needs)
    if way.path.startswith("/"):
        return Click(way.label, way.path + case_id if way.path.endswith("/") else way.path, way.needs)
    return Click(way.label, f"/cases/{case_id}/{way.path}", way.needs)


def _unknown(wait: Wait) -> str:
    """What the wait itself says, unless that is a command."""
    return "See what the system says, mend it, then let the engine try again." if "dsr " in wait.needs else wait.needs
