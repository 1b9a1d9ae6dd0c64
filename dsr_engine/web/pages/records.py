"""Records: the request log, figures by year, the record of processing, the retention table, what the engine itself holds."""

import json
from dataclasses import asdict

from flask import Blueprint, Response, render_template, request, url_for

from dsr_engine.content.spreadsheet import as_csv
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.user import Permission
from dsr_engine.web.asked import asked, day, turned, year
from dsr_engine.web.guard import house, needs
from dsr_engine.web.papers import saved
from dsr_engine.workflow.records.figures import drop_figures, figures_of, publications
from dsr_engine.workflow.records.own_data import holdings
from dsr_engine.workflow.records.replying import as_of_today, entries
from dsr_engine.workflow.records.retention import as_markdown, as_rows, retention_languages, retention_table
from dsr_engine.workflow.records.ropa import record_of_processing
from dsr_engine.workflow.records.tabling import (
    FIGURE_COLUMNS,
    HOLDING_COLUMNS,
    LOG_COLUMNS,
    PROCESSING_COLUMNS,
    figure_rows,
    figures_document,
    holding_row,
    log_row,
    processing_row,
    readable,
)

blueprint = Blueprint("records", __name__, url_prefix="/records")

_PAGE = 50
_CSV, _JSON = "text/csv", "application/json"


@blueprint.get("")
@needs(Permission.RECORD_READ)
def index() -> str:
    return render_template("records/index.html")


@blueprint.get("/log")
@needs(Permission.RECORD_READ)
def log() -> str:
    before, after = request.args.get("before"), request.args.get("after")
    today = house().calendar.day_of(house().clock.now())
    with house().store.snapshot() as tx:
        found = tx.request_log.page(_PAGE + 1, day("from"), day("to"), before=before, after=after)
        page = turned(found, _PAGE, 1 if before else None, 1 if after else None)
        rows = [readable(log_row(entry, today)) for entry in as_of_today(tx, house(), page.rows)]
    given = asked()
    return render_template(
        "records/log.html",
        rows=rows,
        given=given,
        earlier=url_for("records.log", **given, after=page.rows[0].case) if page.has_newer else "",  # type: ignore[arg-type]  # names of fields
        later=url_for("records.log", **given, before=page.rows[-1].case) if page.has_older else "",  # type: ignore[arg-type]  # as above
    )


@blueprint.get("/log.<form>")
@needs(Permission.RECORD_READ)
def log_file(form: str) -> Response:
    today = house().calendar.day_of(house().clock.now())
    with house().store.snapshot() as tx:
        rows = [log_row(entry, today) for entry in entries(tx, house(), day("from"), day("to"))]
    if _is_csv(form):
        return saved(as_csv([readable(row) for row in rows], LOG_COLUMNS), "request-log.csv", _CSV)
    return saved(_text(rows), "request-log.json", _JSON)


@blueprint.get("/figures")
@needs(Permission.RECORD_READ)
def figures() -> str:
    chosen, regime = year(), request.args.get("regime", "")
    with house().store.snapshot() as tx:
        found = figures_of(tx, house(), chosen, regime)
        due = publications(tx, house(), chosen, regime)
        lists = drop_figures(tx, house(), chosen)
    measured = sum(row.by_decision for row in found.rights if row.right != "all")
    regimes = sorted(house().regimes)
    return render_template(
        "records/figures.html", found=found, due=due, lists=lists, measured=measured, regimes=regimes, year=chosen, regime=regime, given=asked()
    )


@blueprint.get("/figures.<form>")
@needs(Permission.RECORD_READ)
def figures_file(form: str) -> Response:
    chosen, regime = year(), request.args.get("regime", "")
    with house().store.snapshot() as tx:
        found = figures_of(tx, house(), chosen, regime)
        due = publications(tx, house(), chosen, regime)
    if _is_csv(form):
        return saved(as_csv(figure_rows(found), FIGURE_COLUMNS), f"figures-{chosen}.csv", _CSV)
    return saved(_text(figures_document(found, due)), f"figures-{chosen}.json", _JSON)


@blueprint.get("/processing")
@needs(Permission.RECORD_READ)
def processing() -> str:
    with house().store.snapshot() as tx:
        record = record_of_processing(tx, house())
    systems = {name: [entry for entry in record.entries if entry.system == name] for name in dict.fromkeys(entry.system for entry in record.entries)}
    return render_template("records/processing.html", record=record, systems=systems)


@blueprint.get("/processing.<form>")
@needs(Permission.RECORD_READ)
def processing_file(form: str) -> Response:
    with house().store.snapshot() as tx:
        record = record_of_processing(tx, house())
    if _is_csv(form):
        return saved(as_csv([processing_row(entry) for entry in record.entries], PROCESSING_COLUMNS), "record-of-processing.csv", _CSV)
    return saved(_text(asdict(record)), "record-of-processing.json", _JSON)


@blueprint.get("/retention")
@needs(Permission.RECORD_READ)
def retention() -> str:
    language = _language()
    table = retention_table(house(), language)
    return render_template("records/retention.html", table=table, chosen=language, languages=retention_languages(house().settings.home))


@blueprint.get("/retention.<form>")
@needs(Permission.RECORD_READ)
def retention_file(form: str) -> Response:
    table = retention_table(house(), _language())
    if form == "md":
        return saved(as_markdown(table), "retention.md", "text/markdown")
    return (
        saved(as_csv(as_rows(table), table.columns), "retention.csv", _CSV) if _is_csv(form) else saved(_text(asdict(table)), "retention.json", _JSON)
    )


@blueprint.get("/own-data")
@needs(Permission.RECORD_READ)
def own_data() -> str:
    with house().store.snapshot() as tx:
        found = holdings(tx, house())
    return render_template("records/own_data.html", found=found)


@blueprint.get("/own-data.<form>")
@needs(Permission.RECORD_READ)
def own_data_file(form: str) -> Response:
    with house().store.snapshot() as tx:
        rows = [holding_row(each) for each in holdings(tx, house())]
    return saved(as_csv(rows, HOLDING_COLUMNS), "own-data.csv", _CSV) if _is_csv(form) else saved(_text(rows), "own-data.json", _JSON)


def _is_csv(form: str) -> bool:
    if form not in ("csv", "json"):
        raise InputWrong("there is no such file", code="form.unknown", hint="it is there as csv and as json")
    return form == "csv"


def _text(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _language() -> str:
    return request.args.get("language", "") or house().settings.letters.language
