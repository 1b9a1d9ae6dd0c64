"""Certificates: the register, each paper, what was withdrawn, whether one is missing, and what happened in a period."""

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from dsr_engine.certificate.check import check
from dsr_engine.content.spreadsheet import as_csv
from dsr_engine.domain.case import CaseKind
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.user import Permission
from dsr_engine.store.certificate_lists import Wanted
from dsr_engine.store.transaction import Transaction
from dsr_engine.web.asked import asked, begin, day, end, number, year
from dsr_engine.web.guard import house, needs
from dsr_engine.web.pages.checking import lines, tone
from dsr_engine.web.papers import parts, saved
from dsr_engine.workflow.proving.bundling import evidence_of
from dsr_engine.workflow.proving.checking import known_here
from dsr_engine.workflow.proving.paper import Paper, paper_of
from dsr_engine.workflow.proving.registering import COLUMNS, COUNTED, NAMED, PERIOD_COLUMNS, period_rows, periods, register_page, register_rows
from dsr_engine.workflow.records.register import SerialState

blueprint = Blueprint("certificates", __name__, url_prefix="/certificates")

_PAGE = 50


@blueprint.get("")
@needs(Permission.CERTIFICATE_READ)
def index() -> str:
    wanted = _wanted()
    with house().store.snapshot() as tx:
        page = register_page(tx, house(), wanted, _PAGE, before=number("before"), after=number("after"))
        choices = tx.certificate_lists.choices()
    given: dict[str, Any] = {**asked()}
    ends = (page.lines[0].serial, page.lines[-1].serial) if page.lines else (0, 0)
    return render_template(
        "certificates/index.html",
        page=page,
        named=NAMED,
        choices=choices,
        kinds=[kind.value for kind in CaseKind if kind.value in choices["kind"]],
        states=[state.value for state in SerialState],
        given=given,
        earlier="" if page.is_first else url_for("certificates.index", **given, after=ends[0]),
        later="" if page.is_last else url_for("certificates.index", **given, before=ends[1]),
    )


@blueprint.get("/register.csv")
@needs(Permission.CERTIFICATE_READ)
def register() -> Response:
    with house().store.snapshot() as tx:
        text = as_csv(register_rows(tx, house(), _wanted()), COLUMNS)
    return saved(text, "certificates.csv", "text/csv")


@blueprint.get("/report")
@needs(Permission.CERTIFICATE_READ)
def report() -> str:
    chosen, by_quarter = year(), request.args.get("by") == "quarter"
    with house().store.snapshot() as tx:
        spans = periods(tx, house(), chosen, by_quarter=by_quarter)
        missing = register_page(tx, house(), Wanted(), 1).missing
    totals = {what: sum(span.counts[what] for span in spans) for what in COUNTED}
    return render_template("certificates/report.html", spans=spans, totals=totals, year=chosen, by_quarter=by_quarter, missing=missing, named=NAMED)


@blueprint.get("/report.csv")
@needs(Permission.CERTIFICATE_READ)
def report_csv() -> Response:
    chosen, by_quarter = year(), request.args.get("by") == "quarter"
    with house().store.snapshot() as tx:
        rows = period_rows(periods(tx, house(), chosen, by_quarter=by_quarter))
    return saved(as_csv(rows, PERIOD_COLUMNS), f"cases-{chosen}.csv", "text/csv")


@blueprint.get("/no/<int:serial>")
@needs(Permission.CERTIFICATE_READ)
def numbered(serial: int) -> AnyResponse:
    """Leads from a number to its certificate."""
    with house().store.snapshot() as tx:
        found = tx.certificate_lists.id_of(serial)
    if found is None:
        raise _unknown()
    return redirect(url_for("certificates.show", certificate=found), 303)


@blueprint.get("/<certificate>")
@needs(Permission.CERTIFICATE_READ)
def show(certificate: str) -> str:
    with house().store.snapshot() as tx:
        paper = _paper(tx, certificate)
        path = house().paper.folder / paper.path
        if path.is_file():
            seen = known_here(tx, house(), check(path.read_bytes(), house().paper.bundle))
            steps, what = lines(seen.report, seen.history), tone(seen.report)
        else:
            seen, steps, what = None, [], "wrong"
    return render_template(
        "certificates/show.html", paper=paper, told=parts(paper.blocks), report=seen.report if seen else None, steps=steps, tone=what
    )


@blueprint.get("/<certificate>/certificate.pdf")
@needs(Permission.CERTIFICATE_READ)
def pdf(certificate: str) -> Response:
    with house().store.snapshot() as tx:
        paper = _paper(tx, certificate)
    path = house().paper.folder / paper.path
    if not paper.path or not path.is_file():
        raise InputWrong("its PDF is not in the folder of certificates", code="certificate_file.unknown", hint="look for it in a backup")
    return saved(path.read_bytes(), f"certificate-{paper.serial:06d}.pdf", "application/pdf")


@blueprint.get("/<certificate>/statement.json")
@needs(Permission.CERTIFICATE_READ)
def statement(certificate: str) -> Response:
    with house().store.snapshot() as tx:
        issued = tx.certificates.get(certificate)
    if issued is None:
        raise _unknown()
    return saved(issued.statement, f"statement-{issued.serial:06d}.json", "application/json")


@blueprint.get("/<certificate>/evidence.zip")
@needs(Permission.CERTIFICATE_READ)
def evidence(certificate: str) -> Response:
    """Everything that an auditor needs to check this certificate elsewhere, in one file."""
    bundle = evidence_of(house(), certificate)
    return saved(bundle.data, bundle.name, "application/zip")


def _wanted() -> Wanted:
    given = request.args
    return Wanted(
        start=begin(day("from")),
        end=end(day("to")),
        system=given.get("system", ""),
        policy=given.get("policy", ""),
        kind=given.get("kind", ""),
        state=given.get("state", "") if given.get("state") in set(SerialState) else "",
    )


def _paper(tx: Transaction, certificate: str) -> Paper:
    found = paper_of(tx, house(), certificate)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> InputWrong:
    return InputWrong("there is no such certificate", code="certificate.unknown", hint="the register of certificates lists them all")
