"""Address cards and calendars: every property is found as it is meant, and only its own line is written anew, folded as it has to be."""

import base64
import gzip
import quopri

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.mail.content_lines import Line
from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans, SetValue
from dsr_engine.domain.record import Unit
from tests.content.plain_words import MARK, WordGate, gaps, read, reading, rewritten, texts, units

_JANE = (
    b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:jane Doe\r\nN:Doe;jane;;Dr.;\r\nEMAIL;TYPE=home:jane@x.org\r\n"
    b"TEL:tel:+49-170-1\r\nNOTE:a\\, b\\nc\\; jane\r\nEND:VCARD\r\n"
)
_BOB = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bob\r\nEMAIL:bob@x.org\r\nEND:VCARD\r\n"
_EVENT = (
    b"BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:lunch\r\nORGANIZER;CN=Bob:mailto:bob@x.org\r\n"
    b'ATTENDEE;CN="jane Doe";PARTSTAT=ACCEPTED:mailto:jane@x.org\r\nATTENDEE:mailto:eve@x.org\r\n'
    b"BEGIN:VALARM\r\nDESCRIPTION:call jane\r\nEND:VALARM\r\nEND:VEVENT\r\n"
)
_OTHER = b"BEGIN:VTODO\r\nUID:2\r\nSUMMARY:write\r\nEND:VTODO\r\n"


def _calendar(*entries: bytes) -> bytes:
    return b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:of eve\r\n" + b"".join(entries) + b"END:VCALENDAR\r\n"


def test_a_card_is_a_record_and_is_given_whole() -> None:
    found = {unit.place: unit for unit in units(_BOB + _JANE, reading(WordGate("jane@")))}
    assert {place: unit.text for place, unit in found.items()} == {
        "card:2/version": "4.0",
        "card:2/fn": "jane Doe",
        "card:2/n": "Doe;jane;;Dr.;",
        "card:2/email.params": ";TYPE=home",
        "card:2/email": "jane@x.org",
        "card:2/tel": "+49-170-1",
        "card:2/note": "a, b\nc; jane",
    }
    assert {unit.inside for unit in found.values()} == {"card:2"}
    assert {place: unit.field.selects for place, unit in found.items() if unit.field} == {
        "card:2/fn": None,
        "card:2/email": "email",
        "card:2/tel": "phone",
    }


def test_an_entry_of_a_calendar_is_a_record_with_its_alarms() -> None:
    found = texts(_calendar(_OTHER, _EVENT), reading(WordGate("jane@")))
    assert found["entry:2/attendee"] == "jane@x.org"
    assert found["entry:2/attendee.params"] == ';CN="jane Doe";PARTSTAT=ACCEPTED'
    assert found["entry:2/attendee.2"] == "eve@x.org"
    assert found["entry:2/description"] == "call jane"
    assert not any(place.startswith(("entry:1", "calendar")) for place in found)
    assert texts(_calendar(_OTHER), reading(WordGate("of eve")))["calendar:1/x-wr-calname"] == "of eve"


def test_only_the_lines_of_an_edit_change_and_what_separates_stays() -> None:
    places = ("fn", "n", "email", "note")
    after = rewritten(_BOB + _JANE + _BOB, [Edit(f"card:2/{place}", RedactSpans()) for place in places], "jane")
    assert after == _BOB + _JANE.replace(b"jane", MARK.encode()) + _BOB
    calendar = _calendar(_EVENT, _OTHER)
    edits = [Edit(f"entry:1/{place}", RedactSpans()) for place in ("attendee", "attendee.params", "description")]
    after = rewritten(calendar, edits, "jane")
    assert after.replace(b"\r\n ", b"") == calendar.replace(b"jane", MARK.encode())
    assert max(map(len, after.split(b"\r\n"))) <= 75


def test_cards_and_entries_are_dropped() -> None:
    assert rewritten(_BOB + _JANE + _BOB, [Edit("card:2", DropPart())]) == _BOB + _BOB
    assert rewritten(_calendar(_EVENT, _OTHER), [Edit("entry:1", DropPart())]) == _calendar(_OTHER)


def test_a_record_that_never_ended_does_not_take_the_next_one_with_it() -> None:
    broken = _JANE.replace(b"END:VCARD\r\n", b"") + _BOB
    assert rewritten(broken, [Edit("card:1", DropPart())]) == _BOB
    broken = _calendar(_EVENT.replace(b"END:VEVENT\r\n", b"").replace(b"END:VALARM\r\n", b""), _OTHER)
    assert rewritten(broken, [Edit("entry:1", DropPart())]).count(b"BEGIN:VTODO") == 1


def test_a_card_inside_a_card_belongs_to_it() -> None:
    agent = b"BEGIN:VCARD\r\nFN:Bob\r\nAGENT:\r\nBEGIN:VCARD\r\nFN:jane\r\nEND:VCARD\r\nEND:VCARD\r\n"
    assert [unit.place for unit in units(agent + _BOB, reading(WordGate("jane")))] == ["card:1/fn", "card:1/fn.2"]


def test_folded_lines_are_read_as_one_and_folded_again() -> None:
    long = "ü" * 60 + " jane " + "é" * 60
    folded = b"BEGIN:VCARD\nFN:" + long.encode()[:40] + b"\n " + long.encode()[40:90] + b"\n\t" + long.encode()[90:] + b"\nEND:VCARD\n"
    assert texts(folded, reading(WordGate("jane")))["card:1/fn"] == long
    after = rewritten(folded, [Edit("card:1/fn", RedactSpans())], "jane")
    assert texts(after)["card:1/fn"] == long.replace("jane", MARK)
    assert max(map(len, after.split(b"\n"))) <= 75
    assert all(line.decode() for line in after.strip().split(b"\n"))


