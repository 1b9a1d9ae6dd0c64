"""The pieces of which reading a mail is made, each by itself: words, addresses, parameters, folds, packed files, seals, and hostile structure."""

import base64
import io
from email.header import Header
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.format import Limits
from dsr_engine.content.mail.mime_addresses import address_of, carried
from dsr_engine.content.mail.mime_cuts import cut
from dsr_engine.content.mail.mime_meta import meta_of, parameters_of
from dsr_engine.content.mail.mime_structure import structure_of
from dsr_engine.content.mail.mime_uuencode import from_yenc_lines, packed_in
from dsr_engine.content.mail.mime_words import parameter_text, words
from dsr_engine.content.match import Matcher
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit
from tests.content.mail_corpus import b64, letter
from tests.content.mail_corpus_bodies import uuencoded, yencoded
from tests.content.people import JANE
from tests.content.plain_words import MARK, WordGate, WordRewriter, gaps, read, reading, rewritten, texts, units
from tests.content.sealed_mails import compressed, enveloped, signed

_SECRET = b"Content-Transfer-Encoding: base64\n\n" + b64("dear jane,\n")
_JANE = reading(WordGate("jane"), "a.eml")


@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=30),
    st.lists(st.integers(1, 80), max_size=4),
    st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_words_that_cut_characters_anywhere_are_put_together(text: str, cuts: list[int], is_base64: bool) -> None:
    data = text.encode()
    ends = [0, *sorted({at for at in cuts if at < len(data)}), len(data)]
    pieces = [data[one:two] for one, two in pairwise(ends)]
    if is_base64:
        written = [f"=?utf-8?b?{base64.b64encode(piece).decode()}?=" for piece in pieces]
    else:
        written = [f"=?utf-8?q?{''.join(f'={byte:02X}' for byte in piece)}?=" for piece in pieces]
    assert words("\n ".join(written)) == text


@pytest.mark.parametrize("charset", ["iso-2022-jp", "shift_jis", "euc-jp"])
def test_words_of_the_standard_library_are_read(charset: str) -> None:
    text = "山田太郎様、こんにちは。" * 5
    assert words(Header(text, charset).encode().replace("\n", "")) == text


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=200)
def test_no_text_breaks_the_reading_of_words(text: str) -> None:
    assert isinstance(words(f"=?utf-8?q?{text}?= =?{text}?b?{text}?="), str)


@pytest.mark.parametrize(
    "written",
    [
        "jane.doe@x.org", '"jane.doe"@x.org', '"jane"."doe"@x.org', "jane.doe(at home)@x.org", "jane.doe@(work) x.org", "jane . doe @ x . org",
        "jane.doe@\r\n x.org", "@a.org,@b.org:jane.doe@x.org", '"jane\\.doe"@x.org', "(c) jane.doe@x.org",
    ],
)  # fmt: skip
def test_an_address_is_the_same_however_it_is_written(written: str) -> None:
    assert address_of(written) == "jane.doe@x.org"


def test_addresses_that_others_carry_are_read_in_every_way() -> None:
    assert [one.address for one in carried("<list-bounces+jane-doe=x.org@list.org>")] == [
        "list-bounces+jane-doe@x.org",
        "bounces+jane-doe@x.org",
        "jane-doe@x.org",
        "doe@x.org",
    ]
    assert "jane@x.org" in [one.address for one in carried("SRS0=Ab=Cd=x.org=jane@forward.org")]
    assert not list(carried("a=b and jane@x.org"))


def test_a_carried_address_goes_and_its_surroundings_stay() -> None:
    before = b"Return-Path: <b+jane=x.org@list.org>\nFrom: a@x.org\n\nhi\n"
    after = rewritten(before, [Edit("header:return-path.verp", RedactSpans())], "jane@x.org", name="a.eml")
    assert after == before.replace(b"jane=x.org", MARK.encode())


def test_a_folded_address_goes_and_other_folds_stay() -> None:
    before = b"Received: from a\r\n\tby b for jane@\r\n x.org;\r\n\tnow\r\nFrom: a@x.org\r\n\r\nhi\r\n"
    assert "header:received.joined" in texts(before, reading(WordGate("jane"), "a.eml"))
    after = rewritten(before, [Edit("header:received.joined", RedactSpans())], "jane@x.org", name="a.eml")
    assert after == before.replace(b"jane@\r\n x.org", MARK.encode())


