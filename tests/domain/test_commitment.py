"""Salted commitments: who has the salt can confirm an identifier, who has not can confirm nothing."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.commitment import canonical, commitment, committed, match_code, matches, salt_of
from dsr_engine.domain.errors import InputWrong

_SALT = bytes(range(16))


def test_the_commitment_is_the_published_formula() -> None:
    text = b"\x02" + _SALT + b"email\x00jane@example.org"
    assert committed(_SALT, "email", "jane@example.org") == hashlib.sha256(text).hexdigest()
    assert committed(_SALT, "email", "jane@example.org") == "915c1a6551faac745a91fd1dba6736549a8da00047c392ea257b55f2466839f9"


def test_the_golden_code_stays_readable() -> None:
    assert match_code(_SALT) == "AAAQE-AYEAU-DAOCA-JBIFQ-YDIOB-4OCPK"


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("email", "  Jane@Example.ORG ", "jane@example.org"),
        ("phone", "+49 (30) 123-45", "+493012345"),
        ("phone", "0049 30 12345", "+493012345"),
        ("phone", "030 12345", "03012345"),
        ("name", "Jane   ROE", "jane roe"),
        ("customer_id", "ＡＢ１２", "ab12"),
    ],
)
def test_one_identifier_has_one_spelling(kind: str, value: str, text: str) -> None:
    assert canonical(kind, value) == text


def test_shared_identifiers_are_committed_to_only_where_there_is_no_other() -> None:
    both = commitment(_SALT, [("email", "jane@example.org"), ("name", "Jane Roe")])
    assert both == committed(_SALT, "email", "jane@example.org")
    assert matches(commitment(_SALT, [("name", "Jane Roe")]), _SALT, "name", "jane roe")
    assert commitment(_SALT, []) == ""


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=16), st.text(min_size=1), st.text(min_size=1))
def test_only_the_right_salt_confirms_an_identifier(salt: bytes, mine: str, other: str) -> None:
    text = commitment(salt, [("email", mine)])
    assert matches(text, salt, "email", mine)
    assert matches(text, salt, "email", other) == (canonical("email", mine) == canonical("email", other))
    assert not matches(text, salt[::-1] + b"x", "email", mine)
    assert not matches(text, b"", "email", mine)


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=16), st.integers(0, 29), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_a_code_survives_handwriting_and_a_slip_is_noticed(salt: bytes, at: int, letter: str) -> None:
    code = match_code(salt)
    assert salt_of(f"  {code.lower().replace('-', ' ')} ") == salt
    letters = list(code.replace("-", ""))
    changed = letters[at] != letter
    letters[at] = letter
    if changed:
        with pytest.raises(InputWrong):
            salt_of("".join(letters))


@pytest.mark.parametrize("text", ["", "hello", "AAAA-AAAA", "Ä" * 29, "A" * 400])
def test_what_is_no_code_is_said_to_be_none(text: str) -> None:
    with pytest.raises(InputWrong) as refused:
        salt_of(text)
    assert refused.value.code == "match.code"
