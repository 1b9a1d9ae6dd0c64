"""Who asked: what an officer does to find that out, and papers that lie sealed while somebody has to look at them."""

from collections.abc import Callable

from flask import Blueprint, Response, render_template, request, url_for

from dsr_engine.domain.case import Case, CaseKind, Stage
from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.pause import Doubt
from dsr_engine.domain.user import Permission
from dsr_engine.domain.verification import METHODS, ON_PAPER, VOUCHED, lacking
from dsr_engine.web.forms import Answer, attempt, day_or_none, filled_identifiers, identifier_kinds, one_of, plain_hint, text, typed_identifiers
from dsr_engine.web.guard import house, needs, user
from dsr_engine.web.papers import saved
from dsr_engine.web.story import named
from dsr_engine.web.uploads import file_of, takes_file
from dsr_engine.workflow.claims import claims_of
from dsr_engine.workflow.identity.adding import add_claims
from dsr_engine.workflow.identity.matching_points import match_points
from dsr_engine.workflow.identity.one_time_code import answer_code, send_code
from dsr_engine.workflow.identity.showing import DOUBTS, MOST_BYTES, paper_of, show_paper
from dsr_engine.workflow.intake import Claim
from dsr_engine.workflow.report import verified_row
from dsr_engine.workflow.verify_identity import TOO_WEAK, confirm_identity, not_identified, requested_need

blueprint = Blueprint("case_identity", __name__, url_prefix="/cases")
#: What a paper may be, by its first bytes: what is not one of these is handed out as a file that no browser shows.
_SIGNS = ((b"%PDF-", "application/pdf", "pdf"), (b"\xff\xd8\xff", "image/jpeg", "jpg"), (b"\x89PNG\r\n", "image/png", "png"))


@blueprint.get("/<case_id>/identity")
@needs(Permission.CASE_READ)
def show(case_id: str) -> str:
    return _page(case_id)


@blueprint.post("/<case_id>/identity")
@needs(Permission.CASE_WRITE)
@takes_file(MOST_BYTES)
def confirm(case_id: str) -> Answer:
    """An officer says how it was established who asks."""

    def act() -> str:
        method = one_of("method", "how it was established", tuple(METHODS))
        age = text("age")
        if age and not (age.isdigit() and int(age) <= 120):
            raise InputWrong("that is no age", code="form.age", hint="write it in years")
        signed = day_or_none("signed", "the day of the paper")
        paper = file_of("paper")
        after = confirm_identity(house(), case_id, method, user().name, _kinds(), paper=paper, signed_on=signed, age=int(age) if age else None)
        return _told(after)

    return _attempt(case_id, act)


@blueprint.post("/<case_id>/identity/points")
@needs(Permission.CASE_WRITE)
def points(case_id: str) -> Answer:
    """Holds what the requester said against what the systems hold; which kinds matched is kept, never a value."""

    def act() -> str:
        matched = match_points(house(), case_id, _claims(), user().name)
        if matched.is_ambiguous:
            return "What was said stands in the records of several people alike: it verifies none of them."
        return f"In one person's records matched: {', '.join(matched.kinds) or 'nothing'}. {_told(matched.case)}"

    return _attempt(case_id, act)


@blueprint.post("/<case_id>/identity/code")
@needs(Permission.CASE_WRITE)
def code(case_id: str) -> Answer:
    """Sends a code to the claimed address if it is on file."""

    def act() -> str:
        sent = send_code(house(), case_id, user().name)
        return f"A code goes to the address on file; it counts until {sent.until.astimezone(house().calendar.zone):%Y-%m-%d %H:%M}."

    return _attempt(case_id, act)


@blueprint.post("/<case_id>/identity/answer")
@needs(Permission.CASE_WRITE)
def answer(case_id: str) -> Answer:
    """What the requester answered to the code."""
    return _attempt(case_id, lambda: _told(answer_code(house(), case_id, text("code"), user().name)))


@blueprint.post("/<case_id>/identity/papers")
@needs(Permission.CASE_WRITE)
@takes_file(MOST_BYTES)
def add_paper(case_id: str) -> Answer:
    """Seals a paper while somebody has to look at it."""

    def act() -> str:
        paper = file_of("evidence")
        if paper is None:
            raise InputWrong("no file was chosen", code="upload.none", hint="choose the scan of the paper")
        show_paper(house(), case_id, paper, text("doubt") if text("doubt") in DOUBTS else "", user().name)
        return "The paper is sealed. It is deleted when the case is decided; delete the file that you have, too."

    return _attempt(case_id, act)


