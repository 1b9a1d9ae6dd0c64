"""Whoever is found in a mail by the full reader is seen by the gate in what was skimmed of it; and what cannot be read is told alike."""

import base64
import binascii
import io
import quopri
import re
import time
from collections.abc import Sequence
from typing import cast
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.documents.html_skim import Pages
from dsr_engine.content.files import FILES
from dsr_engine.content.format import Budget, Limits, Reading
from dsr_engine.content.gate import Gate
from dsr_engine.content.mail import skim_headers
from dsr_engine.content.mail.mime import Mime
from dsr_engine.content.mail.mime_encoding import unquoted
from dsr_engine.content.mail.skim import Skimmer
from dsr_engine.content.mail.skim_headers import boundary_said, headers_in, meta_said, note_headers
from dsr_engine.content.match import Matcher
from dsr_engine.content.screening import Memory, Noting, passes_any
from dsr_engine.domain.record import Gap, Unit
from tests.benchmarks.mail_corpus import PERSON, letters
from tests.content.mail_corpus import PEOPLE, encoded_words, raw_headers
from tests.content.mail_corpus_bodies import broken_structures, charsets, structures, transfer_encodings
from tests.content.people import JANE, KEY_17, selector
from tests.content.planted import WAYS, planted

MIME = cast(Mime, FILES.formats["mime"])
ROE = (selector("email", PERSON[1]), selector("name", PERSON[0]))
MATCHERS = {
    "one": Matcher({"case": JANE}),
    "a key": Matcher({"case": (KEY_17,)}),
    "all": Matcher(PEOPLE),
    # The engine that passes next to nothing in vain: tests that count what is read in full need it.
    "roe": Matcher({"case": ROE}, "hyperscan"),
}
LETTERS = [letter for maker in (encoded_words, raw_headers, charsets, transfer_encodings, structures, broken_structures) for letter in maker()]


def in_full(raw: bytes, gate: Gate) -> tuple[list[Unit], list[tuple[str, str]]]:
    """What the full reader gives. Headers that come with a mail although nobody is in them are left out."""
    got = list(MIME.read(lambda: io.BytesIO(raw), Reading("INBOX", gate, budget=Budget(Limits()))))
    units = [one for one in got if isinstance(one, Unit) and (not one.place.startswith("header:") or gate.passes_text(one.text))]
    return units, sorted((one.code, one.reason) for one in got if isinstance(one, Gap))


def skimmed(raw: bytes, gate: Gate, skimmer: Skimmer | None = None) -> tuple[Noting, list[tuple[str, str]] | None]:
    note = Noting(gate)
    gaps = (skimmer or Skimmer(MIME)).skim(raw, Reading("INBOX", note), note)
    return note, None if gaps is None else sorted((one.code, one.reason) for one in gaps)


def is_missed(raw: bytes, gate: Gate) -> bool:
    """True if the search would take a mail for one that it is not."""
    note, gaps = skimmed(raw, gate)
    if gaps is None or passes_any(gate, [note]):
        return False  # read in full
    units, told = in_full(raw, gate)
    return bool(units) or told != gaps


# ---- corpora


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_nobody_in_the_corpus_of_odd_mails_is_missed(newline: bytes) -> None:
    gate = MATCHERS["all"].gate
    mails = [(letter.name, letter.data.replace(b"\r\n", b"\n").replace(b"\n", newline)) for letter in LETTERS]
    assert [name for name, data in mails if is_missed(data, gate)] == []
    skimmed_ones = sum(skimmed(data, gate)[1] is not None for _, data in mails)
    assert skimmed_ones > len(mails) // 2


def test_an_ordinary_mailbox_is_skimmed_and_its_texts_are_not_read_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, skimmer = MATCHERS["roe"].gate, Skimmer(MIME)
    monkeypatch.setattr(Mime, "content", lambda _self, leaf: iter(()) if leaf.is_attachment else pytest.fail("a text was read in full"))
    seen = 0
    for letter in letters(300):
        note, gaps = skimmed(letter.raw, gate, skimmer)
        assert gaps == []
        seen += passes_any(gate, [note])
        assert passes_any(gate, [note]) or not letter.is_hers
    assert seen == sum(letter.is_hers for letter in letters(300))


def test_who_is_looked_for_is_seen_wherever_she_stands_in_an_ordinary_mail() -> None:
    gate = MATCHERS["roe"].gate
    for letter in letters(120):
        if letter.is_hers:
            continue
        note, _ = skimmed(letter.raw, gate)
        assert not passes_any(gate, [note])
        for header in (b"X-Seen: <" + PERSON[1].encode() + b">\n", b"Comments: Jane\n \t Roe\n", b'To: "Roe, Jane" <a@example.org>\n'):
            note, gaps = skimmed(header + letter.raw, gate)
            assert gaps is not None
            assert passes_any(gate, [note])


