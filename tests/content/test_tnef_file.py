"""winmail.dat: a message and its attachments are found in every attribute; damage is told; nothing is rewritten."""

import struct
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Unit
from tests.content.outlook_files import properties, tnef
from tests.content.plain_words import WordGate, gaps, read, reading, rewritten, units

_TABLE = b"id,name\n1,jane\n2,bob\n"
_SUBJECT = (1, 1, 0x8004, b"the subject\0")
_RENDER = (2, 6, 0x9002, bytes(14))


def _found(data: bytes, word: str = "jane") -> dict[str, Unit]:
    return {unit.place: unit for unit in units(data, reading(WordGate(word)))}


def test_attributes_and_properties_are_read() -> None:
    data = tnef(
        (1, 8, 0x9006, bytes(4)),
        (1, 6, 0x9007, struct.pack("<II", 1251, 0)),
        _SUBJECT,
        (1, 2, 0x800C, "привет jane\r\n".encode("cp1251")),
        (1, 6, 0x9003, properties({0x0C1F: "jane@x.org", 0x3A16: "Company", 0x8005: "named jane", 0x0C19: b"\0jane"})),
        (1, 6, 0x9004, struct.pack("<I", 2) + properties({0x3003: "b@x.org"}) + properties({0x3001: "jane"})),
    )
    found = _found(data)
    assert found["body/line:1"].text == "привет jane"
    assert found["sender"].text == "jane@x.org"
    assert found["subject"].text == "the subject"
    assert found["recipient:2/name"].text == "jane"
    assert found["property:8005"].text == "named jane"
    assert found["property:0C19"].is_opaque
    assert not gaps(data)


def test_attachments_are_read_by_what_they_are() -> None:
    inner = tnef((1, 1, 0x8004, b"about jane\0"))
    data = tnef(
        _SUBJECT,
        _RENDER,
        (2, 1, 0x8010, b"a.csv\0"),
        (2, 6, 0x800F, _TABLE),
        _RENDER,
        (2, 6, 0x9005, properties({0x3707: "jane.txt", 0x3701: b"to jane\n"})),
        _RENDER,
        (2, 6, 0x9005, struct.pack("<IHHII", 1, 0xD, 0x3701, 1, 16 + len(inner)) + bytes(16) + inner + bytes(-len(inner) % 4)),
    )
    found = _found(data)
    assert found["attachment:1/row:2/name"].inside == "attachment:1/row:2"
    assert found["attachment:2/filename.long"].text == "jane.txt"
    assert found["attachment:2/line:1"].text == "to jane"
    assert found["attachment:3/subject"].text == "about jane"


def test_a_mail_that_carries_one_loses_the_part() -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@x.org", "b@x.org", "s"
    mail.set_content("hello\n")
    mail.add_attachment(tnef(_SUBJECT, (1, 2, 0x800C, b"dear jane\0")), maintype="application", subtype="ms-tnef", filename="winmail.dat")
    data = mail.as_bytes()
    found = _found(data)
    assert found["part:2/body/line:1"].inside == "part:2"
    with pytest.raises(NotSupported):
        rewritten(data, [Edit("part:2/body/line:1", RedactSpans())], "jane")
    after = rewritten(data, [Edit("part:2", DropPart())], "jane")
    assert not _found(after)
    assert b"hello" in after


@pytest.mark.parametrize("cut", range(6, 60, 7))
def test_a_cut_file_is_a_gap_and_is_searched(cut: int) -> None:
    data = tnef((1, 1, 0x8004, b"about jane\0"), (1, 2, 0x800C, b"body\0" * 9))[:cut]
    assert gaps(data) or cut in (6, 28)
    assert ("jane" in str(data)) == bool(units(data, reading(WordGate("jane"))))


@given(st.binary(max_size=300))
def test_no_bytes_raise(noise: bytes) -> None:
    head = struct.pack("<IH", 0x223E9F78, 1)
    assert read(head + noise) or not noise
    length = struct.pack("<I", len(noise))
    read(head + b"\1\3\x90\6\0" + length + noise + b"\0\0")
    read(head + b"\1\4\x90\6\0" + length + noise + b"\0\0")
