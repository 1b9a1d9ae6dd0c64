"""How a copy is written down: JSON for programs, CSV for spreadsheets, HTML for people. Values are escaped; the pages run and load nothing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from dsr_engine.content.spreadsheet import as_csv
from dsr_engine.workflow.access.choosing import NOT_ENCLOSED, Chosen
from dsr_engine.workflow.access.facts import Facts
from dsr_engine.workflow.access.wording import CopyWords

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#16211f;background:#fff}"
    "h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem}h2{font-size:1.15rem;margin:2rem 0 .4rem}"
    "a{color:#0b6258}ul{padding-left:1.2rem;margin:.3rem 0}"
    "table{border-collapse:collapse;width:100%;margin:.3rem 0 1rem;table-layout:fixed}"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #d8dedd;overflow-wrap:anywhere}"
    "th{font-weight:600;color:#53615f;font-size:.875rem}.n,.k{width:24%}td.n{font-family:ui-monospace,monospace;font-size:.875rem}"
    "td.k{color:#53615f;font-size:.875rem}td.v{white-space:pre-wrap}"
    ".c{width:7rem;text-align:right}.soft{color:#53615f}section>h2 .soft{font-weight:400}"
    "@media(prefers-color-scheme:dark){body{color:#e6eceb;background:#101615}th,.soft,td.k{color:#a3b1ae}a{color:#84cfc5}th,td{border-color:#2d3a38}}"
    "@media screen and (max-width:36rem){table.f thead{display:none}table.f tr{display:block;border-bottom:1px solid #8884;padding:.4rem 0}"
    "table.f td{display:block;width:auto;border:0;padding:0 .2rem}}"
    "@media print{body{margin:0;max-width:none;font-size:10pt;color:#000;background:#fff}th,td.k,.soft{color:#444}a{color:#000}"
    "tr{break-inside:avoid}h1,h2{break-after:avoid}thead{display:table-header-group}th,td{border-color:#bbb}}"
)
#: Signs that no page may hold (HTML, "preprocessing the input stream"); they would be swallowed, or end in an error.
_UNSEEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), "\ufffd")


@dataclass(frozen=True, slots=True)
class Part:
    """A file of some records of one collection. `name` is its path without an ending."""

    system: str
    collection: str
    name: str
    records: int


@dataclass(frozen=True, slots=True)
class Made:
    """What came of the whole: its parts, and how many records stayed out and why (code → count).

    `hidden` counts records in which something is not shown, by reason; `unread` those of which something could not be read or is not enclosed.
    """

    parts: Sequence[Part]
    left_out: Mapping[str, int]
    hidden: Mapping[str, int]
    unread: int


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
                **({"files": list(record.files)} if record.files else {}),
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
    body = [f'<p><a href="../../index.html">{_text(words["title"])}</a></p><h1>{_text(title)}</h1>']
    for number, record in enumerate(records, start=1):
        date = f" <span class=soft>{_text(words['created'].format(day=words.words.day(record.created.date())))}</span>" if record.created else ""
        body.append(f"<section><h2>{number}. {_text(words[record.kind.value])}{date}</h2>{_notes(record, words)}{_fields(record, words)}</section>")
    return page(title, body, words)


def _notes(record: Chosen, words: CopyWords) -> str:
    """What could not be read or is not enclosed, and the files that are."""
    unread = any(code != NOT_ENCLOSED for code in record.gaps)
    said = [words["not_read"]] * unread + [words["not_enclosed"]] * (NOT_ENCLOSED in record.gaps)
    links = ", ".join(f'<a href="{_text(name)}" download>{_text(name)}</a>' for name in record.files)
    return "".join(f"<p class=soft>{_text(line)}</p>" for line in said) + (f"<p>{_text(words['files'])}: {links}</p>" if links else "")


def _fields(record: Chosen, words: CopyWords) -> str:
    head = "".join(f"<th scope=col class={css}>{_text(words[name])}</th>" for name, css in (("field", "n"), ("category", "k"), ("value", "v")))
    rows = "".join(_field_row(field.name, _kind(words, field.category), field.value) for field in record.fields)
    return f"<table class=f><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def index_html(facts: Facts, made: Made, words: CopyWords, about: str, note: str) -> str:
    """The page that a person opens first."""
    body = [f"<h1>{_text(words['title'])}</h1>", f"<p>{_text(about)}</p>"]
    body += [f"<p>{_text(note)}</p>"] if note else []
    body += [f"<h2>{_text(words['data'])}</h2>", _parts(made, words)]
    missing = tuple(_missing(made, words))
    body += [f"<h2>{_text(words['left_out'])}</h2>", _list(missing) if missing else f"<p>{_text(words['nothing_left_out'])}</p>"]
    body += [f"<h2>{_text(words['coverage'])}</h2>", f"<p>{_text(words['gaps' if facts.gaps else 'complete'])}</p>"]
    body.append(_list([f"{system} · {collection}: {reason}" for system, collection, reason in facts.gaps]))
    body += [f"<h2>{_text(words['purposes'])}</h2>", _list(facts.purposes), f"<h2>{_text(words['categories'])}</h2>", _list(facts.categories)]
    body += [f"<h2>{_text(words['recipients'])}</h2>", _list(facts.recipients or (words["no_recipients"],))]
    body += [f"<h2>{_text(words['periods'])}</h2>", _periods(facts)]
    body += [f"<h2>{_text(words['rights'])}</h2>", f"<p>{_text(facts.rights)}</p>", f"<p>{_text(facts.complaint)}</p>"]
    for name in ("source", "decisions"):
        body += [f"<h2>{_text(words[f'{name}_title'])}</h2>", f"<p>{_text(words[name])}</p>"]
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
        "hidden": [{"because": code, "in_words": words.reasons[code], "records": count} for code, count in sorted(made.hidden.items())],
        "not_read": made.unread,
        "files": [{"name": part.name, "system": part.system, "collection": part.collection, "records": part.records} for part in made.parts],
    }
    return json.dumps(body, ensure_ascii=False, indent=1)


def page(title: str, body: Iterable[str], words: CopyWords) -> str:
    """A whole page. `body` is HTML already."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}"><meta name="viewport" content="width=device-width">'
    return (
        f'<!doctype html>\n<html lang="{_text(words.language)}"><head>{head}<title>{_text(title)}</title><style>{_STYLE}</style></head>\n'
        f"<body>{''.join(body)}</body></html>\n"
    )


