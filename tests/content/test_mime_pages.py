"""Bodies of mails that are shown as pages, and other parts with tags: a person split by tags is found, whatever the part is packed in."""

import base64
import email
import email.policy
import quopri
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.plan import Edit, RedactSpans
from tests.content.plain_words import MARK, WordGate, gaps, reading, rewritten, texts, units

_PACKED: dict[str, Callable[[bytes], bytes]] = {"8bit": lambda data: data, "base64": base64.encodebytes, "quoted-printable": quopri.encodestring}
_GATE = WordGate("jane@x.org", "jäne")


def _mail(body: bytes, kind: str, packing: str = "8bit", more: str = "") -> bytes:
    """A mail with a text, the part in question and a part of somebody else's."""
    head = "From: a@x.org\nTo: b@x.org\nSubject: s\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=zz\n\n"
    first = "--zz\nContent-Type: text/plain\n\nhallo\nbob\n--zz\n"
    part = f"Content-Type: {kind}\nContent-Transfer-Encoding: {packing}\n{more}\n"
    return (head + first + part).encode() + _PACKED[packing](body) + b"\n--zz\nContent-Type: text/html\n\n<p>bob@<b>x.org</b></p>\n--zz--\n"


def _erased(before: bytes, *words: str) -> bytes:
    found = units(before, reading(_GATE, "a.eml"))
    assert found
    assert not any(unit.is_opaque for unit in found)
    places = [unit.place for unit in found if unit.place.startswith("part:2/")]
    return rewritten(before, [Edit(place, RedactSpans()) for place in places], *(words or ("jane@x.org", "jäne")), name="a.eml")


def _content(data: bytes) -> bytes:
    part = list(email.message_from_bytes(data, policy=email.policy.default).walk())[2]
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.rstrip(b"\n")


@pytest.mark.parametrize("packing", _PACKED)
@pytest.mark.parametrize(
    "page",
    [
        "<html><p>jane<b>@</b>x.org",
        "hallo jane@<wbr>x.org",
        "<b>jane</b>@x.org",
        "<p>jane<span style='font-size:0'></span>@x.org</p>",
        "<p>j&#97;ne<!-- x -->@x.org</p>",
        "<p>jane&#64;<span\n class='a>b'>x.org",
        "<table><tr><td><font size=1>ja</font>ne@x.<i>org</i></td></tr></table>",
    ],
)
@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "TEXT/HTML; charset=iso-8859-1", "text/x-amp-html"])
def test_an_address_that_is_split_by_tags_is_found_in_a_body_and_all_else_stays(page: str, kind: str, packing: str) -> None:
    before = _mail(page.encode(), kind, packing)
    assert any("jane@x.org" in text for place, text in texts(before, reading(_GATE, "a.eml")).items() if place.startswith("part:2/p:"))
    after = _erased(before)
    assert not units(after, reading(_GATE, "a.eml"))
    now = _content(after)
    assert MARK.encode() in now
    assert [now.count(tag) for tag in (b"<", b">")] == [page.count("<"), page.count(">")]
    start, end = before.index(b"Content-Transfer-Encoding"), before.index(b"--zz\nContent-Type: text/html\n\n<p>bob")
    assert after.startswith(before[:start])
    assert after.endswith(before[end:])


@pytest.mark.parametrize("packing", ["base64", "quoted-printable"])
@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1250", "utf-16"])
@pytest.mark.parametrize("says", ["", "<meta charset=koi8-r>", "<meta charset=utf-8>"])
def test_the_charset_of_the_header_is_stronger_than_that_of_the_page(says: str, charset: str, packing: str) -> None:
    page = f"{says}<p>für j<i>ä</i>ne und größer</p>"
    before = _mail(page.encode(charset), f"text/html; charset={charset}", packing)
    assert texts(before, reading(_GATE, "a.eml"))["part:2/p:1"] == "für jäne und größer"
    assert _content(_erased(before)).decode(charset) == f"{says}<p>für {MARK}<i></i> und größer</p>"


