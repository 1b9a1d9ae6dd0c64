"""Shortcuts through runs of digits: what they pass over says nothing, and what they decode is what each run says by itself."""

import base64
import binascii
import hashlib
import re
from functools import cache
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.automaton import Hyperscan
from dsr_engine.content.digit_runs import run_digests, runs
from dsr_engine.content.glance import Glance
from dsr_engine.content.match import Matcher
from dsr_engine.content.signs import FewDigests, decoded
from dsr_engine.content.vocabulary import Vocabulary
from tests.content.people import JANE, selector

ADDRESS = "jane.doe@example.com"
_KINDS = (hashlib.md5, hashlib.sha1, hashlib.sha256)
VOCABULARY = Vocabulary({"case": JANE})
GATE = Matcher({"case": (selector("email", ADDRESS),)}).gate


def _unpadded(digest: bytes) -> str:
    return base64.b64encode(digest).decode().rstrip("=")


def _loose(digits: str) -> str:
    """The same digest, with bits set that say nothing."""
    return digits[:-1] + chr(ord(digits[-1]) + 1)


_digest = st.sampled_from([kind(ADDRESS.encode()).digest() for kind in _KINDS])
_written = st.one_of(
    _digest.map(bytes.hex),
    _digest.map(lambda digest: digest.hex().upper()),
    _digest.map(_unpadded),
    _digest.map(_unpadded).map(_loose),
    _digest.map(lambda digest: _unpadded(digest).replace("+", "-").replace("/", "_")),
    _digest.map(lambda digest: _unpadded(digest)[:9] + "\n" + _unpadded(digest)[9:]),
)
_plain = st.sampled_from((ADDRESS, "hello, nobody", "é ü", ""))
_digits = st.one_of(
    st.binary(max_size=60).map(lambda data: base64.b64encode(data).decode()),
    st.binary(max_size=30).map(bytes.hex),
    _plain.map(lambda text: base64.b64encode(text.encode() * 3).decode()),
    st.sampled_from(("+", "/", "-", "=", "==", " ", "\n", "\r\n", "\n ", "\n\t", "\0", "x" * 40, "deadbeef-dead-beef-dead-beefdeadbeef")),
    _written,
)
_texts = st.lists(_digits, max_size=8).map("".join)


@cache
def _few() -> FewDigests:
    return FewDigests(VOCABULARY.known_digests)


def _one_by_one(text: str) -> list[bytes]:
    """What `decoded` gives, run by run and as the definition says."""
    found = [run.digits for run in runs(text)]
    spelt = [digits for digits in found if not re.fullmatch("[0-9A-Fa-f-]{16,71}", digits)]
    said = []
    for shift in range(4) if spelt else ():
        pieces = []
        for digits in spelt:
            usable = digits[shift:].replace("-", "+").replace("_", "/")
            usable = usable[:-1] if len(usable) % 4 == 1 else usable
            pieces.append(binascii.a2b_base64(usable + "=" * (-len(usable) % 4)))
        said.append(b"\0\n".join(pieces))
    pairs = [digits for run in found for digits in re.findall("[0-9A-Fa-f]{16,}", run)]
    for shift in (0, 1) if pairs else ():
        said.append(b"\0\n".join(bytes.fromhex(digits[shift:][: len(digits[shift:]) // 2 * 2]) for digits in pairs))
    return said


@given(_texts)
@settings(deadline=None, max_examples=400)
def test_all_runs_together_say_what_each_says_by_itself(text: str) -> None:
    assert list(decoded(text)) == _one_by_one(text)


@pytest.mark.skipif(not isinstance(VOCABULARY.automaton, Hyperscan), reason="patterns are Hyperscan's")
@given(_texts)
@settings(deadline=None, max_examples=400)
def test_no_digest_is_passed_over(text: str) -> None:
    seen = [digest for digest, _, _ in run_digests(text, VOCABULARY._digest_starts) if digest in VOCABULARY.known_digests]
    assert not seen or _few().may_be_in(text.encode())


@given(st.lists(st.one_of(_written, _digits, st.sampled_from(("+", "+abc", "x+y", " word" * 90))), max_size=8).map("".join))
@settings(deadline=None, max_examples=300)
def test_broken_runs_are_not_looked_into_again_and_nothing_is_missed_by_it(text: str) -> None:
    """Where each `+` is read as a space, runs are parts of those that were judged before."""
    passes = GATE.passes_text(text)
    with mock.patch.object(Glance, "_may_have_digest", return_value=True):
        assert passes == GATE.passes_text(text)