@blueprint.get("/<case_id>/identity/papers/<paper_id>")
@needs(Permission.CASE_PREVIEW)
def paper(case_id: str, paper_id: str) -> Response:
    """A paper, to be looked at. It is handed out as a file, so that nothing of it runs in a page of ours."""
    with house().store.snapshot() as tx:
        tx.cases.get(case_id)
        data = paper_of(tx, case_id, paper_id)
    kind, ending = next(((kind, ending) for sign, kind, ending in _SIGNS if data.startswith(sign)), ("application/octet-stream", "bin"))
    return saved(data, f"paper-{paper_id}.{ending}", kind)


@blueprint.post("/<case_id>/identity/more")
@needs(Permission.CASE_WRITE)
def more(case_id: str) -> Answer:
    """Identifiers that the requester gave later."""

    def act() -> str:
        count = add_claims(house(), case_id, _claims(), user().name)
        return f"{count} identifier(s) added." if count else "The case had them already."

    return _attempt(case_id, act)


@blueprint.post("/<case_id>/identity/nobody")
@needs(Permission.CASE_WRITE)
def nobody(case_id: str) -> Answer:
    """Nobody can tell which data are the requester's."""

    def act() -> str:
        after = not_identified(house(), case_id, user().name)
        until = after.wait.wake_at if after.wait is not None else None
        assert until is not None
        return f"The case waits for more until {house().calendar.day_of(until)}; then it ends, which is no refusal."

    return _attempt(case_id, act)


def _attempt(case_id: str, act: Callable[[], str]) -> Answer:
    return attempt(act, url_for("case_identity.show", case_id=case_id), lambda problem: _page(case_id, problem))


def _told(case: Case) -> str:
    """What the case needs next to know who asked."""
    is_enough = case.identity and (case.wait is None or case.wait.code != TOO_WEAK)
    return "It is known now who asked; the case goes on." if is_enough else "Noted. It is not enough yet to know who asked."


def _kinds() -> tuple[str, ...]:
    return tuple(kind for kind in request.form.getlist("kinds") if kind)


def _claims() -> tuple[Claim, ...]:
    return claims_of(filled_identifiers())


def _page(case_id: str, problem: DsrError | None = None) -> str:
    with house().store.snapshot() as tx:
        case = tx.cases.get(case_id)
        done = tx.verifications.of(case_id)
        is_open = _is_open(case)
        need = requested_need(tx, house(), case) if is_open else None
        kinds = dict.fromkeys(selector.kind for selector in tx.selectors.of(case_id) if selector.scope is None) if is_open else {}
        shown = [{"id": entry.id, "at": entry.at, "doubt": entry.doubt, "by": named(tx, entry.by)} for entry in tx.verifications.shown(case_id)]
        sent = tx.verifications.code_of(case_id)
        rows = [{**verified_row(entry), "by": named(tx, entry.by)} for entry in done]
    chosen = text("method") or request.args.get("method", "")
    wants_doubt = any(regime.verification.only_on_doubt for regime in house().regimes_of(case)) if is_open else False
    return render_template(
        "cases/identity.html",
        case=case,
        is_open=is_open,
        lacking=lacking(need, done) if need is not None else "",
        done=rows,
        kinds=list(kinds),
        all_kinds=identifier_kinds(),
        methods={name: about for name, about in METHODS.items() if name != VOUCHED} | {VOUCHED: METHODS[VOUCHED]},
        on_paper=ON_PAPER,
        chosen=chosen if chosen in METHODS else "",
        papers=shown,
        code=sent,
        doubts=[doubt.value for doubt in Doubt] + ["sent_unasked"],
        wants_doubt=wants_doubt,
        rows=_typed(),
        has_mail=house().settings.mail is not None,
        problem=problem,
        hint=plain_hint(problem) if problem is not None else "",
        typed=request.form,
    )


def _typed() -> list[tuple[str, str]]:
    return list(typed_identifiers()) or [("postcode", ""), ("date_of_birth", ""), ("phone", "")]


def _is_open(case: Case) -> bool:
    """True while it may still be said who asked."""
    if case.kind is not CaseKind.REQUEST or case.stage is Stage.CLOSED:
        return False
    is_asked_again = case.wait is not None and case.wait.code == TOO_WEAK
    return is_asked_again or (not case.identity and case.stage in (Stage.INTAKE, Stage.VERIFY_IDENTITY))
