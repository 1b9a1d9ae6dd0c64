"""The draft as a picture: collections with their keys and personal fields, links with what they mean. Plain SVG, no scripts, no fonts."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from dsr_engine.workflow.drafting.draft import CollectionDraft, Draft, FieldDraft, LinkDraft, Role, Standing
from dsr_engine.workflow.drafting.layout import WIDTH, Places, place

_HEAD, _LINE, _PAD = 40.0, 17.0, 7.0
_MARGIN, _TOP = 28.0, 128.0
#: Fields that a box shows before it only counts them.
_MOST_FIELDS = 10
#: Pixels of a letter of the small type, on average and with some room.
_LETTER = 6.7

_FILLS = {
    Role.SUBJECT: "#bfdbfe",
    Role.OWNED: "#e0efff",
    Role.EMPLOYEE: "#fed7aa",
    Role.UNCLEAR: "#fef08a",
    Role.ORGANISATION: "#e7e5e4",
    Role.HISTORY: "#fbcfe8",
    Role.OTHER: "#f1f5f9",
}
_LINES = {
    Standing.OWNED: ("#1d4ed8", "belongs to the person"),
    Standing.PART: ("#7c3aed", "part, goes with its whole"),
    Standing.PERHAPS: ("#0891b2", "belongs to the person? You decide"),
    Standing.ACTOR: ("#c2410c", "names who acted: not theirs"),
    Standing.CARRIED: ("#15803d", "may carry it along, while nobody shares it"),
    Standing.PARENT: ("#64748b", "parent or other link: stays"),
    Standing.OTHER: ("#64748b", ""),
}
_ON_DELETE = {"cascade": "C", "set_null": "N"}
_STYLE = (
    "text{font-family:system-ui,'Segoe UI',Helvetica,Arial,sans-serif;font-size:12px;fill:#0f172a}"
    ".title{font-size:18px;font-weight:600}.name{font-size:13px;font-weight:600}.small{font-size:11px;fill:#475569}"
    ".personal{fill:#9f1239}.link{fill:none;stroke-width:1.6}.box{stroke:#475569;stroke-width:1}"
)


@dataclass(frozen=True, slots=True)
class _Box:
    """One collection as it is drawn."""

    entry: CollectionDraft
    shown: tuple[FieldDraft, ...]
    more: int

    @property
    def height(self) -> float:
        return _HEAD + (len(self.shown) + bool(self.more)) * _LINE + _PAD

    def middle_of(self, field: str) -> float:
        """How far below its top the line of a field is; the head's middle for one that is not shown."""
        for number, entry in enumerate(self.shown):
            if entry.name == field:
                return _HEAD + number * _LINE + _LINE / 2
        return _HEAD / 2


def svg_of(draft: Draft) -> str:
    """The picture as an SVG document. The same draft gives the same picture; every text in it is escaped."""
    boxes = {entry.name: _box(entry) for entry in draft.collections}
    ties = [(entry.name, link) for entry in draft.collections for link in entry.links if link.link.to_collection in boxes]
    places = place({name: box.height for name, box in boxes.items()}, [(name, link.link.to_collection) for name, link in ties])
    width, height = max(places.width, 1_180.0) + 2 * _MARGIN, places.height + _TOP + _MARGIN
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        f"<title>{_text(draft.name)}: collections and links</title>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        *_legend(draft),
        f'<g transform="translate({_MARGIN:.0f} {_TOP:.0f})">',
        *(line for name, link in ties for line in _link(name, link, boxes, places)),
        *(line for name, box in boxes.items() for line in _drawn(box, *places.boxes[name])),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _box(entry: CollectionDraft) -> _Box:
    """Keys first, then fields that lead elsewhere, then what is personal."""
    tied = {name for link in entry.links for name in link.link.fields}
    wanted = [field for field in entry.fields if field.name in entry.key]
    wanted += [field for field in entry.fields if field.name in tied and field not in wanted]
    wanted += [field for field in entry.fields if field.is_personal and field not in wanted]
    return _Box(entry, tuple(wanted[:_MOST_FIELDS]), len(entry.fields) - min(len(wanted), _MOST_FIELDS))


def _drawn(box: _Box, x: float, y: float) -> Iterator[str]:
    entry = box.entry
    rows = "" if entry.rows is None else f"{entry.rows:,} rows"
    yield f'<g transform="translate({x:.1f} {y:.1f})">'
    yield f"<title>{_text(entry.name)}: {_text(entry.role.value)}{''.join('. ' + _text(note) for note in entry.notes)}</title>"
    yield f'<rect class="box" width="{WIDTH:.0f}" height="{box.height:.1f}" rx="5" fill="#ffffff"/>'
    yield f'<path d="M0 {_HEAD:.0f}V5a5 5 0 0 1 5 -5H{WIDTH - 5:.0f}a5 5 0 0 1 5 5V{_HEAD:.0f}z" fill="{_FILLS[entry.role]}" stroke="#475569"/>'
    yield f'<text class="name" x="10" y="17">{_text(_short(entry.name, WIDTH - 16, 7.6))}</text>'
    about = " · ".join(part for part in (entry.role.value if entry.role is not Role.OTHER else "", rows) if part)
    yield f'<text class="small" x="10" y="32">{_text(about)}</text>'
    for number, field in enumerate(box.shown):
        yield from _field(entry, field, _HEAD + number * _LINE + 13)
    if box.more:
        yield f'<text class="small" x="10" y="{_HEAD + len(box.shown) * _LINE + 13:.0f}">and {box.more} more</text>'
    yield "</g>"