def test_quoted_printable_of_old_cards_is_read_and_written() -> None:
    value = quopri.encodestring(("grüße an jane " * 9).encode("iso-8859-15")).replace(b"\n", b"\r\n").replace(b" ", b"=20")
    card = b"BEGIN:VCARD\r\nVERSION:2.1\r\nNOTE;CHARSET=ISO-8859-15;ENCODING=QUOTED-PRINTABLE:" + value + b"\r\nFN:Bob\r\nEND:VCARD\r\n"
    assert texts(card, reading(WordGate("jane")))["card:1/note"].startswith("grüße an jane grüße")
    after = rewritten(card, [Edit("card:1/note", RedactSpans())], "jane")
    assert texts(after)["card:1/note"].strip() == ("grüße an jane " * 9).replace("jane", MARK).strip()
    assert after.endswith(b"\r\nFN:Bob\r\nEND:VCARD\r\n")
    assert max(map(len, after.split(b"\r\n"))) <= 76


@pytest.mark.parametrize(
    "head", [b"PHOTO;ENCODING=b;TYPE=X:", b"PHOTO;BASE64:", b"PHOTO:data:application/gzip;base64,", b"ATTACH;VALUE=BINARY;ENCODING=BASE64:"]
)
def test_files_in_cards_are_read_and_rewritten(head: bytes) -> None:
    content = base64.b64encode(gzip.compress(b"dear jane\n", mtime=0))
    card = b"BEGIN:VCARD\r\nFN:Bob\r\n" + head + content[:30] + b"\r\n " + content[30:] + b"\r\nEND:VCARD\r\n"
    name = head.split(b";")[0].split(b":")[0].decode().lower()
    place = f"card:1/{name}/gz/line:1"
    assert texts(card, reading(WordGate("jane")))[place] == "dear jane"
    after = rewritten(card, [Edit(place, RedactSpans())], "jane")
    assert texts(after, reading(WordGate("dear")))[place] == f"dear {MARK}"
    assert after.startswith(b"BEGIN:VCARD\r\nFN:Bob\r\n" + head)


def test_a_value_is_set() -> None:
    after = rewritten(
        _JANE, [Edit("card:1/email", SetValue(Method(MethodName.TEXT, "a,b"), "")), Edit("card:1/fn", SetValue(Method(MethodName.TEXT, "null"), ""))]
    )
    assert after == _JANE.replace(b"home:jane@x.org", b"home:a\\,b").replace(b"FN:jane Doe", b"FN:")


@pytest.mark.parametrize("place", ["card:9/fn", "card:1/nothing", "line:1", "card:1/fn.params/x"])
def test_places_that_are_not_there_are_refused(place: str) -> None:
    with pytest.raises(NotSupported):
        rewritten(_JANE, [Edit(place, RedactSpans())], "jane")


def test_lines_that_are_no_properties_are_searched_as_bytes() -> None:
    broken = _BOB.replace(b"FN:Bob", b"this is about jane")
    assert [(unit.place, unit.is_opaque) for unit in units(broken, reading(WordGate("jane"))) if "jane" in unit.text] == [("card:1/line:3", True)]


def test_a_line_without_end_is_a_gap_and_is_searched() -> None:
    broken = _BOB + b"BEGIN:VCARD\r\nNOTE:" + b"x" * 9_000_000 + b"jane\r\nEND:VCARD\r\n"
    assert gaps(broken, reading(WordGate("jane"))) == ["card.line_too_long"]
    assert any("jane" in unit.text for unit in units(broken, reading(WordGate("jane"))))


def test_text_files_that_mention_cards_stay_texts() -> None:
    assert texts(b"about\nBEGIN:VCARD\njane\n", reading(WordGate("jane"))) == {"line:3": "jane"}


values = st.text(st.sampled_from('ab,;:\\nN\n"é=ü jane'), max_size=120) | st.builds(
    lambda one, other: one + "jane" + other, st.text(max_size=90), st.text(max_size=90)
)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace(",", "\\,").replace(";", "\\;")


@given(st.lists(values, min_size=1, max_size=4), st.sampled_from(("\n", "\r\n")))
@settings(deadline=None)
def test_after_a_rewrite_every_value_is_what_it_was_without_the_person(written: list[str], newline: str) -> None:
    written = ["".join(c for c in value if c == "\n" or c.isprintable()) for value in written]
    lines = ["BEGIN:VCARD", *(f"NOTE:x{_escaped(value)}" for value in written), "END:VCARD", ""]
    before = newline.join(lines).encode()
    places = [f"card:1/note.{number}" if number > 1 else "card:1/note" for number in range(1, len(written) + 1)]
    found = texts(before)
    assert [found[place] for place in places] == ["x" + value for value in written]
    after = rewritten(before, [Edit(place, RedactSpans()) for place in places], "jane")
    now = texts(after)
    assert [now[place] for place in places] == [("x" + value).replace("jane", MARK) for value in written]
    for line, value in zip(before.decode().split(newline)[1:], written, strict=False):
        if "jane" not in value:
            assert line.encode() in after


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_no_bytes_raise(noise: bytes) -> None:
    found = read(b"BEGIN:VCARD\r\n" + noise + b"\r\nEND:VCARD\r\n", reading(WordGate("jane")))
    assert all(isinstance(got, Unit) or got.code for got in found)
    found_property = Line(1, 0, b"NOTE;ENCODING=QUOTED-PRINTABLE:" + noise).property()
    assert found_property is None or found_property.written(b"\r\n").endswith(b"\r\n")