def test_a_plain_header_keeps_its_folds_when_a_word_of_it_goes() -> None:
    before = b"Subject: a long\r\n\tsubject on jane\r\n\t and others\r\nFrom: a@x.org\r\n\r\nhi\r\n"
    assert rewritten(before, [Edit("header:subject", RedactSpans())], "jane", name="a.eml") == before.replace(b"jane", MARK.encode())


def test_what_a_program_broke_over_two_lines_goes_without_the_lines() -> None:
    before = letter("Content-Type: text/plain; format=flowed; delsp=yes", b"one \n> ask jane@ex \n> ample.org \n> now\ntwo\n")
    place = next(place for place in texts(before, reading(WordGate("jane@example.org"), "a.eml")) if "wrap:" in place)
    after = rewritten(before, [Edit(place, RedactSpans())], "jane@example.org", name="a.eml")
    assert after == before.replace(b"jane@ex \n> ample.org", MARK.encode())


@given(st.lists(st.sampled_from([b"jane", b"ja", b"ne", b"\n ", b"x", "ü".encode()]), max_size=12))
@settings(deadline=None, max_examples=200)
def test_a_cut_takes_the_person_and_what_was_left_out_within(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    ranges, at = [], data.find(b"\n ")
    while at >= 0:
        ranges.append((at, at + 2))
        at = data.find(b"\n ", at + 2)
    now = cut(data, ranges, WordRewriter("jane"))
    assert now is not None
    assert b"jane" not in now.replace(b"\n ", b"").replace(MARK.encode(), b"|")
    assert now.replace(b"\n ", b"") == data.replace(b"\n ", b"").replace(b"jane", MARK.encode())
    if b"jane" not in data.replace(b"\n ", b""):
        assert now == data


def test_parameters_are_put_together_and_none_is_thrown_away() -> None:
    raw = b"attachment; filename*1*=%20doe; filename*0*=utf-8'en'j%C3%A4ne; filename=\"x (1).txt\"; filename*=iso-8859-1''%FC"
    found = [parameter_text(parameter) for parameter in parameters_of(raw) if parameter.name == "filename"]
    assert "x (1).txt" in found
    assert any(name.startswith("jäne") for name in found)


def test_a_second_name_of_a_file_is_found_too() -> None:
    before = letter(
        "Content-Type: multipart/mixed; boundary=b",
        b"--b\nContent-Type: text/csv; name=jane.csv\nContent-Disposition: attachment; filename=list.csv\n\na,b\n--b--\n",
    )
    assert texts(before, _JANE)["part:1/filename.2"] == "jane.csv"
    after = rewritten(before, [Edit("part:1/filename.2", RedactSpans())], "jane", name="a.eml")
    assert after.replace(b'name="[erased].csv"', b"name=jane.csv") == before


def test_both_of_two_content_types_are_believed() -> None:
    meta = meta_of([("content-type", b"text/plain; charset=koi8-r"), ("content-type", b"multipart/mixed; boundary=b")])
    assert (meta.kind, meta.boundaries) == ("multipart/mixed", (b"b",))
    assert meta.other is not None
    assert meta.other.charset == "koi8-r"


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=100)
def test_packed_files_are_unpacked(data: bytes) -> None:
    assert [packed.content for packed in packed_in(b"hi\n" + uuencoded(data) + b"\n" + yencoded(data))] == [data, data]
    assert from_yenc_lines(yencoded(data).split(b"\n", 1)[1].rsplit(b"\n", 2)[0]) == data


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=100)
def test_no_bytes_break_the_reading_of_packed_files(data: bytes) -> None:
    assert len(list(packed_in(b"begin 644 a\n" + data + b"\n=ybegin line=1 name=b\n" + data))) >= 2


@given(st.binary(max_size=400), st.integers(0, 2000))
@settings(deadline=None, max_examples=150)
def test_seals_that_are_cut_or_full_of_noise_are_read_somehow(noise: bytes, end: int) -> None:
    for whole in (signed(b"\nhello jane\n" + noise), signed(noise, is_streamed=True), compressed(b"\njane\n" + noise), enveloped()):
        assert read(whole[: max(20, end)], _JANE) is not None


