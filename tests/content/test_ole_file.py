"""Outlook messages and old Office documents: every text of a message is found where it is; what cannot be read is a gap, nothing is rewritten."""

import io
import random
import zipfile

import olefile
import pytest

from dsr_engine.content.format import Unreadable
from dsr_engine.content.mail.rtf_compressed import rtf_of
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Unit
from tests.content.outlook_files import compound, message, native, streams
from tests.content.plain_words import WordGate, gaps, read, reading, rewritten, units

_TABLE = b"id,name\n1,jane\n2,bob\n"
_MAIL = {0x0037: "about the order", 0x1000: "dear bob\r\nyours\r\n", 0x0C1F: "bob@x.org", 0x0C1A: "Bob"}


def _named(data: bytes, word: str = "jane") -> dict[str, str]:
    return {unit.place: unit.text for unit in units(data, reading(WordGate(word))) if not unit.is_opaque}


def test_the_builder_makes_files_that_olefile_reads() -> None:
    data = compound({"a": b"x" * 5000, "dir": {"b": b"small", "c": b""}})
    with olefile.OleFileIO(io.BytesIO(data)) as file:
        assert {"/".join(path): file.openstream(path).read() for path in file.listdir()} == {"a": b"x" * 5000, "dir/b": b"small", "dir/c": b""}


@pytest.mark.parametrize(
    ("number", "place"),
    [(0x0037, "subject"), (0x1000, "body/line:2"), (0x0C1F, "sender"), (0x3A16, "company"), (0x7001, "property:7001"), (0x1035, "message_id")],
)
def test_every_text_of_a_message_is_found_and_the_sender_is_told_with_it(number: int, place: str) -> None:
    found = _named(compound(message(_MAIL | {number: "first\r\nit is jane\r\n"})))
    assert "jane" in found[place]
    assert "sender" in found
    assert "subject" in found


def test_the_sender_may_own_the_message() -> None:
    found = {unit.place: unit.field for unit in units(compound(message(_MAIL, recipients=[{0x3003: "jane@x.org"}])), reading(WordGate("jane")))}
    assert [entry.selects for place in ("sender", "recipient:1/email") if (entry := found[place])] == ["email", "email"]
    assert not units(compound(message(_MAIL)), reading(WordGate("jane")))


def test_recipients_headers_html_and_rtf_are_read() -> None:
    rtf = b"{\\rtf1 hello jane}"
    packed = len(rtf).to_bytes(4, "little") * 2 + b"MELA" + bytes(4) + rtf
    data = compound(
        message(
            _MAIL | {0x007D: "From: jane@x.org\r\nTo: b@x.org\r\nSubject: s\r\n\r\n", 0x1013: b"<p>dear jane</p>", 0x1009: packed},
            recipients=[{0x3001: "B"}, {0x3001: "jane"}],
        )
    )
    found = _named(data)
    assert found["headers/header:from"] == "jane@x.org"
    assert found["recipient:2/name"] == "jane"
    assert any(place.startswith("html/") for place in found)
    assert any(unit.place.startswith("rtf/") for unit in units(data, reading(WordGate("hello jane"))))


def test_times_and_numbers_are_texts() -> None:
    born = 116_444_736_000_000_000 + 448_156_800 * 10_000_000
    data = compound(message(_MAIL, numbers={0x3A42: (0x40, born), 0x7002: (0x3, 8842107)}))
    assert _named(data, "1984-03-15")["birthday"].startswith("1984-03-15")
    assert _named(data, "8842107")["property:7002"] == "8842107"