def _field(entry: CollectionDraft, field: FieldDraft, y: float) -> Iterator[str]:
    category = field.written.get("category", "").removeprefix("user.")
    is_key = field.name in entry.key
    name = _short(field.name, 120 if category else WIDTH - 24)
    weight = ' font-weight="600" text-decoration="underline"' if is_key else ""
    tone = ' class="personal"' if category and category != "unique_id" else ""
    yield f'<text x="10" y="{y:.0f}"{weight}{tone}>{_text(name)}</text>'
    if category:
        yield f'<text class="small" x="{WIDTH - 8:.0f}" y="{y:.0f}" text-anchor="end">{_text(_short(category, WIDTH - 150, 6.2))}</text>'


def _link(name: str, entry: LinkDraft, boxes: dict[str, _Box], places: Places) -> Iterator[str]:
    colour, meaning = _LINES[entry.standing]
    target = entry.link.to_collection
    dash = "" if entry.is_declared else ' stroke-dasharray="6 4"'
    where = f"{name}.{', '.join(entry.link.fields)} → {target}.{', '.join(entry.link.to_fields)}"
    points, end = _route(name, entry, boxes, places)
    yield "<g>"
    yield f"<title>{_text(where)}{': ' + meaning if meaning else ''}. {_text(entry.evidence)}</title>"
    yield f'<path class="link" stroke={quoteattr(colour)}{dash} d="{_curve(points)}"/>'
    x, y = points[-1]
    yield f'<path fill="{colour}" d="M{x:.1f} {y:.1f}l{9 * end} -4.5v9z"/>'
    mark = _ON_DELETE.get(entry.link.on_delete) if entry.is_declared else None
    if mark:
        x, y = points[0]
        at = x + (11 if points[0][0] < points[1][0] else -11)
        yield f'<circle cx="{at:.1f}" cy="{y:.1f}" r="7.5" fill="#ffffff" stroke="{colour}"/>'
        yield f'<text x="{at:.1f}" y="{y + 4:.1f}" text-anchor="middle" font-weight="600" style="font-size:10px">{mark}</text>'
    yield "</g>"


def _route(name: str, entry: LinkDraft, boxes: dict[str, _Box], places: Places) -> tuple[list[tuple[float, float]], int]:
    """The points of an arrow, and on which side of its point its tail is (1: right of it)."""
    target = entry.link.to_collection
    (x, y), (tx, ty) = places.boxes[name], places.boxes[target]
    start, end = (
        y + boxes[name].middle_of(entry.link.fields[0]),
        ty + boxes[target].middle_of(entry.link.to_fields[0] if entry.link.to_fields else ""),
    )
    if name == target:
        right = x + WIDTH
        return [(right, start), (right + 34, start), (right + 34, end), (right, end)], 1
    passes = list(places.passes.get((name, target), ()))
    if x > tx:
        return [(x, start), *passes, (tx + WIDTH, end)], 1
    if x < tx:
        return [(x + WIDTH, start), *passes, (tx, end)], -1
    return [(x, start), (x - 40, (start + end) / 2), (tx, end)], -1


def _curve(points: list[tuple[float, float]]) -> str:
    """A line through the points that leaves and arrives level."""
    parts = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for (x, y), (tx, ty) in pairwise(points):
        bend = (tx - x) / 2
        parts.append(f"C{x + bend:.1f} {y:.1f} {tx - bend:.1f} {ty:.1f} {tx:.1f} {ty:.1f}")
    return "".join(parts)


def _legend(draft: Draft) -> Iterator[str]:
    yield f'<text class="title" x="{_MARGIN:.0f}" y="34">{_text(draft.name)}</text>'
    x = _MARGIN
    for role, fill in _FILLS.items():
        yield f'<rect x="{x:.0f}" y="50" width="16" height="12" rx="2" fill="{fill}" stroke="#475569"/>'
        yield f'<text class="small" x="{x + 22:.0f}" y="60">{_text(role.value)}</text>'
        x += 40 + len(role.value) * 6.1
    x = _MARGIN
    for colour, meaning in (entry for entry in _LINES.values() if entry[1]):
        yield f'<path class="link" stroke="{colour}" d="M{x:.0f} 82h26"/>'
        yield f'<text class="small" x="{x + 32:.0f}" y="86">{_text(meaning)}</text>'
        x += 50 + len(meaning) * 6.1
    yield from _small_legend()


def _small_legend() -> Iterator[str]:
    x = _MARGIN
    for dash, words in (("", "declared by the server"), (' stroke-dasharray="6 4"', "not declared: names and values say so")):
        yield f'<path class="link" stroke="#64748b"{dash} d="M{x:.0f} 106h26"/>'
        yield f'<text class="small" x="{x + 32:.0f}" y="110">{words}</text>'
        x += 56 + len(words) * 6.1
    for mark, words in (("C", "on delete cascade"), ("N", "on delete set null")):
        yield f'<circle cx="{x + 8:.0f}" cy="106" r="7.5" fill="#ffffff" stroke="#64748b"/>'
        yield f'<text x="{x + 8:.0f}" y="110" text-anchor="middle" font-weight="600" style="font-size:10px">{mark}</text>'
        yield f'<text class="small" x="{x + 22:.0f}" y="110">{words}</text>'
        x += 48 + len(words) * 6.1
    yield f'<text class="small personal" x="{x:.0f}" y="110">personal data</text>'
    yield f'<text class="small" x="{x + 92:.0f}" y="110" font-weight="600" text-decoration="underline">key</text>'


def _short(text: str, width: float, letter: float = _LETTER) -> str:
    most = int(width / letter)
    return text if len(text) <= most else text[: most - 1] + "…"


def _text(text: str) -> str:
    """Text for XML 1.0, which allows no control characters at all (section 2.2)."""
    return escape("".join(character if character.isprintable() else "\ufffd" for character in text))
