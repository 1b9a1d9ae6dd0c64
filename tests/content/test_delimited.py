"""Tables as text: any dialect and charset; cells and rows change, their neighbours do not."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Limits, Reading
from dsr_engine.content.records.dialect import sniffed
from dsr_engine.content.records.rows import Dialect, Rows, cells, unquoted
from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans, SetValue
from dsr_engine.domain.system import CollectionMap, FieldMap
from tests.content.plain_words import MARK, WordGate, gaps, reading, rewritten, texts, units

_TABLE = b'\xef\xbb\xbfid,name,email\r\n1,"Doe, jane\n""x""",jane@x.org\r\n2,bob,bob@x.org\r\n3, jane ,"q"\r\n'
_CELL = st.text(st.sampled_from("ab ,;\"\n\t|ü\\'1@"), max_size=8)
_ROWS = st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(_CELL, min_size=width, max_size=width), min_size=1, max_size=8))


def _set(text: str) -> SetValue:
    return SetValue(Method(MethodName.TEXT, text), "user")


def _written(rows: list[list[str]], delimiter: str, newline: str) -> bytes:
    sink = io.StringIO(newline="")
    csv.writer(sink, delimiter=delimiter, lineterminator=newline).writerows([["id", "name", "note", "city"][: len(rows[0])], *rows])
    return sink.getvalue().encode()


def test_a_row_that_passes_is_given_whole_with_its_columns_and_fields() -> None:
    known = CollectionMap("files", fields=(FieldMap("email", "user.contact.email", "email"),))
    found = units(_TABLE, Reading("files", WordGate("bob"), map=known))
    assert [(unit.place, unit.text, unit.inside) for unit in found] == [
        ("row:3/id", "2", "row:3"),
        ("row:3/name", "bob", "row:3"),
        ("row:3/email", "bob@x.org", "row:3"),
    ]
    assert all(unit.is_value for unit in found)
    assert [unit.field and unit.field.selects for unit in found] == [None, None, "email"]


def test_only_the_bytes_of_the_edited_cell_change() -> None:
    edits = [Edit("row:2/name", RedactSpans()), Edit("row:3/name", _set('a,"b')), Edit("row:4/name", _set("null"))]
    after = rewritten(_TABLE, edits, "jane")
    assert after == b'\xef\xbb\xbfid,name,email\r\n1,"Doe, [erased]\n""x""",jane@x.org\r\n2,"a,""b",bob@x.org\r\n3,,"q"\r\n'


def test_a_dropped_row_goes_with_its_quoted_line_ends_and_nothing_else() -> None:
    assert rewritten(_TABLE, [Edit("row:2", DropPart())], "jane") == b'\xef\xbb\xbfid,name,email\r\n2,bob,bob@x.org\r\n3, jane ,"q"\r\n'
    assert rewritten(_TABLE, [Edit("row:4", DropPart())], "jane") == _TABLE[: _TABLE.index(b"3, jane")]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_dialect_and_charset_is_read_and_rewritten(codec: str, delimiter: str) -> None:
    rows = "id;name;größe\r\n1;jane;größer\r\n2;bob;kleiner\r\n3;eve;klein\r\n".replace(";", delimiter)
    before = rows.encode(codec)
    assert texts(before, reading(WordGate("jane"))) == {"row:2/id": "1", "row:2/name": "jane", "row:2/größe": "größer"}
    assert rewritten(before, [Edit("row:2/name", RedactSpans())], "jane") == rows.replace("jane", MARK).encode(codec)


def test_quotes_of_another_kind_and_escaped_quotes_are_understood() -> None:
    single = b"'id','name'\n'1','O''jane, x'\n'2','bob'\n"
    assert texts(single, reading(WordGate("jane")))["row:2/name"] == "O'jane, x"
    escaped = b'"id","name"\n"1","say \\"jane\\", x"\n"2","bob"\n'
    assert texts(escaped, reading(WordGate("jane")))["row:2/name"] == 'say "jane", x'
    assert rewritten(escaped, [Edit("row:2/name", RedactSpans())], "jane") == escaped.replace(b"jane", b"[erased]")


def test_a_quote_that_is_never_closed_swallows_no_rows() -> None:
    before = b'id,name\n1,"jane\n2,bob\n3,eve\n4,"x" y\n5,jane\n'
    assert set(texts(before, reading(WordGate("jane"), "a.csv"))) == {"row:2/id", "row:2/name", "row:6/id", "row:6/name"}
    assert rewritten(before, [Edit("row:2", DropPart())], name="a.csv") == before.replace(b'1,"jane\n', b"")


def test_columns_without_a_header_and_columns_that_may_be_personal_are_numbered() -> None:
    assert list(texts(b"1,jane,x\n2,bob,y\n3,eve,z\n", reading(WordGate("jane")))) == ["row:1/1", "row:1/2", "row:1/3"]
    named = texts(b"id,jane,name\n1,2,3\n4,5,jane\n", reading(WordGate("jane")))
    assert named == {"column:2/name": "jane", "row:3/id": "4", "row:3/2": "5", "row:3/name": "jane"}
    assert rewritten(b"id,jane,name\n1,2,3\n", [Edit("column:2/name", RedactSpans())], "jane") == b"id,[erased],name\n1,2,3\n"


