"""What one engine finds, the other finds: a matcher asks its own gate first, so what a gate misses shows only beside the other one.

The texts are what files look like in bad hands: encodings in encodings, wrapped and folded anywhere, amid digits, bytes and other scripts.
"""

import base64
import hashlib
import random
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.match import Matcher
from dsr_engine.domain.selector import Selector
from tests.content.people import selector

PEOPLE: tuple[tuple[Selector, ...], ...] = (
    (selector("email", "ida.lindqvist@example.org"), selector("name", "Ida Lindqvist"), selector("phone", "+49 30 901820")),
    (selector("email", "jo@x.io"), selector("name", "Jörg Müller"), selector("customer_id", "A-77123")),
    (selector("name", "Анна Петрова"), selector("email", "anna@пример.рф")),
)
ENDS = ("\n", "\r\n", "\n ", "\r\n\t", "\n  ")
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@cache
def matchers(person: int) -> tuple[Matcher, Matcher]:
    return Matcher({"case": PEOPLE[person]}, "hyperscan"), Matcher({"case": PEOPLE[person]}, "ahocorasick")


def wrapped(chance: random.Random, digits: str) -> str:
    width, end = chance.choice((32, 40, 60, 64, 72, 76, 100, 10**6)), chance.choice(ENDS)
    return end.join(digits[at : at + width] for at in range(0, len(digits), width))


def letters(chance: random.Random, data: bytes, said: Callable[[str], str], share: float) -> str:
    """Some of the characters written in another way."""
    return "".join(said(letter) if chance.random() < share else letter for letter in data.decode("utf-8", "replace"))


def escaped(chance: random.Random, data: bytes, sign: str) -> str:
    return "".join(f"{sign}{code:02X}" if code > 127 or chance.random() < 0.4 else chr(code) for code in data)


def words(chance: random.Random, most: int) -> bytes:
    return bytes(chance.choices(b"abc def\n", k=chance.randrange(most)))


WAYS: tuple[Callable[[random.Random, bytes], str], ...] = (
    lambda chance, data: wrapped(chance, base64.b64encode(words(chance, 80) + data + words(chance, 200)).decode()),
    lambda _, data: base64.urlsafe_b64encode(data).decode(),
    lambda _, data: base64.b64encode(data).decode().rstrip("="),
    lambda chance, data: wrapped(chance, data.hex()),
    lambda _, data: data.hex().upper(),
    lambda chance, data: escaped(chance, data, "="),
    lambda chance, data: escaped(chance, data, "%"),
    lambda chance, data: letters(chance, data, lambda letter: f"&#{ord(letter)};", 0.3),
    lambda chance, data: letters(chance, data, lambda letter: f"&#x{ord(letter):x};", 0.3),
    lambda chance, data: letters(chance, data, lambda letter: f"\\u{ord(letter) & 0xFFFF:04x}", 0.4),
    lambda _, data: hashlib.md5(data.lower(), usedforsecurity=False).hexdigest(),
    lambda chance, data: wrapped(chance, base64.b64encode(hashlib.sha256(data.lower()).digest()).decode()),
    lambda _, data: base64.b64encode(data.decode("utf-8", "replace").encode("utf-16-le")).decode(),
)

NOISE: tuple[Callable[[random.Random], bytes], ...] = (
    lambda chance: words(chance, 200),
    lambda chance: wrapped(chance, "".join(chance.choices(DIGITS, k=chance.randrange(400)))).encode(),
    lambda chance: b"http://x.example/?t=" + "".join(chance.choices(DIGITS, k=chance.randrange(15, 60))).encode() + b"&u=%20%41",
    lambda chance: chance.randbytes(chance.randrange(30)).hex().encode(),
    lambda chance: "é ü ß ñ naïve 日本 ".encode(chance.choice(("utf-8", "latin-1")), "replace"),
    lambda chance: b"<td>&nbsp;&amp;x</td>\r\n" * chance.randrange(5),
    lambda chance: chance.choice((b"=", b"==", b"-", b"\n", b"\r\n", b" ", b"\t", b"<", b'"', b"A" * 60)),
    lambda chance: chance.randbytes(chance.randrange(40)),
    lambda chance: b"short" * chance.randrange(20),
)


def planted(chance: random.Random, person: int) -> bytes:
    value = chance.choice(PEOPLE[person]).value.reveal()
    said = chance.choice((value, value.upper(), value.lower(), value.title())).encode(chance.choice(("utf-8", "utf-8", "cp1252")), "replace")
    for _ in range(chance.choice((0, 1, 1, 2))):
        said = chance.choice(WAYS)(chance, said).encode()
    if chance.random() < 0.3:
        said = said.replace(b" ", chance.choice((b"\n> ", b"\r\n>> ", b";", b"</td><td>", b" | ", b"\t")))
    return said[:5] + chance.choice((b"\n ", b"\r\n\t")) + said[5:] if chance.random() < 0.2 else said


def text(seed: int, person: int) -> str:
    chance = random.Random(seed)  # test data
    parts = [chance.choice(NOISE)(chance) for _ in range(chance.randrange(1, chance.choice((3, 8, 60))))]
    parts.insert(chance.randrange(len(parts) + 1), planted(chance, person))
    return chance.choice((b"", b" ", b"\n", b"\r\n", b";")).join(parts).decode("utf-8", "surrogateescape")


@given(st.integers(0, 2**32), st.integers(0, len(PEOPLE) - 1))
@settings(deadline=None)
def test_both_engines_find_the_same(seed: int, person: int) -> None:
    said = text(seed, person)
    one, other = (matcher.spans(said) for matcher in matchers(person))
    assert one == other


@pytest.mark.parametrize("person", range(len(PEOPLE)))
def test_most_of_these_texts_hold_somebody(person: int) -> None:
    found = sum(bool(matchers(person)[1].spans(text(seed, person))) for seed in range(60))
    assert 10 < found < 60
