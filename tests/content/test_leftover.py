"""Files that are not what they say: what a charset or a transfer encoding hides is found all the same, once, and never rewritten blindly."""

import base64

import pytest

from dsr_engine.content.charset import Charset
from dsr_engine.content.codec_names import known_codec
from dsr_engine.content.leftover import hides_ascii
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import Edit, RedactSpans
from tests.content.plain_words import WordGate, reading, rewritten, texts, units

_HEAD = b"From: a@x.org\nTo: b@x.org\nSubject: s\n"
_JANE = b"hello jane@x.org, bye\n"


@pytest.mark.parametrize(
    "before",
    [
        _HEAD + b"\n\xff\xfe" + _JANE,
        _HEAD + b"Content-Type: text/plain\n\n\xfe\xff" + _JANE,
        _HEAD + b"Content-Type: text/plain; charset=cp037\n\n" + _JANE,
        _HEAD + b"Content-Type: text/plain; charset=utf-32\n\n\0" + _JANE,
        b"\xff\xfe" + _JANE,
        b"word\nname\n" * 300 + b"list\njane\n\0\n",
    ],
)
def test_ascii_that_is_taken_for_another_charset_is_found_as_bytes(before: bytes) -> None:
    found = units(before, reading(WordGate("jane")))
    assert [unit.is_opaque for unit in found if "jane" in unit.text] == [True]
    assert not [unit for unit in units(before, reading(WordGate("nobody"))) if unit.is_opaque]


def test_ascii_that_a_header_calls_utf_16_is_read_as_ascii() -> None:
    before = _HEAD + b"Content-Type: text/plain; charset=utf-16\n\n" + _JANE
    assert texts(before, reading(WordGate("jane")))["part:1/line:1"] == "hello jane@x.org, bye"
    assert rewritten(before, [Edit("part:1/line:1", RedactSpans())], "jane@x.org").endswith(b"hello [erased], bye\n")


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_text_that_is_utf_16_is_found_once(codec: str) -> None:
    body = base64.encodebytes("grüße jane 你好 und so weiter\n".encode(codec))
    mail = _HEAD + b"Content-Type: text/plain; charset=" + codec.encode() + b"\nContent-Transfer-Encoding: base64\n\n" + body
    assert [unit.place for unit in units(mail, reading(WordGate("jane"))) if "jane" in unit.text] == ["part:1/line:1"]
    assert [unit.is_opaque for unit in units("grüße jane 你好\n".encode(codec), reading(WordGate("jane")))] == [False]


def test_a_footer_that_was_appended_to_a_base64_body_is_found_and_not_lost() -> None:
    before = (
        _HEAD + b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(b"to bob\nand eve\n") + b"\n-- \nby jane\n"
    )
    found = [unit for unit in units(before, reading(WordGate("jane"))) if "jane" in unit.text]
    assert [(unit.is_opaque, unit.inside) for unit in found] == [(True, "")]
    with pytest.raises(NotSupported):
        rewritten(before, [Edit("part:1/line:1", RedactSpans())], "bob")


@pytest.mark.parametrize("name", ["idna", "punycode", "hex", "rot13", "undefined", "", "no-such"])
def test_a_charset_that_reads_no_bytes_is_no_charset(name: str) -> None:
    assert known_codec(name) == ""
    before = _HEAD + b"Content-Type: text/plain; charset=" + name.encode() + b"\n\n" + _JANE
    assert "hello jane@x.org, bye" in texts(before, reading(WordGate("jane"))).values()


def test_charsets_in_which_ascii_is_ascii_hide_nothing() -> None:
    from_names = {name: hides_ascii(Charset(wide=name)) for name in ("koi8-r", "gbk", "shift_jis", "utf-16-le", "utf-32-be", "cp500")}
    assert from_names == {"koi8-r": False, "gbk": False, "shift_jis": False, "utf-16-le": True, "utf-32-be": True, "cp500": True}