@pytest.mark.parametrize(
    ("kind", "body", "place"),
    [
        ("text/enriched", "<bold>jane</bold>@x.org", "part:2/p:1"),
        ("text/xml; charset=koi8-r", '<?xml version="1.0" encoding="koi8-r"?><a>привет jane<b>@x.org</b></a>', "part:2/a"),
        (
            "text/calendar; charset=koi8-r",
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:привет jane\n @x.org\nEND:VEVENT\nEND:VCALENDAR",
            "part:2/entry:1/summary",
        ),
        ("text/vcard", "BEGIN:VCARD\nVERSION:3.0\nEMAIL:jane@\n x.org\nEND:VCARD", "part:2/card:1/email"),
        ("text/rtf; charset=koi8-r", r"{\rtf1\ansi jane{\b @x.org}}", "part:2/p:1"),
        ("application/octet-stream", "<html>jane@<b>x.org</b>", "part:2/p:1"),
        ("application/xhtml+xml", "<html xmlns='http://www.w3.org/1999/xhtml'>jane@<b>x.org</b></html>", "part:2/p:1"),
    ],
)
@pytest.mark.parametrize("packing", ["base64", "quoted-printable"])
def test_other_parts_are_read_by_what_they_are(kind: str, body: str, place: str, packing: str) -> None:
    codec = "koi8-r" if "koi8" in kind else "utf-8"
    before = _mail(body.encode(codec), kind, packing)
    assert "jane@x.org" in texts(before, reading(_GATE, "a.eml"))[place]
    after = _erased(before)
    assert not units(after, reading(_GATE, "a.eml"))
    assert MARK in _content(after).decode(codec)
    assert ("привет" in body) == ("привет" in _content(after).decode(codec))


@pytest.mark.parametrize("name", ["attachment", "attachment; filename=page.htm", "inline; filename=page.dat"])
def test_a_page_that_is_attached_is_a_page_although_it_has_no_beginning(name: str) -> None:
    before = _mail(b"hallo jane<b>@</b>x.org", "text/html", more=f"Content-Disposition: {name}\n")
    found = {unit.place: unit for unit in units(before, reading(_GATE, "a.eml"))}
    assert found["part:2/p:1"].inside == "part:2"
    assert _content(_erased(before)) == f"hallo {MARK}<b></b>".encode()


def test_a_table_that_is_called_a_page_is_a_table() -> None:
    before = _mail(b"id,mail\n1,jane@x.org\n2,bob\n", "text/html", more="Content-Disposition: attachment; filename=a.csv\n")
    assert "part:2/row:2/mail" in texts(before, reading(_GATE, "a.eml"))


def test_plain_bodies_keep_their_lines_whatever_they_look_like() -> None:
    before = _mail(b"<p>\njane@x.org\n</p>", "text/plain")
    assert texts(before, reading(_GATE, "a.eml"))["part:2/line:2"] == "jane@x.org"


def test_a_page_of_mixed_charsets_in_a_mail_is_read_and_rewritten() -> None:
    page = "<p>j<b>ä</b>ne</p>".encode() + "<p>j<b>ä</b>ne</p>".encode("cp1252")
    before = _mail(page, "text/html; charset=utf-8", "base64")
    assert gaps(before, reading(_GATE, "a.eml")) == []
    assert _content(_erased(before)) == f"<p>{MARK}<b></b></p>".encode() * 2


@given(
    st.lists(st.sampled_from(["jane@x.org", "jane<b>@x.org</b>", "grüße", "<br>", "<p>", "x" * 80, "=20", "<!-- bob -->"]), min_size=1, max_size=8),
    st.sampled_from(sorted(_PACKED)),
    st.sampled_from(["utf-8", "iso-8859-1"]),
)
@settings(deadline=None, max_examples=60)
def test_after_a_rewrite_only_the_person_is_gone(pieces: list[str], packing: str, charset: str) -> None:
    page = f"<p>jane@x.org {' '.join(pieces)}"
    before = _mail(page.encode(charset), f"text/html; charset={charset}", packing)
    now = _content(_erased(before)).decode(charset)
    assert re.findall("<[^>]*>", now) == re.findall("<[^>]*>", page)
    assert re.sub("</?b>", "", now) == re.sub("</?b>", "", page).replace("jane@x.org", MARK)
