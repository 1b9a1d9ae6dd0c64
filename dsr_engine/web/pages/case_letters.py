"""Letters to the requester of a case: read as PDF, sent by mail, or recorded as posted.

Nothing is sent from here: a letter is queued in the transaction that writes it, and the worker sends it. What an officer adds stands in the letter
and nowhere else, so a preview is an answer to a form and never an address.
"""

from flask import Blueprint, render_template, request, url_for

from dsr_engine.certificate.letter import languages
from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import Permission
from dsr_engine.web.answers import status_of
from dsr_engine.web.forms import Answer, attempt, day, one_of, plain_hint, text
from dsr_engine.web.guard import house, needs, user
from dsr_engine.web.papers import saved
from dsr_engine.workflow.law.extending import REASONS
from dsr_engine.workflow.letters.corresponding import Order, ending_of, kind_of, pdf_of, record_sent, send_letter
from dsr_engine.workflow.letters.letterbox import GIVEN_UP, worries_of
from dsr_engine.workflow.letters.messages import give_up, let_out
from dsr_engine.workflow.letters.writing import SAYABLE, compose

blueprint = Blueprint("case_letters", __name__, url_prefix="/cases")
#: What each letter is for.
KINDS = {
    LetterKind.ACKNOWLEDGEMENT: "confirms that the request arrived, and says what comes next",
    LetterKind.CLARIFICATION: "asks something",
    LetterKind.EXTENSION: "says that the answer takes longer, and why",
    LetterKind.COMPLETION: "says that everything was done",
    LetterKind.PARTIAL: "says what was done, and what stays and why",
    LetterKind.REFUSAL: "says that nothing is done, and why",
    LetterKind.CANNOT_IDENTIFY: "says that nobody can tell which data are theirs, and what would help",
    LetterKind.RESTRICTION_LIFTED: "says that a restriction ends",
    LetterKind.CORRECTION: "says that data were found which an earlier letter had called erased",
}
#: What an officer may add, and to which letters it belongs.
_FIELDS = {
    "question": "What do you need to know?",
    "reason": "The reason",
    "recipients": "Who had received the data, and was told",
    "verification": "How the person is verified",
    "erased": "What was erased",
}
_LONGEST = 4_000


@blueprint.get("/<case_id>/letters")
@needs(Permission.CASE_READ)
def show(case_id: str) -> str:
    return _page(case_id)


@blueprint.post("/<case_id>/letters")
@needs(Permission.CASE_WRITE)
def write(case_id: str) -> Answer:
    """Reads the letter as PDF, queues it, or records that it went out by other means: by the button that was pressed."""
    if "preview" in request.form:
        return _preview(case_id)

    def act() -> str:
        kind = _kind()
        if "record" in request.form:
            on = day("posted_on", "the day on which it was posted")
            record_sent(house(), case_id, kind, on, user().name)
            return f"Recorded: the letter went out on {on}."
        to = Secret(text("to")) if text("to") else None
        send_letter(house(), case_id, Order(kind, _said(), text("language"), to, is_again="again" in request.form))
        return "The letter is queued; it goes out within seconds if the mail server takes it."

    return attempt(act, url_for("case_letters.show", case_id=case_id), lambda problem: _page(case_id, problem))


@blueprint.post("/<case_id>/letters/<post_id>/<what>")
@needs(Permission.CASE_WRITE)
def settle(case_id: str, post_id: str, what: str) -> Answer:
    """Sends a letter that waits or failed, or gives one up."""

    def act() -> str:
        if what == "send":
            let_out(house(), post_id, case_id)
            return "The letter is queued; it goes out within seconds if the mail server takes it."
        give_up(house(), post_id, case_id)
        return "The letter is given up, and what was in it is erased."

    if what not in ("send", "drop"):
        raise InputWrong("there is no such form", code="form.unknown")
    return attempt(act, url_for("case_letters.show", case_id=case_id), lambda problem: _page(case_id, problem))


def _preview(case_id: str) -> Answer:
    try:
        kind = _kind()
        data = pdf_of(house(), compose(house(), case_id, kind, _said(), text("language")))
    except DsrError as problem:
        return _page(case_id, problem), status_of(problem)
    return saved(data, f"letter-{kind.value}-{case_id}.pdf", "application/pdf")


def _kind() -> LetterKind:
    return LetterKind(one_of("kind", "which letter", tuple(LetterKind)))


def _said() -> dict[str, str]:
    said = {what: text(f"say_{what}") for what in SAYABLE if text(f"say_{what}")}
    if any(len(each) > _LONGEST for each in said.values()):
        raise InputWrong("that is too long for a letter", code="letter.long", hint=f"{_LONGEST} characters are the most")
    if "reason" not in said and text("reason_code") in REASONS:
        said["reason"] = text("reason_code")
    return said


def _page(case_id: str, problem: DsrError | None = None) -> str:
    with house().store.snapshot() as tx:
        case = tx.cases.get(case_id)
        letters = [(posted, kind) for posted in tx.outbox.of(case_id) if (kind := kind_of(posted)) is not None]
        worries = worries_of(tx, house(), case_id)
        ending = ending_of(tx, case)
        is_known = tx.contacts.is_known(case_id)
    chosen = text("kind") or request.args.get("kind", "") or (worries[0].letter.value if worries else ending.value if ending else "acknowledgement")
    return render_template(
        "cases/letters.html",
        case=case,
        letters=letters,
        worries=worries,
        is_known=is_known,
        has_mail=house().settings.mail is not None,
        kinds=KINDS,
        chosen=chosen if chosen in set(LetterKind) else "acknowledgement",
        fields=_FIELDS,
        reasons=REASONS,
        languages=languages(house().settings.home),
        typed=request.form,
        today=house().calendar.day_of(house().clock.now()).isoformat(),
        given_up=GIVEN_UP,
        problem=problem,
        hint=plain_hint(problem) if problem is not None else "",
    )
