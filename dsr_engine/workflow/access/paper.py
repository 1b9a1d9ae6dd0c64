"""How a copy is written down: JSON for programs, CSV for spreadsheets, HTML for people. Values are escaped; the pages run and load nothing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from dsr_engine.content.spreadsheet import as_csv
from dsr_engine.workflow.access.choosing import Chosen
from dsr_engine.workflow.access.facts import Facts
from dsr_engine.workflow.access.wording import CopyWords

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#16211f;background:#fff}"
    "table{border-collapse:collapse;width:100%;margin:0 0 1.5rem}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #d8dedd;overflow-wrap:anywhere}td.v{white-space:pre-wrap}th{font-weight:600;color:#53615f}"
    "section{margin:0 0 1.5rem}h2{margin-top:2rem}.soft{color:#53615f}"
    "@media(prefers-color-scheme:dark){body{color:#e6eceb;background:#101615}th,.soft{color:#a3b1ae}a{color:#84cfc5}th,td{border-color:#2d3a38}}"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A file of some records of one collection. `name` is its path without an ending."""

    system: str
    collection: str
    name: str
    records: int


@dataclass(frozen=True, slots=True)
class Made:
    """What came of the whole: its parts, and how many records stayed out and why (code → count)."""

    parts: Sequence[Part]
    left_out: Mapping[str, int]


def part_json(part: Part, records: Iterable[Chosen]) -> str:
    """Some records for programs."""
    body = {
        "system": part.system,
        "collection": part.collection,
        "records": [
            {
                "kind": record.kind.value,
                **({"created": record.created.isoformat()} if record.created else {}),
                "fields": [
                    {"name": field.name, "category": field.category, "value": field.value, **({"note": field.note} if field.note else {})}
                    for field in record.fields
                ],
                **({"not_read": list(record.gaps)} if record.gaps else {}),
            }
            for record in records
        ],
    }
    return json.dumps(body, ensure_ascii=False, indent=1)


def part_csv(records: Iterable[Chosen]) -> str:
    """Some records for spreadsheets: a line for each field."""
    rows: list[dict[str, str | int | bool | None]] = [
        {"record": number, "field": field.name, "category": field.category, "value": field.value}
        for number, record in enumerate(records, start=1)
        for field in record.fields
    ]
    return as_csv(rows, ("record", "field", "category", "value"))


def part_html(part: Part, records: Iterable[Chosen], words: CopyWords) -> str:
    """Some records for people."""
    title = f"{part.system} · {part.collection}"
    body = [f"<h1>{escape(title)}</h1>"]
    for number, record in enumerate(records, start=1):
        date = f" <span class=soft>{escape(words['created'].format(day=words.words.day(record.created.date())))}</span>" if record.created else ""
        rows = "".join(_field_row(field.name, _kind(words, field.category), field.value) for field in record.fields)
        head = "".join(f"<th scope=col>{escape(words[name])}</th>" for name in ("field", "category", "value"))
        gap = f"<p class=soft>{escape(words['not_read'])}</p>" if record.gaps else ""
        body.append(f"<section><h2>{number}. {escape(words[record.kind.value])}{date}</h2>{gap}<table><tr>{head}</tr>{rows}</table></section>")
    return page(title, body, words)


def index_html(facts: Facts, made: Made, words: CopyWords, about: str, note: str) -> str:
    """The page that a person opens first."""
    body = [f"<h1>{escape(words['title'])}</h1>", f"<p>{escape(about)}</p>"]
    body += [f"<p>{escape(note)}</p>"] if note else []
    body += [f"<h2>{escape(words['data'])}</h2>", _parts(made, words)]
    body += [f"<h2>{escape(words['left_out'])}</h2>", _list([f"{words.reasons[code]}: {count}" for code, count in sorted(made.left_out.items())])]
    body += [] if made.left_out else [f"<p>{escape(words['nothing_left_out'])}</p>"]
    body += [f"<h2>{escape(words['coverage'])}</h2>", f"<p>{escape(words['gaps' if facts.gaps else 'complete'])}</p>"]
    body.append(_list([f"{system} · {collection}: {reason}" for system, collection, reason in facts.gaps]))
    body += [f"<h2>{escape(words['purposes'])}</h2>", _list(facts.purposes), f"<h2>{escape(words['categories'])}</h2>", _list(facts.categories)]
    body += [f"<h2>{escape(words['recipients'])}</h2>", _list(facts.recipients or (words["no_recipients"],))]
    lines = [f"{line.what}: {line.how_long}; {line.why}" + (f"; {line.then}" if line.then else "") for line in facts.periods]
    body += [f"<h2>{escape(words['periods'])}</h2>", _list(lines)]
    body += [f"<h2>{escape(words['rights'])}</h2>", f"<p>{escape(facts.rights)}</p>", f"<p>{escape(facts.complaint)}</p>"]
    for name in ("source", "decisions"):
        body += [f"<h2>{escape(words[f'{name}_title'])}</h2>", f"<p>{escape(words[name])}</p>"]
    return page(words["title"], body, words)


def about_json(facts: Facts, made: Made, words: CopyWords, case_id: str, at: datetime) -> str:
    """The same for programs."""
    body = {
        "case": case_id,
        "made_at": at.isoformat(),
        "purposes": facts.purposes,
        "categories": facts.categories,
        "recipients": facts.recipients,
        "periods": [{"what": line.what, "how_long": line.how_long, "why": line.why, "then": line.then} for line in facts.periods],
        "rights": facts.rights,
        "complaint": facts.complaint,
        "source": words["source"],
        "decisions": words["decisions"],
        "searched": facts.searched,
        "gaps": [{"system": system, "collection": collection, "reason": reason} for system, collection, reason in facts.gaps],
        "left_out": [{"because": code, "in_words": words.reasons[code], "records": count} for code, count in sorted(made.left_out.items())],
        "files": [{"name": part.name, "system": part.system, "collection": part.collection, "records": part.records} for part in made.parts],
    }
    return json.dumps(body, ensure_ascii=False, indent=1)


def page(title: str, body: Iterable[str], words: CopyWords) -> str:
    """A whole page. `body` is HTML already."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}"><meta name="viewport" content="width=device-width">'
    return (
        f'<!doctype html>\n<html lang="{escape(words.language)}"><head>{head}<title>{escape(title)}</title><style>{_STYLE}</style></head>\n'
        f"<body>{''.join(body)}</body></html>\n"
    )


def _parts(made: Made, words: CopyWords) -> str:
    head = "".join(f"<th scope=col>{escape(words[name])}</th>" for name in ("system", "collection", "records", "files"))
    rows = "".join(
        f"<tr><td>{escape(part.system)}</td><td>{escape(part.collection)}</td><td>{part.records}</td>"
        f'<td><a href="{escape(part.name)}.html">{escape(part.name)}</a></td></tr>'
        for part in made.parts
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _field_row(name: str, kind: str, value: str) -> str:
    return f"<tr><td>{escape(name)}</td><td>{escape(kind)}</td><td class=v>{escape(value)}</td></tr>"


def _kind(words: CopyWords, category: str) -> str:
    return words.words.category(category) if category else ""


def _list(entries: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(entry)}</li>' for entry in entries)}</ul>" if entries else ""
