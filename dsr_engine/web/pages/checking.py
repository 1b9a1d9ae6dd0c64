"""A certificate is dropped here and every step of its verification shown; for everybody, without an account. Nothing of the file is kept."""

from dataclasses import dataclass

from flask import Blueprint, render_template, request

from dsr_engine.certificate.layout import blocks
from dsr_engine.certificate.report import Report, Step
from dsr_engine.certificate.strangers import MOST_BYTES
from dsr_engine.domain.errors import InputWrong
from dsr_engine.web.guard import house, public
from dsr_engine.web.papers import parts
from dsr_engine.workflow.proving.checking import Checked, check_upload
from dsr_engine.workflow.proving.paper import marks_of_report

blueprint = Blueprint("checking", __name__, url_prefix="/check")

#: What each step looks at, as a stranger would ask for it.
QUESTIONS = {
    "container": "Nothing was added after it was signed",
    "signature": "The signature on the document holds",
    "statement": "The statement inside it can be read",
    "page": "What is printed is what was signed",
    "seal": "The statement itself is signed by the same signer",
    "inclusion": "It was entered in the issuer's ledger",
    "checkpoint": "The ledger signed that entry",
    "issuer": "The issuer is the one that this server vouches for",
    "time": "When it was made",
    "history": "The ledger still holds it, unchanged",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One step as the page shows it. `tone` is that of a tag, `word` what the tag says."""

    question: str
    detail: str
    code: str
    tone: str
    word: str


@blueprint.url_value_preprocessor
def _take_a_whole_file(*_: object) -> None:
    """Certificates are longer than forms. This runs before anything reads the form."""
    request.max_content_length = MOST_BYTES + 64 * 1024


@blueprint.get("")
@public
def form() -> str:
    return render_template("checking/form.html", problem=None)


@blueprint.post("")
@public
def look() -> str | tuple[str, int]:
    try:
        checked = check_upload(house(), uploaded("certificate"), request.remote_addr or "")
    except InputWrong as problem:
        return render_template("checking/form.html", problem=problem), 422
    return shown(checked)


def uploaded(field: str) -> bytes:
    """The file that was sent in this field; empty where none was. Large ones lie in a file without a name until they are read."""
    upload = request.files.get(field)
    if upload is None:
        return b""
    with upload.stream as stream:
        data: bytes = stream.read()
    return data


def shown(checked: Checked) -> str:
    """The page that tells what was found."""
    report = checked.report
    statement = report.statement if report.is_genuine else None  # before that nothing of it is shown, not even as a claim
    told = parts(blocks(statement, marks_of_report(report))) if statement is not None else []
    steps = {"integrity": lines(report), "history": _line(checked.history)}
    return render_template("checking/result.html", report=report, statement=statement, told=told, tone=tone(report), **steps)


def tone(report: Report) -> str:
    if not report.is_genuine or report.later == "withdrawn":
        return "wrong"
    return "wait" if report.later == "superseded" else "done"


def lines(report: Report, history: Step | None = None) -> list[Line]:
    """The steps in their order."""
    return [line for step in (*report.integrity, report.issuer, report.time, history) if (line := _line(step)) is not None]


def _line(step: Step | None) -> Line | None:
    if step is None:
        return None
    question = QUESTIONS.get(step.name, step.name)
    if step.code.endswith(".not_done"):
        return Line(question, "Not looked at, because an earlier step failed.", step.code, "quiet", "not looked at")
    detail = f"{step.detail[:1].upper()}{step.detail[1:]}."
    return Line(question, detail, step.code, "good" if step.is_ok else "wrong", "holds" if step.is_ok else "fails")
