"""Outlook data files: every item is a record, with all that is known of it; damaged and sealed ones are gaps; none is rewritten."""

import base64
import gzip
import zipfile
from collections.abc import Sequence
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.apart import Frame
from dsr_engine.content.format import Unreadable
from dsr_engine.content.mail.mapi import Message, text_of
from dsr_engine.content.mail.pst_file import PstFile
from dsr_engine.content.mail.pst_message import Assembly
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit
from tests.content.plain_words import WordGate, gaps, opener, read, reading, rewritten, units
from tests.content.pst_files import Letter, Properties, pst

pytest.importorskip("pypff", reason="needs libpff: pip install 'dsr-engine[pst]'")

_TABLE = b"id,name\n1,jane\n2,bob\n"
_BOB = Letter({0x001A: "IPM.Note", 0x0037: "hi", 0x1000: "hello\r\n", 0x0C1F: "bob@x.org"})


def _letter(properties: Properties, recipients: Sequence[Properties] = (), attachments: Sequence[Properties] = ()) -> Letter:
    """A message of the usual class."""
    return Letter({0x001A: "IPM.Note", **properties}, recipients, attachments)


def _places(data: bytes, word: str = "jane") -> dict[str, str]:
    return {unit.place: unit.text for unit in units(data, reading(WordGate(word))) if word in unit.text}


