"""What is spelt out as patterns over base64 and hex digits is there wherever the bytes are, whatever stands around them."""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsr_engine.content import spelt
from dsr_engine.content.match import Matcher
from tests.content.people import JANE, selector

SHORT = Matcher({"case": (selector("email", "jo@x.io"),)})
JURGEN = Matcher({"case": (selector("email", "j@web.de"), selector("name", "Jürgen Müller"))})
_ANNA = {"case": (selector("name", "Анна Петров-Х"),)}
ANNA, ANNA_BY_THE_OTHER = Matcher(_ANNA), Matcher(_ANNA, "ahocorasick")
CROWD = Matcher({f"c{number}": (selector("email", f"person{number}@mail.example"), selector("name", f"Zoë Groß{number}")) for number in range(300)})
KNOWN = Matcher({"case": JANE})
#: The same people for each engine: a matcher asks its own gate first, so what one gate misses only the other one tells.
_PETROV = {"case": (selector("name", "Петров-Х"),)}
PETROV, PETROV_BY_THE_OTHER = Matcher(_PETROV), Matcher(_PETROV, "ahocorasick")
SURROUNDINGS = st.binary(max_size=12)
ENCODERS = st.sampled_from((base64.b64encode, base64.urlsafe_b64encode))


@given(st.from_regex(r"[a-z0-9.+]{2,6}@[a-z]{2,4}\.de", fullmatch=True), st.randoms(use_true_random=False), SURROUNDINGS, SURROUNDINGS, ENCODERS)
@settings(deadline=None)
def test_a_short_text_is_seen_in_base64_between_any_bytes(text: str, random: object, before: bytes, after: bytes, encode: object) -> None:
    mixed = "".join(letter.upper() if random.random() < 0.5 else letter for letter in text)  # type: ignore[attr-defined]  # hypothesis' own Random
    digits = encode(before + mixed.encode() + after).decode()  # type: ignore[operator]  # one of two functions
    assert any(re.search(pattern, digits) for pattern in spelt.of_short(text))


@given(st.sampled_from(("j@web.de", "J@Web.DE")), SURROUNDINGS, SURROUNDINGS, st.sampled_from(("utf-8", "utf-16-le")), st.booleans())
@settings(deadline=None)
def test_a_short_text_is_seen_in_hex_between_any_bytes(text: str, before: bytes, after: bytes, charset: str, is_upper: bool) -> None:
    digits = (before + text.encode(charset) + after).hex()
    digits = digits.upper() if is_upper else digits
    assert any(re.search(pattern, digits) for pattern in spelt.of_short("j@web.de"))


@given(SURROUNDINGS, SURROUNDINGS, st.sampled_from(("utf-8", "cp1252", "utf-16-le", "utf-16-be")), st.sampled_from(("NFC", "NFD")), ENCODERS)
@settings(deadline=None)
def test_a_word_beyond_ascii_is_seen_in_any_charset(before: bytes, after: bytes, charset: str, form: Literal["NFC", "NFD"], encode: object) -> None:
    written = unicodedata.normalize("NFC" if charset == "cp1252" else form, "Müller")
    digits = encode(before + written.encode(charset) + after).decode()  # type: ignore[operator]  # one of two functions
    assert any(re.search(pattern, digits) for pattern in spelt.of_foreign("Ute Müller"))
    assert any(re.search(pattern, written.encode(charset).hex().upper()) for pattern in spelt.of_foreign("Ute Müller"))


def test_a_digest_is_seen_in_every_writing() -> None:
    digest = hashlib.sha256(b"somebody").digest()
    for written in (digest.hex(), digest.hex().upper(), base64.b64encode(digest).decode(), base64.urlsafe_b64encode(digest).decode()):
        assert any(re.search(pattern, f"x/{written}") for pattern in spelt.of_digest(digest))


@pytest.mark.parametrize("charset", ["utf-8", "cp1252", "utf-16-le"])
@pytest.mark.parametrize("around", [b"\xff\xfe\xfd\xfc\xfb\xfa\xf9", b"\x00\x01\x02", b"plain words "])
def test_a_name_beyond_ascii_inside_a_short_run_of_base64_passes_the_gate(charset: str, around: bytes) -> None:
    data = base64.b64encode(around + "Jürgen Müller".encode(charset) + around)
    assert JURGEN.gate.passes(b"id\t" + data + b"\topen\n")


def test_a_short_address_between_bytes_that_are_no_text_passes_the_gate() -> None:
    for shift in range(3):
        data = base64.b64encode(b"\xff" * (9 + shift) + b"j@web.de" + b"\xee" * 9)
        assert JURGEN.gate.passes(b"7\t" + data + b"\n")


