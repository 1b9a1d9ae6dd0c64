"""A person planted in tables of every charset and dialect is found in the right row, and cut out without touching anything else."""

import io
import itertools

import pytest

from dsr_engine.content.files import rewrite_file
from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Locator, Record
from tests.content.people import EMAIL, selector
from tests.content.plain_words import WordGate, gaps, opener, reading, rewritten, texts, units

_PEOPLE = {
    "utf-8": ("Łukasz Żółty", "улица"),
    "utf-16": ("Łukasz Żółty", "Größe"),
    "utf-16-le": ("Jürgen Möller", "Größe"),
    "utf-16-be": ("山田太郎", "東京都"),
    "utf-32": ("Иван Петров", "Москва"),
    "cp1252": ("Jürgen Möller", "Straße"),
    "cp1250": ("Łukasz Żółty", "Kraków"),
    "iso8859-2": ("Łukasz Żółty", "Kraków"),
    "cp1254": ("Gülşen Yıldız", "İstanbul"),
    "cp1251": ("Иван Петров", "Москва"),
    "koi8-r": ("Иван Петров", "Москва"),
    "iso8859-5": ("Иван Петров", "Москва"),
    "cp866": ("Иван Петров", "Москва"),
    "cp1253": ("Γιώργος Παπαδόπουλος", "Αθήνα"),
    "cp1255": ("משה כהן", "חיפה"),
    "cp1256": ("محمد علي", "القاهرة"),
    "gb18030": ("欧阳震华", "北京市朝阳区"),
    "big5": ("歐陽震華", "台北市信義區"),
    "cp932": ("山田太郎", "東京都"),
    "euc_jp": ("山田太郎", "東京都"),
    "iso2022_jp": ("山田太郎", "東京都"),
    "cp949": ("홍길동", "서울시 강남구"),
    "cp037": ("Jane Doe", "Baker Street"),
}
_PAIRS = tuple(itertools.product((",", ";", "\t", "|", "^", "\x01", "\x1f"), ('"', "'", "")))
_STYLES = tuple((delimiter, quote, ("\n", "\r\n", "\r")[at % 4 % 3]) for at, (delimiter, quote) in enumerate(_PAIRS))


def _table(rows: list[list[str]], delimiter: str, quote: str, newline: str) -> str:
    return "".join(delimiter.join(quote + cell + quote for cell in row) + newline for row in rows)


def _matcher(name: str) -> Matcher:
    return Matcher({"case": (selector("name", name), selector("email", EMAIL))})


def _places(data: bytes, matcher: Matcher, name: str) -> list[str]:
    found = units(data, Reading("files", matcher.gate, name=name))
    claims = matcher.findings(Record(Locator("s", "files", ("k",)), tuple(found), "server"))
    return list(dict.fromkeys(hit.place for claim in claims for hit in claim.hits))


def _erased(data: bytes, places: list[str], matcher: Matcher, name: str) -> bytes:
    sink = io.BytesIO()
    rewriter = CaseRewriter(matcher, "case", b"k" * 32)
    rewrite_file(opener(data), sink, [Edit(place, RedactSpans()) for place in places], rewriter, Reading("files", None, name=name))
    return sink.getvalue()


@pytest.mark.parametrize("codec", sorted(_PEOPLE))
def test_a_person_is_found_and_cut_out_in_every_charset_and_dialect(codec: str) -> None:
    name, town = _PEOPLE[codec]
    matcher = _matcher(name)
    for delimiter, quote, newline in _STYLES:
        if codec == "cp037" and delimiter in "|^\x01\x1f":
            continue
        rows = [["id", "name", "mail", "town"], ["1", "Bob", "bob@x.org", town], ["2", name, EMAIL, town], ["3", "Eve", "", f"to {name}!"]]
        text = _table(rows, delimiter, quote, newline).replace("\n", "\x85" if codec == "cp037" else "\n")
        before = text.encode(codec)
        places = _places(before, matcher, "a.csv")
        assert places == ["row:3/name", "row:3/mail", "row:4/town"], (delimiter, quote, newline)
        assert _erased(before, places, matcher, "a.csv") == text.replace(name, "[redacted]").replace(EMAIL, "[redacted]").encode(codec)


def test_lines_of_several_charsets_in_one_file_are_each_read_in_their_own() -> None:
    lines = [
        ("Größe: Jürgen Möller", "utf-8"),
        ("Größe: Jürgen Möller", "cp1252"),
        ("Größe, Bob", "cp1252"),
        ("见 张三", "gb18030"),
        ("ütf", "utf-8"),
    ]
    before = b"".join(text.encode(codec) + b"\n" for text, codec in lines)
    matcher = Matcher({"case": (selector("name", "Jürgen Möller"),)})
    assert _places(before, matcher, "a.txt") == ["line:1", "line:2"]
    after = b"".join(text.replace("Jürgen Möller", "[redacted]").encode(codec) + b"\n" for text, codec in lines)
    assert _erased(before, ["line:1", "line:2"], matcher, "a.txt") == after