HIDDEN = {
    "subject": (_letter({0x0037: "\x01\x05Re: about jane"}), "item:2/subject"),
    "body": (_letter({0x1000: "dear jane\r\n"}), "item:2/body/line:1"),
    "HTML": (_letter({0x1013: b"<p>dear j&#97;ne</p>"}), "item:2/html/p:1"),
    "RTF": (_letter({0x1009: b"\x2c\0\0\0\x20\0\0\0MELA\0\0\0\0{\\rtf1\\ansi dear j\\'61ne\\par}     "}), "item:2/rtf/p:1"),
    "transport headers": (_letter({0x007D: "Received: from x\r\nX-Odd: =?utf-8?b?amFuZQ==?=\r\n"}), "item:2/headers/header:2"),
    "recipient": (_letter({0x0037: "hi"}, [{0x3001: "Bob", 0x3003: "bob@x.org"}, {0x3001: "Jane", 0x39FE: "jane@x.org"}]), "item:2/recipient:2/smtp"),
    "name of an attachment": (_letter({0x0037: "hi"}, (), [{0x3707: "jane.txt", 0x3701: b"x"}]), "item:2/attachment:1/filename.long"),
    "table that is attached": (_letter({0x0037: "hi"}, (), [{0x3707: "a.csv", 0x3701: _TABLE}]), "item:2/attachment:1/row:2/name"),
    "second attachment, packed": (
        _letter({0x0037: "hi"}, (), [{0x3707: "a.txt", 0x3701: b"bob"}, {0x3707: "b.gz", 0x3701: gzip.compress(b"dear jane\n")}]),
        "item:2/attachment:2/gz/line:1",
    ),
    "telephone book": (_letter({0x001A: "IPM.Contact", 0x3A06: "jane", 0x3A08: "+49 1"}), "item:2/first_name"),
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_the_person_is_found_wherever_an_item_holds_her(kind: str) -> None:
    letter, place = HIDDEN[kind]
    data = pst({"Inbox": [_BOB, letter], "Sent": [_BOB]})
    found = _places(data)
    assert place in found
    assert {step.split("/")[0] for step in found} == {"item:2"}
    assert gaps(data) == ["pst.items_only"]


@pytest.mark.parametrize("kind", ["", "IPM.Odd", None])
def test_an_item_of_an_unknown_class_is_searched_and_told_of(kind: str | None) -> None:
    """The library takes the last one for a folder."""
    data = pst({"Inbox": [Letter({0x0037: "dear jane"} | ({} if kind is None else {0x001A: kind})), _BOB]})
    assert _places(data) == {"item:1/subject": "dear jane"}
    assert gaps(data) == ["pst.lost", "pst.items_only"]


def test_a_message_that_is_attached_to_another_is_searched_as_bytes_and_told_of() -> None:
    inner = _letter({0x0037: "about jane"})
    data = pst({"Inbox": [_letter({0x0037: "outer"}, (), [{0x3705: 5, 0x3001: "forwarded", 0x3701: inner}])]})
    found = read(data, reading(WordGate("\0".join("jane"))))
    assert [got.place for got in found if isinstance(got, Unit) and got.is_opaque]
    assert {got.code for got in found if isinstance(got, Gap)} == {"binary.unknown", "pst.attached", "pst.items_only"}


def test_a_prefix_of_a_subject_does_not_hide_a_name() -> None:
    assert _places(pst({"Inbox": [_letter({0x0037: "\x01\x01jane"})]})) == {"item:1/subject": "jane"}


def test_names_of_folders_are_searched() -> None:
    assert _places(pst({"Inbox": [], "all about jane": [_BOB]})) == {"folder:2": "all about jane"}


def test_an_item_that_hangs_in_no_folder_any_more_is_found() -> None:
    data = pst({"Inbox": [_BOB]}, lost=[_letter({0x0037: "dear jane"})])
    assert list(_places(data).values()) == ["dear jane"]


def test_an_item_is_never_rewritten_and_the_whole_file_may_be_copied() -> None:
    data = pst({"Inbox": [_letter({0x0037: "dear jane"})]})
    for edit in (Edit("item:1/subject", RedactSpans()), Edit("item:1", DropPart())):
        with pytest.raises(NotSupported) as caught:
            rewritten(data, [edit], "jane")
        assert caught.value.code == "format.cannot_rewrite"
    assert rewritten(data, []) == data


def test_an_outlook_data_file_is_known_by_its_content_wherever_it_lies() -> None:
    data = pst({"Inbox": [_letter({0x0037: "dear jane"})]})
    sink = BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("backup.dat", data)
    mail = MIMEMultipart()
    mail["From"], mail["To"] = "a@x.org", "b@x.org"
    mail.attach(MIMEApplication(data, name="old.bin"))
    for outer in (sink.getvalue(), mail.as_bytes(), gzip.compress(data)):
        assert [place for place in _places(outer) if place.endswith("item:1/subject")]


def test_texts_in_an_old_code_page_are_decoded() -> None:
    """Kept as eight-bit texts, with the code page beside them."""
    frames = [_frame("property", 0x0037, 0x1E, "für Jåne".encode("cp1252")), Frame({"kind": "end"})]
    message = _assembled(frames)
    assert text_of(message.properties[0], "cp1252") == "für Jåne"


def _frame(kind: str, number: int = 0, value_type: int = 0, body: bytes = b"") -> Frame:
    return Frame({"kind": kind, "number": number, "type": value_type}, body)


def _assembled(frames: list[Frame]) -> Message:
    assembly = Assembly()
    try:
        return assembly.taken(iter(frames))
    finally:
        assembly.close()


def test_a_message_that_is_attached_is_put_together_where_it_belongs() -> None:
    frames = [
        _frame("property", 0x0037, 0x1F, "outer".encode("utf-16-le")),
        _frame("attachment"),
        _frame("property", 0x3705, 0x3, b"\5\0\0\0"),
        _frame("message"),
        _frame("property", 0x0037, 0x1F, "inner".encode("utf-16-le")),
        _frame("recipient"),
        _frame("property", 0x3003, 0x1F, "jane".encode("utf-16-le")),
        _frame("end"),
        _frame("attachment"),
        _frame("property", 0x3707, 0x1F, "b.txt".encode("utf-16-le")),
        _frame("data", body=b"content"),
        _frame("end"),
    ]
    message = _assembled(frames)
    inner = message.attachments[0].message
    assert inner is not None
    assert [text_of(found, "cp1252") for found in (*message.properties, *inner.properties, *inner.recipients[0])] == ["outer", "inner", "jane"]
    assert message.recipients == ()
    assert text_of(message.attachments[1].properties[0], "cp1252") == "b.txt"


def test_what_ends_in_the_midst_of_an_item_is_refused() -> None:
    with pytest.raises(Unreadable):
        _assembled([_frame("attachment"), _frame("data", body=b"x")])


def test_an_item_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsr_engine.content.mail.pst_message._LARGEST", 10)
    with pytest.raises(Unreadable) as caught:
        _assembled([_frame("property", 0x1000, 0x1F, b"x" * 11), _frame("end")])
    assert caught.value.code == "pst.too_large"


def test_a_file_that_is_sealed_by_windows_is_a_gap() -> None:
    data = bytearray(pst({"Inbox": [_letter({0x0037: "dear jane"})]}))
    data[513] = 0x10
    assert gaps(bytes(data)) in (["pst.encrypted"], ["pst.damaged"])


def test_without_the_library_a_gap_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsr_engine.content.mail.pst_file.has_library", lambda: False)
    monkeypatch.setattr("dsr_engine.content.mail.pst_file.WORK", "dsr_engine.content.mail.no_such_module:read")
    found = list(PstFile(nested=None).read(opener(pst({"Inbox": []}) + b"jane"), reading(WordGate("jane"))))  # type: ignore[arg-type]  # nothing is nested
    assert [got.code for got in found if isinstance(got, Gap)] == ["format.needs_extra"]
    assert [got.is_opaque for got in found if isinstance(got, Unit)] == [True]


@given(st.data())
@settings(deadline=None, max_examples=25)
def test_a_damaged_file_is_a_gap_and_never_an_error(data: st.DataObject) -> None:
    raw = bytearray(pst({"Inbox": [_BOB, _letter({0x0037: "dear jane"}, [{0x3003: "bob@x.org"}], [{0x3707: "a.txt", 0x3701: b"jane"}])]}))
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(8, len(raw) - 1)) :]
    else:
        for _ in range(data.draw(st.integers(1, 20))):
            raw[data.draw(st.integers(8, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert [got for got in read(bytes(raw)) if isinstance(got, Gap)]


def test_base64_that_a_raw_search_does_not_see_is_decoded() -> None:
    data = pst({"Inbox": [_letter({0x0037: "hi"}, (), [{0x3707: "a.eml", 0x3701: _mail()}])]})
    assert b"jane" not in data
    assert [text for text in _places(data).values() if text == "dear jane"]


def _mail() -> bytes:
    return b"From: a@x\nTo: b@x\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(b"dear jane\n")