def test_attachments_are_read_by_what_they_are_and_messages_in_messages() -> None:
    inner = message(_MAIL | {0x0037: "from jane"}, depth=1, attachments=[streams({0x3701: _TABLE, 0x3707: "deep.csv"})])
    data = compound(message(_MAIL, attachments=[streams({0x3707: "about jane.csv", 0x3701: _TABLE}), {"__substg1.0_3701000D": inner}]))
    found = {unit.place: unit for unit in units(data, reading(WordGate("jane"))) if not unit.is_opaque}
    assert found["attachment:1/filename.long"].text == "about jane.csv"
    assert found["attachment:1/row:2/name"].inside == "attachment:1/row:2"
    assert found["attachment:2/subject"].text == "from jane"
    assert found["attachment:2/attachment:1/row:2/name"].text == "jane"


def test_eight_bit_texts_are_in_the_charset_that_the_message_names() -> None:
    tree = message({}, numbers={0x3FFD: (0x3, 1251)})
    tree["__substg1.0_0037001E"] = "привет".encode("cp1251")
    tree["__substg1.0_1000001E"] = "дорогая jane, привет\r\n".encode("cp1251")
    found = _named(compound(tree), "привет")
    assert found["subject"] == "привет"
    assert found["body/line:1"] == "дорогая jane, привет"


def test_bytes_of_a_property_are_searched() -> None:
    data = compound(message(_MAIL | {0x0C19: b"\0\1\xffSMTP:jane@x.org".ljust(200, b"\0")}))
    assert any(unit.is_opaque and unit.place == "property:0C19" for unit in units(data, reading(WordGate("jane"))))


def test_an_old_document_is_searched_as_bytes_and_says_so() -> None:
    data = compound({"WordDocument": bytes(600) + b"dear jane" + bytes(9000), "1Table": bytes(500)})
    assert "office.legacy" in gaps(data)
    assert any(unit.is_opaque for unit in units(data, reading(WordGate("jane"))))


def test_encrypted_documents_are_told() -> None:
    assert "office.encrypted" in gaps(compound({"EncryptionInfo": b"x" * 99, "EncryptedPackage": b"\1" * 5000}))
    assert "office.encrypted" in gaps(compound({"WordDocument": bytes(11) + b"\1" + bytes(600)}))


def test_files_in_documents_are_read() -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a.csv", _TABLE)
    data = compound(
        {"WordDocument": bytes(600), "ObjectPool": {"_1": {"\1Ole10Native": native("jane.csv", _TABLE)}, "_2": {"Package": sink.getvalue()}}}
    )
    found = _named(data)
    assert {place.split("/", 1)[1]: text for place, text in found.items()} == {
        "label": "jane.csv",
        "path": "C:\\jane.csv",
        "temporary_path": "jane.csv",
        "row:2/id": "1",
        "row:2/name": "jane",
        "member:1/row:2/id": "1",
        "member:1/row:2/name": "jane",
    }


@pytest.mark.parametrize("how", [RedactSpans(), DropPart()])
def test_nothing_is_rewritten(how: RedactSpans | DropPart) -> None:
    data = compound(message(_MAIL))
    with pytest.raises(NotSupported) as refused:
        rewritten(data, [Edit("subject", how)])
    assert refused.value.code == "format.cannot_rewrite"
    assert rewritten(data, []) == data


@pytest.mark.parametrize("seed", range(8))
def test_damage_ends_as_a_gap_and_what_is_left_is_searched(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(compound(message(_MAIL | {0x0037: "jane"}, attachments=[streams({0x3701: _TABLE * 900})])))
    for _ in range(60):
        data[chance.randrange(8, len(data))] = chance.randrange(256)
    found = read(bytes(data), reading(WordGate("2,bob")))
    assert any("2,bob" in got.text for got in found if isinstance(got, Unit))


def test_a_cut_file_is_a_gap() -> None:
    assert gaps(compound(message(_MAIL))[:700])


def test_rtf_is_unpacked_with_the_dictionary_that_outlook_begins_with() -> None:
    # The example of MS-OXRTFCP 4.1.
    example = bytes.fromhex("2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232 0af32068656c090020627705b06c647d0a800fa0".replace(" ", ""))
    assert rtf_of(example) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    with pytest.raises(Unreadable):
        rtf_of(b"short")