def test_what_is_sealed_is_read_and_not_rewritten_but_can_be_dropped() -> None:
    part = b"Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\n" + b64(signed(b"\nhello jane\n"))
    before = letter("Content-Type: multipart/mixed; boundary=b", b"--b\n\nhi\n--b\n" + part + b"--b\n\nbob\n--b--\n")
    found = units(before, _JANE)
    assert [unit.is_opaque for unit in found if "jane" in unit.text] == [True]
    after = rewritten(before, [Edit("part:2", DropPart())], name="a.eml")
    assert not units(after, _JANE)
    assert after.endswith(b"--b\n\nbob\n--b--\n")
    assert after.startswith(before[: before.index(b"--b\nContent-Type: application")])


def test_a_seal_that_unpacks_to_very_much_is_a_gap() -> None:
    assert gaps(compressed(b"\0" * 90_000_000), _JANE) == ["cms.too_large"]


def _deep(count: int, kind: str) -> bytes:
    if kind == "multipart":
        return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (at, at) for at in range(count)) + _SECRET
    return b"Content-Type: message/rfc822\n\n" * count + _SECRET


@pytest.mark.parametrize(
    ("body", "gap"),
    [
        (_deep(3000, "multipart"), "mime.too_deep"),
        (_deep(3000, "message"), "archive.too_deep"),
        (b"X: y\n" * 30_000 + _SECRET, "mime.header_too_long"),
        (b"X: " + b"y " * 700_000 + b"\n" + _SECRET, "mime.header_too_long"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 60_000 + b"--b\n" + _SECRET, "mime.too_many_parts"),
    ],
    ids=["multiparts", "messages", "headers", "header", "parts"],
)
def test_a_bomb_is_a_gap_and_its_bytes_are_searched(body: bytes, gap: str) -> None:
    gate = WordGate("jane", base64.b64encode(b"dear jane,\n").decode()[:12])
    got = read(b"From: a@x.org\nTo: b@x.org\n" + body, reading(gate, "a.eml"))
    assert gap in [one.code for one in got if isinstance(one, Gap)]
    assert any(isinstance(one, Unit) and ("jane" in one.text or "ZGVhciBq" in one.text) for one in got)


@given(
    st.lists(
        st.sampled_from(
            [b"--b", b"--b--", b"--c", b"", b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: multipart/mixed; boundary=c",
             b"hello", b"X: y", b"Content-Type: message/rfc822", b" folded", b"no header", b"Content-Type: multipart/digest"]
        ),
        max_size=14,
    ),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
)  # fmt: skip
@settings(deadline=None, max_examples=300)
def test_every_byte_belongs_to_a_header_a_part_or_a_delimiter(lines: list[bytes], newline: bytes) -> None:
    data = newline.join([b"From: a@x.org", b"Content-Type: multipart/mixed; boundary=b", *lines])
    mail = structure_of(lambda: io.BytesIO(data), Limits())
    taken = bytearray(len(data))
    for header in {header.start: header for part in mail.parts for header in part.headers}.values():
        taken[header.start : header.start + len(header.raw)] = b"x" * len(header.raw)
    for header in mail.headers:
        taken[header.start : header.start + len(header.raw)] = b"x" * len(header.raw)
    for part in mail.parts:
        taken[part.start : part.end] = b"x" * (part.end - part.start)
    left = bytes(byte for byte, mark in zip(data, taken, strict=True) if not mark)
    assert not left.replace(b"--b", b"").replace(b"--c", b"").replace(b"Content-Type: multipart/mixed; boundary=", b"").strip(b"\r\n-bc"), left


def test_a_wrong_byte_in_utf_8_hides_nobody() -> None:
    before = letter("Content-Type: text/plain; charset=utf-8", "здесь Иван Петров".encode() + b"\xf0\nand others\n")
    gate = WordGate("Иван Петров")
    assert "Иван Петров" in texts(before, reading(gate, "a.eml"))["part:1/line:1"]
    after = rewritten(before, [Edit("part:1/line:1", RedactSpans())], "Иван Петров", name="a.eml")
    assert after == before.replace("Иван Петров".encode(), MARK.encode())


def test_a_multipart_without_parts_is_what_its_other_type_says() -> None:
    before = letter("Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64", b64("hello jane\n"))
    assert texts(before, _JANE)["part:1/line:1"] == "hello jane"


def test_encoded_words_of_noise_break_no_search() -> None:
    gate = Matcher({"case": JANE}).gate
    assert not gate.passes_text("=?euc-kr?B?sejDtrz2I\u00e5TU?=")
    assert gate.passes_text("=?utf-8?B?\u00e5amFuZS5kb2VAZXhhbXBsZS5jb20=?=")