def test_a_row_longer_than_the_limit_is_searched_as_bytes_and_is_a_gap() -> None:
    limited = Reading("files", WordGate("jane"), name="a.csv", limits=Limits(line_bytes=1024 * 1024))
    before = b"id,name\n1,bob\n2," + b"z" * 3_000_000 + b"jane\n3,jane\n"
    assert gaps(before, limited) == ["csv.row_too_long"]
    assert {(unit.place, unit.is_opaque) for unit in units(before, limited)} == {("row:3", True), ("row:4/id", False), ("row:4/name", False)}


@pytest.mark.parametrize(
    "edit", [Edit("row:99", DropPart()), Edit("row:2/nothing", RedactSpans()), Edit("row:2/name", DropPart()), Edit("$.a", RedactSpans())]
)
def test_what_is_not_there_is_refused(edit: Edit) -> None:
    with pytest.raises(NotSupported):
        rewritten(_TABLE, [edit], "jane")


@given(_ROWS, st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]))
@settings(deadline=None, max_examples=150)
def test_cells_are_what_the_standard_csv_module_wrote(rows: list[list[str]], delimiter: str, newline: str) -> None:
    before = _written(rows, delimiter, newline)
    dialect = Dialect(delimiter.encode())
    spans = list(Rows(dialect).spans(before))
    assert b"".join(before[start:end] for start, end in spans) == before
    got = []
    for start, end in spans[1:]:
        row = before[start:end]
        got.append([unquoted(row[c.start : c.end], c.is_quoted, dialect).decode() for c in cells(row, dialect)])
    # A quoted cell is the standard's; the engine leaves out spaces around the quotes only, which this writer never writes.
    assert got == rows


@given(st.binary(max_size=200), st.sampled_from([b",", b";"]), st.booleans())
@settings(deadline=None, max_examples=200)
def test_rows_of_any_bytes_tile_the_file(data: bytes, delimiter: bytes, escapes: bool) -> None:
    rows = Rows(Dialect(delimiter, escapes=escapes))
    spans = list(rows.spans(data))
    assert b"".join(data[start:end] for start, end in spans) == data
    assert rows.count(data) == len(spans)
    end = rows.end(data)
    assert end == 0 or end in {stop for _, stop in spans}


@given(st.lists(st.tuples(st.integers(0, 99), st.text(st.sampled_from('ab" ,;\n'), max_size=6), st.booleans()), min_size=3, max_size=9), st.data())
@settings(deadline=None, max_examples=60)
def test_after_a_rewrite_all_other_cells_read_as_before(rows: list[tuple[int, str, bool]], data: st.DataObject) -> None:
    before = _written([[str(number), text, "jane" if flag else "bob"] for number, text, flag in rows], ",", "\n")
    cells_before = texts(before, reading(name="a.csv"))
    chosen = data.draw(st.sets(st.sampled_from(sorted(place for place in cells_before if place.startswith("row:"))), min_size=1, max_size=4))
    after = rewritten(before, [Edit(place, _set('n,"w')) for place in chosen], name="a.csv")
    cells_after = texts(after, reading(name="a.csv"))
    assert cells_after == {place: 'n,"w' if place in chosen else text for place, text in cells_before.items()}


@given(st.lists(st.sampled_from(["jane", "bob", 'j"a', "x,y", "l\nm"]), min_size=3, max_size=12), st.data())
@settings(deadline=None, max_examples=60)
def test_dropping_rows_leaves_the_bytes_of_all_others(names: list[str], data: st.DataObject) -> None:
    before = _written([[str(at), name, "z"] for at, name in enumerate(names)], ";", "\r\n")
    rows = [before[start:end] for start, end in Rows(Dialect(b";")).spans(before)]
    gone = data.draw(st.sets(st.integers(2, len(rows))))
    after = rewritten(before, [Edit(f"row:{number}", DropPart()) for number in gone], name="a.csv")
    assert after == b"".join(row for number, row in enumerate(rows, 1) if number not in gone)


@given(
    st.lists(st.sampled_from([b"a", b",", b'"', b'""', b"\n", b"\r\n", b'"b"', b'"c\n"', b" "]), max_size=30).map(b"".join),
    st.sets(st.integers(0, 60)),
)
@settings(deadline=None, max_examples=400)
def test_the_quick_way_through_regular_rows_is_the_exact_one(data: bytes, offsets: set[int]) -> None:
    rows, exact = Rows(Dialect(b",")), Rows(Dialect(b",", escapes=True))
    spans = [found.span() for found in exact._patterns.row.finditer(data) if found.end() > found.start()]
    assert list(rows.spans(data)) == spans
    assert rows.count(data) == len(spans)
    wanted = [(index, *span) for index, span in enumerate(spans) if any(span[0] <= offset < span[1] for offset in offsets)]
    assert list(rows.around(data, sorted(offsets))) == wanted
    assert rows.end(data) in {0, *(end for _, end in spans)}


def test_prose_is_no_table() -> None:
    assert sniffed(b"Dear Jane,\nthank you for the letter, which came late, and\nso on\n") is None