# ---- generated mails

ADDRESS, NAME = "jane.doe@example.com", "Jane Doe"
_CHARSETS = ("utf-8", "us-ascii", "iso-8859-1", "windows-1252", "iso-8859-2", "koi8-r", "utf-16", "utf-7", "iso-2022-jp", "gb2312", "nonsense", "")
_who = st.one_of(st.sampled_from((ADDRESS, NAME)), st.sampled_from(WAYS).map(lambda way: way[1](way[0])), planted.map("".join))
_noise = st.sampled_from(
    ("", "hello", "ä é ü", "Привет мир", "a\nb\n", "x" * 80, "QUJD" * 20, "4a616e65", "@\n", "begin 644 a\n", "-----BEGIN PGP MESSAGE-----", "+AEA-",
     "> q\n", "%20", "&amp;", "=20", "\x0c", "\x01", "日本")
)  # fmt: skip
_text = st.lists(st.one_of(_noise, _who), min_size=1, max_size=4).map(" ".join)


def _cut(text: str, at: int, how: str) -> str:
    return text[:at] + how + text[at:]


_tags = st.sampled_from(
    ("<b>", "</b>", "<br>", "<!-- x -->", "<wbr>", "<o:p></o:p>", "<div>x</div>", "<p>", "</p>", "<td>", "</td><td>", "<del>", "<span style='a'>",
     "&shy;", "\n", "<img alt=x>", "<style>p{}</style>", "</div>", "<", "<p>x</p>", "<li>", "&nbsp;", "<title>", "<script>", "<![endif]-->", "<!-->")
)  # fmt: skip
_cut_person = st.builds(_cut, st.sampled_from((ADDRESS, NAME, f"{NAME}<p>x</p>{NAME}")), st.integers(0, 22), _tags)
_attribute = _text.map(lambda text: f"<a href=\"mailto:{text}\" title='{text}'>")
_page = (
    st.lists(st.one_of(_text, _tags, _cut_person, _attribute), min_size=1, max_size=6).map("".join).map(lambda inner: f"<html><body>{inner}</body>")
)


def _encoded(data: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(data)
    return quopri.encodestring(data) if encoding == "quoted-printable" else data


def _part(text: str, kind: str, charset: str, encoding: str, more: str) -> bytes:
    try:
        data = text.encode(charset or "utf-8", "ignore")
    except LookupError:
        data = text.encode()
    named = f"; charset={charset}" if charset else ""
    return f"Content-Type: {kind}{named}{more}\nContent-Transfer-Encoding: {encoding}\n\n".encode() + _encoded(data, encoding)


_mores = st.sampled_from(
    ("", "", "", "; format=flowed", "; format=flowed; delsp=yes", '; name="Jane Doe.txt"', "; name*=utf-8''jane%2Edoe@example.com")
)
_encodings = st.sampled_from(("7bit", "8bit", "quoted-printable", "base64", "x-unknown", "BASE64"))
_parts = st.one_of(
    st.builds(_part, _text, st.sampled_from(("text/plain", "text/plain", "text/csv", "text/x-odd")), st.sampled_from(_CHARSETS), _encodings, _mores),
    st.builds(_part, _page, st.just("text/html"), st.sampled_from(_CHARSETS), _encodings, _mores),
)
_header = st.one_of(
    st.tuples(st.sampled_from(("Subject", "To", "Cc", "X-Odd", "Received", "From", "Comments")), _text),
    st.sampled_from(
        (
            ("To", '"Jane" Doe <x@example.org>'), ("To", "jane.doe(work)@example.com"), ("To", "<jane.doe\n @example.com>"),
            ("Cc", '"Doe, Jane" <x@example.org>, b@example.org'), ("To", "a: jane.doe @ example.com;"), ("X-Odd", "jane.doe@exam\n ple.com"),
            ("Return-Path", "<bounce-jane.doe=example.com@list.example>"), ("To", "=?utf-8?q?Jane?=\n =?utf-8?q?_Doe?= <x@example.org>"),
            ("Subject", "Jane\n\t Doe"), ("To", '"Jane\\ Doe" <x@example.org>'), ("From", "jane\\.doe@example.com"),
            ("Subject", "=?utf-8?b?SmFuZSBEb2U=?="),
        )
    ),
)  # fmt: skip


def _mail(headers: Sequence[tuple[str, str]], parts: Sequence[bytes], boundary: str, harm: int, newline: bytes) -> bytes:
    head = "".join(f"{name}: {value.replace(chr(10), chr(10) + ' ').rstrip()}\n" for name, value in headers).encode("utf-8", "ignore")
    if len(parts) == 1:
        data = head + b"MIME-Version: 1.0\n" + parts[0]
    else:
        mark = b"\n--" + boundary.encode()
        inner = b"".join(mark + b"\n" + part for part in parts)
        data = head + f'Content-Type: multipart/mixed; boundary="{boundary}"\n\npreamble {NAME if harm == 3 else ""}'.encode() + inner
        data += b"" if harm == 1 else mark + b"--\n"
        data += b"epilogue jane.doe@example.com\n" if harm == 2 else b""
    return data.replace(b"\r\n", b"\n").replace(b"\n", newline)


_mails = st.builds(
    _mail, st.lists(_header, max_size=4), st.lists(_parts, min_size=1, max_size=3), st.sampled_from(("b", "=_x", "--")), st.integers(0, 6),
    st.sampled_from((b"\n", b"\n", b"\r\n", b"\r")),
)  # fmt: skip


@given(_mails, st.sampled_from(("one", "a key")))
@settings(deadline=None, max_examples=1500)
def test_nobody_in_a_generated_mail_is_missed(raw: bytes, name: str) -> None:
    assert not is_missed(raw, MATCHERS[name].gate)


@given(_page)
@settings(deadline=None, max_examples=800)
def test_nobody_in_a_page_is_missed(page: str) -> None:
    raw = b"From: a@example.org\nTo: b@example.org\n" + _part(page, "text/html", "utf-8", "quoted-printable", "")
    assert not is_missed(raw, MATCHERS["one"].gate)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way[0]}-{way[1].__name__}")
