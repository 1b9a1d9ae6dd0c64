"""The link between a certificate and a person that only the person and the request log can make.

For each identifier of the request the certificate carries SHA-256(0x02 ‖ salt ‖ kind ‖ 0x00 ‖ canonical identifier). The salt is 128 random bits of
the case: without it a list of all e-mail addresses of the world confirms nothing. It goes to the person as a match code, and sealed into the row of
the request log; in the certificate, the ledger and the other rows it never stands.
"""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterable

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.selector import WEAK_KINDS

_PREFIX = b"\x02"
SALT_BYTES = 16
#: A page has room for so many; a request with more commits to the first in the order of their kinds.
MOST = 12
#: 128 bits and a check of 22 make 30 letters of 5 bits.
_CHECK_BITS = 22
_LETTERS, _GROUP = 30, 5
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LOOK_ALIKES = str.maketrans("018", "OIB")
_NOT_A_CODE = re.compile(r"[\s\-‐‑–_.]+")


def canonical(kind: str, value: str) -> str:
    """The one spelling in which an identifier is committed to. It must never change: certificates are compared years later.

    Unicode NFKC, case folded. Telephone numbers: the digits, with `+` if it began with one (`00` counts as `+`). E-mail addresses and all others:
    without white space at the ends, inner white space as one space.
    """
    text = " ".join(unicodedata.normalize("NFKC", value).casefold().split())
    if kind != "phone":
        return text
    digits = "".join(character for character in text if character.isdecimal())
    if text.startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def new_salt() -> bytes:
    return secrets.token_bytes(SALT_BYTES)


def committed(salt: bytes, kind: str, value: str) -> str:
    """The commitment (hex) to one identifier."""
    return hashlib.sha256(_PREFIX + salt + kind.encode() + b"\0" + canonical(kind, value).encode()).hexdigest()


def commitment(salt: bytes, identifiers: Iterable[tuple[str, str]]) -> str:
    """What a certificate carries: the commitments to a request's identifiers (kind, value), in an order that says nothing, a space between two.

    Identifiers that many people share (names, telephones) are committed to only where there are no others. Empty where there is none at all.
    """
    known = sorted(set(identifiers))
    strong = [(kind, value) for kind, value in known if kind not in WEAK_KINDS]
    return " ".join(sorted(committed(salt, kind, value) for kind, value in (strong or known)[:MOST]))


def matches(text: str, salt: bytes, kind: str, value: str) -> bool:
    """True if one of the commitments in a certificate is to this identifier."""
    return committed(salt, kind, value) in text.split()


def match_code(salt: bytes) -> str:
    """The salt as a person can copy it: six groups of letters and digits (base32, RFC 4648), the last ones a check against slips."""
    number = int.from_bytes(salt) << _CHECK_BITS | _check(salt)
    text = "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_LETTERS - 1), -1, -5))
    return "-".join(text[at : at + _GROUP] for at in range(0, _LETTERS, _GROUP))


def salt_of(code: str) -> bytes:
    """The salt in a match code, in any case and with any separators. Raises `InputWrong` for one that was not copied rightly."""
    text = _NOT_A_CODE.sub("", code).upper().translate(_LOOK_ALIKES)
    if len(text) == _LETTERS and set(text) <= set(_ALPHABET):
        number = 0
        for letter in text:
            number = number << 5 | _ALPHABET.index(letter)
        salt = (number >> _CHECK_BITS).to_bytes(SALT_BYTES)
        if number & (1 << _CHECK_BITS) - 1 == _check(salt):
            return salt
    raise InputWrong("that is not a match code", code="match.code", hint="copy it from the letter as it stands: six groups of five characters")


def _check(salt: bytes) -> int:
    return int.from_bytes(hashlib.sha256(_PREFIX + salt).digest()) >> 256 - _CHECK_BITS