def _parts(made: Made, words: CopyWords) -> str:
    if not made.parts:
        return f"<p>{_text(words['no_data'])}</p>"
    head = f"<th scope=col>{_text(words['collection'])}</th><th scope=col class=c>{_text(words['records'])}</th>"
    rows = "".join(
        f'<tr><td><a href="{_text(part.name)}.html">{_text(f"{part.system} · {part.collection}")}</a></td><td class=c>{part.records}</td></tr>'
        for part in made.parts
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _missing(made: Made, words: CopyWords) -> Iterable[str]:
    """What is not in the copy and why: whole records, parts of records, what could not be read."""
    yield from (words["records_left_out"].format(count=count, reason=words.reasons[code]) for code, count in sorted(made.left_out.items()))
    yield from (words["parts_hidden"].format(count=count, reason=words.reasons[code]) for code, count in sorted(made.hidden.items()))
    if made.unread:
        yield words["parts_unread"].format(count=made.unread)


def _periods(facts: Facts) -> str:
    head = "".join(f"<th scope=col>{_text(column)}</th>" for column in facts.period_columns)
    lines = ((line.what, line.how_long, line.why, line.then) for line in facts.periods)
    rows = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in line)}</tr>" for line in lines)
    return f"<table class=f><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""


def _field_row(name: str, kind: str, value: str) -> str:
    return f"<tr><td class=n>{_text(name)}</td><td class=k>{_text(kind)}</td><td class=v dir=auto>{_text(value)}</td></tr>"


def _text(value: str) -> str:
    return escape(value).translate(_UNSEEN)


def _kind(words: CopyWords, category: str) -> str:
    return words.words.category(category) if category else ""


def _list(entries: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{_text(entry)}</li>' for entry in entries)}</ul>" if entries else ""