def test_the_header_is_the_first_row_as_wide_as_the_table_whatever_stands_before_it() -> None:
    before = b"Statement of account\n;;\nperiod;2024\n\nid;name;note\n1;jane;x\n2;bob;y\n3;eve;z\n"
    assert texts(before, reading(WordGate("jane"), "a.csv")) == {"row:6/id": "1", "row:6/name": "jane", "row:6/note": "x"}
    assert rewritten(before, [Edit("row:6", DropPart())], name="a.csv") == before.replace(b"1;jane;x\n", b"")
    assert texts(before.replace(b"period", b"jane"), reading(WordGate("jane"), "a.csv"))["row:3/1"] == "jane"


@pytest.mark.parametrize("before", [b"sep=;\r\nid;name\r\n1;jane\r\n2;b,o,b\r\n", b"# made by x, y\n# and z\nid;name\n1;jane\n2;b,o,b\n"])
def test_a_line_that_names_the_delimiter_and_comments_are_no_header(before: bytes) -> None:
    found = texts(before, reading(WordGate("jane"), "a.csv"))
    assert [place.partition("/")[2] for place in found] == ["id", "name"]


def test_fields_that_a_database_wrote_with_backslashes_keep_together() -> None:
    before = b"1\tjane\tone\\\ntwo\\\tthree\t\\N\n2\tbob\tx\t\\N\n3\teve\tx\ty\n"
    found = texts(before, reading(WordGate("jane"), "a.tsv"))
    assert found["row:1/3"] == "one\ntwo\tthree"
    assert rewritten(before, [Edit("row:1/2", RedactSpans())], "jane", name="a.tsv") == before.replace(b"jane", b"[erased]")


def test_rows_that_end_with_a_record_separator_are_rows() -> None:
    before = b"1\x1fjane\x1fx\x1e2\x1fbob\x1fy\x1e3\x1feve\x1fz\x1e"
    assert texts(before, reading(WordGate("jane"))) == {"row:1/1": "1", "row:1/2": "jane", "row:1/3": "x"}
    assert rewritten(before, [Edit("row:1", DropPart())]) == before[before.index(b"2\x1f") :]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("order", [("Jane", "Doe"), ("Doe", "Jane")])
def test_a_name_in_two_columns_is_found_and_leaves_both(delimiter: str, quote: str, order: tuple[str, str]) -> None:
    rows = [["id", "a", "b", "note"], ["1", *order, "Doe"], ["2", "Jane", "Smith", "x"], ["3", "John", "Doe", "Jane"]]
    before = _table(rows, delimiter, quote, "\n").encode()
    matcher = _matcher("Jane Doe")
    assert _places(before, matcher, "a.csv")[0] == "row:2/2-3"
    rows[1][1:3] = ["[redacted]", ""]
    assert _erased(before, ["row:2/2-3"], matcher, "a.csv") == _table(rows, delimiter, quote, "\n").encode()


def test_a_name_with_the_delimiter_in_it_is_found_in_a_table_that_does_not_quote() -> None:
    before = b"id,name,mail\n1,Doe, Jane,x@x.org\n2,Bob,b@x.org\n3,Eve,e@x.org\n4,Ann,a@x.org\n"
    matcher = _matcher("Jane Doe")
    assert _places(before, matcher, "a.csv") == ["row:2/2-3"]
    assert _erased(before, ["row:2/2-3"], matcher, "a.csv") == before.replace(b"Doe, Jane", b"[redacted],")


@pytest.mark.parametrize(("codec", "name"), [("cp932", "ポール ソニー"), ("big5", "許功蓋"), ("gb18030", "誠 丂")])
@pytest.mark.parametrize("delimiter", ["|", "^", ","])
def test_characters_that_hold_the_byte_of_the_delimiter_are_not_cut_apart(codec: str, name: str, delimiter: str) -> None:
    rows = [["id", "name", "town"], ["1", name, "東京都"], ["2", "山田", "台北市信義區"], ["3", "Bob", f"於 {name}"]]
    try:
        before = _table(rows, delimiter, "", "\n").encode(codec)
    except UnicodeEncodeError:
        rows[2][2], rows[3][2] = "東京都", name
        before = _table(rows, delimiter, "", "\n").encode(codec)
    matcher = _matcher(name)
    assert _places(before, matcher, "a.csv") == ["row:2/name", "row:4/town"]
    after = _table(rows, delimiter, "", "\n").replace(name, "[redacted]").encode(codec)
    assert _erased(before, ["row:2/name", "row:4/town"], matcher, "a.csv") == after


def test_mainframe_text_is_read_line_by_line_and_binary_data_is_not_taken_for_it() -> None:
    before = "\x85".join(["CUSTOMER RECORD 0001 BOB", f"MAIL {EMAIL.upper()} ACTIVE", "END OF FILE 12345"]).encode("cp500")
    matcher = _matcher("Jane Doe")
    assert _places(before, matcher, "dump") == ["line:2"]
    assert _erased(before, ["line:2"], matcher, "dump").decode("cp037").split("\x85")[1] == "MAIL [redacted] ACTIVE"
    assert gaps(bytes(range(256)) * 20, reading(WordGate("jane"))) == ["binary.unknown"]


def test_what_looks_like_no_language_is_a_gap() -> None:
    odd = bytes([0x81, 0xFE, 0x8D, 0xFF, 0x90, 0xA8, 0x9D, 0xB0])
    assert gaps(b"jane " + odd * 30 + b"\n", reading(WordGate("jane"))) == ["text.charset_unknown"]