def test_what_is_encoded_once_more_within_an_encoded_part_is_seen(way: tuple[str, object], encoding: str) -> None:
    """The transferred bytes are not asked about: nothing that they show is missing from the decoded text."""
    text = f"some words before\n{way[1](way[0])}\nand behind\n"  # type: ignore[operator]  # a way is a value and what encodes it
    raw = b"From: a@example.org\n" + _part(text, "text/plain", "utf-8", encoding, "")
    gate = MATCHERS["one"].gate
    assert gate.passes(text.encode()) <= passes_any(gate, [skimmed(raw, gate)[0]])


@pytest.mark.parametrize(
    "page",
    ["<!--" * 100_000, "<!" * 200_000, "<a " * 150_000, "<p>" * 150_000, "<div>" * 90_000, "<p x=" * 90_000, "&#" * 200_000, '<a b="' * 70_000],
)
def test_no_page_takes_long(page: str) -> None:
    begin = time.process_time()
    Pages().texts(page)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    "value", [" " * 400_000, '"a" ' * 100_000, "a@b.c," * 60_000 + "(", "=a" * 200_000, "a, " * 130_000, "\n " * 200_000, "=?utf-8?q?" * 40_000]
)
def test_no_header_takes_long(value: str) -> None:
    gate = MATCHERS["one"].gate
    begin = time.process_time()
    headers = headers_in(f"To: {value}\nX-Odd: {value}\n".encode())
    assert headers is not None
    note_headers(headers, Noting(gate), is_part=False)
    assert time.process_time() - begin < 20


@pytest.mark.parametrize("declared", ["", "; charset=iso-8859-1", "; charset=windows-1252", "; charset=utf-8", "; charset=iso-8859-2"])
@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
def test_a_charset_that_cannot_be_told_is_a_gap_as_before(kind: str, declared: str) -> None:
    gate = MATCHERS["one"].gate
    texts = [
        "\u041f\u0440\u0438\u0432\u0435\u0442 Jane, \u043a\u0430\u043a \u0434\u0435\u043b\u0430".encode(codec)
        for codec in ("koi8-r", "cp1251", "cp866")
    ]
    texts.append(b"a " + b" ".join(bytes((first, 0xF7, 0xD7, 0x81, first)) for first in range(0xA1, 0xFF, 3)) + b" b")
    raws = [f"From: a@example.org\nContent-Type: {kind}{declared}\n\n".encode() + text + b"\n" for text in texts]
    assert [is_missed(raw, gate) for raw in raws] == [False] * 4
    assert (
        kind == "text/html"
        or declared.endswith("-2")
        or any(told == in_full(raw, gate)[1] != [] for raw in raws[3:] for told in [skimmed(raw, gate)[1]])
    )


_said = st.one_of(
    st.sampled_from(
        ('multipart/mixed; boundary="b"', ' multipart/alternative;\n boundary="=_x"', 'multipart/related;\r\n\tboundary="a/b:c"\n ',
         'multipart/mixed; boundary="b"; charset=utf-7', 'multipart/digest; boundary="b"', "multipart/mixed; boundary=b", "multipart/mixed",
         'text/plain; boundary="b"', 'multipart/mixed; (x) boundary="b"', 'multipart/mixed; boundary="b", boundary="c"')
    ),
    st.from_regex(r"""[ \t]?multipart/(mixed|related|x);\s{0,2}boundary="[a-z'+=?* ,;\\-]{1,6}"[ ;]?""", fullmatch=True),
)  # fmt: skip


