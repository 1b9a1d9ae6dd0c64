"""Records as rows: what tables on the terminal, pages, spreadsheets and JSON show alike."""

from dataclasses import asdict
from datetime import date

from dsr_engine.domain.figures import Figures
from dsr_engine.domain.request_log import LogEntry, punctuality
from dsr_engine.workflow.records.figures import Publication
from dsr_engine.workflow.records.own_data import Holding
from dsr_engine.workflow.records.ropa import Entry
from dsr_engine.workflow.report import Row

#: The columns of the request log.
LOG_COLUMNS = (
    *("case", "subject_ref", "kind", "right", "manner", "regimes", "received", "acknowledged", "decision", "decided", "basis", "answered", "answer"),
    *("days", "limits", "appeal", "appeal_of", "certificate", "keep_until"),
)
#: The columns of the record of processing.
PROCESSING_COLUMNS = (
    *("system", "owner", "collection", "category", "about", "special", "policy", "purpose", "limits", "grounds", "treatment"),
    *("recipients", "countries"),
)
#: The figures of one right, in the order in which they are read.
FIGURES = ("received", "complied_whole", "complied_part", "denied", "withdrawn", "open", "late", "timed", "by_decision")
FIGURE_COLUMNS = ("year", "regime", "right", "figure", "ground", "value")
HOLDING_COLUMNS = ("kind", "of", "rows", "what", "basis", "until", "sealed", "first_goes", "last_goes")


def log_row(entry: LogEntry, today: date) -> dict[str, object]:
    """One request as JSON shows it."""
    return {
        "case": entry.case,
        "subject_ref": entry.subject_ref,
        "kind": entry.kind.value,
        "right": entry.right.value,
        "manner": entry.manner.value,
        "regimes": [{"name": name, "version": version} for name, version in entry.regimes],
        "received": entry.received.isoformat(),
        "acknowledged": _iso(entry.acknowledged),
        "decision": entry.decision.value if entry.decision else None,
        "decided": _iso(entry.decided),
        "basis": list(entry.basis),
        "answered": _iso(entry.answered),
        "answer": entry.answer or None,
        "days": entry.days,
        "limits": {limit: {"last_day": entry.limits[limit], "met": met.value} for limit, met in punctuality(entry, today).items()},
        "appeal": entry.appeal or None,
        "appeal_of": entry.appeal_of or None,
        "certificate": entry.certificate or None,
        "keep_until": _iso(entry.keep_until),
    }


def readable(row: dict[str, object]) -> Row:
    """The row for a table or a spreadsheet: lists in one cell."""
    plain: Row = {}
    for name, value in row.items():
        if name == "regimes" and isinstance(value, list):
            plain[name] = ", ".join(f"{each['name']} {each['version']}" for each in value)
        elif name == "limits" and isinstance(value, dict):
            plain[name] = "; ".join(f"{limit} {each['last_day']} {each['met'].replace('_', ' ')}" for limit, each in value.items())
        elif isinstance(value, list):
            plain[name] = ", ".join(str(each) for each in value)
        else:
            assert value is None or isinstance(value, str | int)
            plain[name] = value
    return plain


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None


def figures_document(found: Figures, due: tuple[Publication, ...]) -> dict[str, object]:
    """The figures of a year as JSON shows them."""
    return {
        "year": found.year,
        "regime": found.regime or None,
        "complete": found.is_complete,
        "erased_records": found.erased,
        "rights": [
            {
                "right": row.right,
                **{name: getattr(row, name) for name in FIGURES},
                "denied_by": dict(row.denied_by),
                "kept_by": dict(row.kept_by),
                "median_days": _number(row.median_days),
                "mean_days": _number(row.mean_days),
            }
            for row in found.rights
        ],
        "publish": [{"regime": each.regime, "by": each.by.isoformat(), "from_people": each.from_people, "cite": each.cite} for each in due],
    }


def figure_rows(found: Figures) -> list[Row]:
    """One row for each figure, as spreadsheets and other programs like it."""
    head: Row = {"year": found.year, "regime": found.regime}
    rows: list[Row] = []
    for row in found.rights:
        of: Row = {**head, "right": row.right, "ground": ""}
        rows += [{**of, "figure": name, "value": getattr(row, name)} for name in FIGURES]
        rows += [{**of, "figure": "denied_by", "ground": ground, "value": count} for ground, count in row.denied_by.items()]
        rows += [{**of, "figure": "kept_by", "ground": ground, "value": count} for ground, count in row.kept_by.items()]
        rows += [{**of, "figure": name, "value": days_text(getattr(row, name))} for name in ("median_days", "mean_days")]
    return rows


def _number(days: object) -> float | None:
    return None if days is None else float(str(days))


def days_text(days: object) -> str:
    """Days to one decimal as text; empty where there are none."""
    return "" if days is None else str(days)


def processing_row(entry: Entry) -> Row:
    """One category of data in one collection, with lists in one cell."""
    row = asdict(entry)
    row |= {"special": entry.is_special, "recipients": "; ".join(entry.recipients), "countries": ", ".join(entry.countries)}
    return {name: row[name] for name in PROCESSING_COLUMNS}


def holding_row(each: Holding) -> Row:
    """One kind of what the engine holds of people."""
    return {
        "kind": each.kind.name,
        "of": each.kind.whose.value,
        "rows": each.count,
        "what": each.kind.about,
        "basis": each.kind.basis,
        "until": each.kind.until,
        "sealed": each.kind.sealed,
        "first_goes": each.first.isoformat() if each.first else None,
        "last_goes": each.last.isoformat() if each.last else None,
    }