@pytest.mark.parametrize("digits", ["ff6a6f40782e696fff", "fffc4A4F40582E494Fffeb", base64.b64encode(b"fb\nfffc6a6f40782e696ffffeb\nb").decode()])
def test_a_very_short_address_in_hex_passes_the_gate(digits: str) -> None:
    assert SHORT.gate.passes_text(f"fb {digits} ok")
    assert SHORT.spans(f"fb {digits} ok")


def test_in_a_crowd_names_beyond_ascii_are_still_seen_in_base64() -> None:
    data = base64.b64encode("… ".encode() + "Zoë Groß17".encode() + b" \xc2\xa0\xc2\xa0\xc2\xa0")
    assert CROWD.gate.passes(b"1\t" + data + b"\n")


def test_keys_hashes_and_tokens_of_other_people_do_not_pass() -> None:
    rows = []
    for number in range(3000):
        digest = hashlib.sha256(str(number).encode()).digest()
        key = digest.hex()
        rows.append(f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:32]}\t{key}\t{base64.urlsafe_b64encode(digest[:24]).decode()}")
    assert not KNOWN.gate.passes("\n".join(rows).encode())


@given(st.binary(min_size=20, max_size=120), st.integers(0, 60))
@settings(deadline=None)
def test_an_address_in_a_wrapped_block_passes_wherever_the_lines_break(noise: bytes, at: int) -> None:
    data = base64.encodebytes(noise[:at] + b"jane.doe@example.com" + noise[at:])
    assert KNOWN.gate.passes(b"Content-Transfer-Encoding: base64\n\n" + data + b"\n--")


@pytest.mark.parametrize("end", ["\n", "\r\n\t"])
@pytest.mark.parametrize("behind", [" and more", "\n", "; a"])
@pytest.mark.parametrize("way", [bytes.hex, lambda data: base64.b64encode(data).decode()], ids=["hex", "base64"])
def test_a_name_beyond_ascii_is_seen_where_a_line_of_digits_ends_in_it(way: Callable[[bytes], str], end: str, behind: str) -> None:
    others = " ".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(9))
    digits = way("ééééééééé Петров-Х".encode())
    texts = [f"{others} {digits[:cut]}{end}{digits[cut:]}{behind}" for cut in range(32, len(digits) - 1)]
    assert [PETROV.gate.passes_text(text) for text in texts] == [bool(PETROV_BY_THE_OTHER.spans(text)) for text in texts]
    assert any(PETROV.spans(text) for text in texts)


@example(["decimal", "as it is", "hex", "as it is", "as it is", "decimal", *["as it is"] * 7], b"", base64.b64encode)
@given(st.lists(st.sampled_from(("as it is", "decimal", "hex", "json")), min_size=13, max_size=13), SURROUNDINGS, ENCODERS)
@settings(deadline=None)
def test_entities_among_letters_beyond_ascii_are_undone_in_base64(ways: list[str], before: bytes, encode: object) -> None:
    said: dict[str, Callable[[str], str]] = {
        "as it is": str,
        "decimal": lambda letter: f"&#{ord(letter)};",
        "hex": lambda letter: f"&#x{ord(letter):x};",
    }
    said["json"] = lambda letter: f"\\u{ord(letter):04x}"
    name = "".join(said[way](letter) for way, letter in zip(ways, "Анна Петров-Х", strict=True))
    text = encode(before + name.encode()).decode()  # type: ignore[operator]  # one of two functions
    assert bool(ANNA_BY_THE_OTHER.spans(text)) <= ANNA.gate.passes_text(text)


@given(st.integers(0, 40), st.sampled_from(("\n", "\r\n", "\r\n\t")), st.sampled_from(("hex", "base64")))
@settings(deadline=None)
def test_a_digest_is_seen_where_a_line_of_digits_ends_in_it(before: int, end: str, written: str) -> None:
    digest = hashlib.sha256(b"j@web.de").digest()
    digits = digest.hex() if written == "hex" else base64.urlsafe_b64encode(digest).decode()
    line = "z" * (64 - before)
    text = f"of {line}{digits[:before]}{end}{digits[before:]} and more"
    assert JURGEN.gate.passes_text(text)


@pytest.mark.parametrize("other", ["", "4NqakPOGAW4P8ESUKyWq2NQdofv6YJ4aeyr4 ", "53bf1cafe1100d0aff ", "QUFBQUFBQUFBAAAAAAAAAAA= "])
def test_wide_characters_in_base64_of_base64_pass_whatever_other_runs_say(other: str) -> None:
    inner = base64.b64encode("j@web.de".encode("utf-16-le"))
    assert JURGEN.gate.passes_text(f"{other}{base64.b64encode(inner).decode()}\r\n-end")
