"""A certificate is dropped here and every step of its verification shown; for everybody, without an account. Nothing of the file is kept."""

from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request

from dsr_engine.certificate.keys import fingerprint
from dsr_engine.certificate.layout import blocks
from dsr_engine.certificate.report import Report, Step
from dsr_engine.certificate.strangers import MOST_BYTES
from dsr_engine.certificate.trust import bundle_text
from dsr_engine.domain.errors import InputWrong
from dsr_engine.web.guard import house, public
from dsr_engine.web.papers import parts, saved
from dsr_engine.web.uploads import file_of, takes_file
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


@blueprint.get("")
@public
def form() -> str:
    return _asking(None)


def _asking(problem: InputWrong | None) -> str:
    """The page that asks for a file; after one that cannot be taken it says why."""
    bundle = house().paper.bundle
    prints = [(entry.subject.rfc4514_string(), fingerprint(entry)) for entry in bundle.ca]
    return render_template("checking/form.html", problem=problem, prints=prints, log_keys=[str(key) for key in bundle.log_keys])


@blueprint.get("/trust-bundle.json")
@public
def trust() -> Response:
    """The keys that everything this installation issues can be checked with. They are no secret; whoever does not trust this server compares them."""
    return saved(bundle_text(house().paper.bundle), "trust-bundle.json", "application/json")


@blueprint.post("")
@public
@takes_file(MOST_BYTES)
def look() -> str | tuple[str, int]:
    try:
        checked = check_upload(house(), file_of("certificate") or b"", request.remote_addr or "")
    except InputWrong as problem:
        return _asking(problem), 422
    return shown(checked)


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