@given(_said)
@settings(deadline=None, max_examples=150)
def test_a_boundary_that_is_told_at_a_glance_is_the_one_that_the_reader_sees(value: str) -> None:
    own = (("content-type", value.encode()),)
    meta = meta_said(own)
    assert boundary_said(own) in (b"", *meta.boundaries)
    if boundary_said(own):
        assert (meta.main, len(meta.boundaries), meta.encoding, meta.names, meta.charset, meta.other) == ("multipart", 1, "", (), "", None)
        assert meta.sub != "digest"
    assert boundary_said((*own, ("content-transfer-encoding", b"base64"))) == b""


@given(st.lists(st.sampled_from([b"=", b"=\r\n", b"=\n", b"= ", b"=\t", b"\r", b"\n", b"=41", b"x", b"=\r\r\n", b"\r\n"]), max_size=9).map(b"".join))
@settings(deadline=None, max_examples=300)
def test_soft_breaks_that_a_relay_harmed_are_mended_wherever_they_are(raw: bytes) -> None:
    mended = raw
    if b"= " in raw or b"=\t" in raw or b"=\r\r" in raw:
        mended = re.sub(rb"=[ \t\r]+(?=\n)", b"=", raw)
    assert unquoted(raw) == binascii.a2b_qp(re.sub(rb"=\r(?!\n)", b"=\n", mended))


@given(st.lists(_mails, min_size=2, max_size=5), st.sampled_from(("one", "a key")))
@settings(deadline=None, max_examples=60)
def test_what_was_skimmed_before_changes_nothing(raws: list[bytes], name: str) -> None:
    """Headers of parts, tags and boundaries are remembered: a mail behind others says what it says by itself."""
    gate, skimmer = MATCHERS[name].gate, Skimmer(MIME)
    for raw in (*raws, *raws):
        note, gaps = skimmed(raw, gate, skimmer)
        with mock.patch.object(skim_headers, "_LONGEST_BLOCK", -1):
            alone, told = skimmed(raw, gate)
        assert gaps == told
        assert [set(some) for some in note.noted] == [set(some) for some in alone.noted]


# ---- what is remembered


def _with_file(content: bytes, name: str) -> bytes:
    kind = f'application/octet-stream; name="{name}"'
    head = b'From: a@example.org\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n' + _part("hello", "text/plain", "", "7bit", "")
    return head + b"\n--b\n" + f"Content-Type: {kind}\nContent-Transfer-Encoding: base64\n\n".encode() + base64.encodebytes(content) + b"\n--b--\n"


def test_a_file_that_was_refused_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, memory = MATCHERS["one"].gate, Memory()
    skimmer, mail = Skimmer(MIME, memory), _with_file(b"no;name\n1;nobody\n" * 9, "a.csv")
    assert skimmed(mail, gate, skimmer)[1] == []
    memory.judged(is_refused=True)
    monkeypatch.setattr(Mime, "content", lambda _self, _leaf: pytest.fail("it was read again"))
    assert skimmed(mail, gate, skimmer)[1] == []


def test_a_file_that_somebody_is_in_is_seen_in_each_of_its_mails() -> None:
    gate, memory = MATCHERS["one"].gate, Memory()
    skimmer, mail = Skimmer(MIME, memory), _with_file(b"no;name\n1;Jane Doe\n" * 9, "a.csv")
    notes = [skimmed(mail, gate, skimmer)[0] for _ in range(3)]
    assert all(passes_any(gate, [note]) for note in notes)
    memory.judged(is_refused=False)
    assert passes_any(gate, [skimmed(mail, gate, skimmer)[0]])


def test_a_file_that_cannot_be_read_is_a_gap_in_each_of_its_mails() -> None:
    gate, memory = MATCHERS["one"].gate, Memory()
    skimmer, mail = Skimmer(MIME, memory), _with_file(bytes(range(256)) * 9, "a.bin")
    told = []
    for _ in range(2):
        told.append(skimmed(mail, gate, skimmer)[1])
        memory.judged(is_refused=True)
    assert told[0] == told[1] == in_full(mail, gate)[1] != []


def test_the_same_file_under_another_kind_of_name_is_read_again() -> None:
    gate, memory = MATCHERS["one"].gate, Memory()
    skimmer, rows = Skimmer(MIME, memory), b"a\n1\n" * 9
    for name in ("a.csv", "a.txt"):
        note, _ = skimmed(_with_file(rows, name), gate, skimmer)
        assert any(b"1" in data or rows in data for data in note.noted[0]) or any("1" in text for text in note.noted[1])
        memory.judged(is_refused=True)
