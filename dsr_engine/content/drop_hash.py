"""The Delete Request and Opt-out Platform's standardisation and hashes: SHA-256 over UTF-8, in Base64, without a salt.

Rules: DROP Data Broker API 1.2.0, "Standardization and Hashing". A wrong rule looks like perfect compliance, because then nobody is ever found; so
the agency's own examples ship with the code (`drop_vectors.py`) and whoever hashes calls `self_test` first.
"""

import base64
import hashlib
import re
from functools import lru_cache

from dsr_engine.content.drop_names import name_forms, standard_name
from dsr_engine.content.drop_vectors import COMPOSITES, HASHES
from dsr_engine.domain.errors import NotVerified

#: The version of the agency's rules that this is. Another version means another comparison of everything that is kept.
RULES = "1.2.0"

_NO_DIGIT = re.compile(r"[^0-9]")
_NO_SIGN = re.compile(r"[^0-9A-Za-z]")
_NO_HEX = re.compile(r"[^0-9A-Fa-f]")
_PLUS_FOUR = re.compile(r"\s*([0-9]{5})[-\s\u2010-\u2015]?[0-9]{4}\s*")
_DATE = re.compile(r"[0-9]{8}")


def email(text: str) -> str:
    """All white space out, small letters; dots and plus tags stay. Each of these functions gives an empty text for what cannot be on a list."""
    return "".join(text.split()).lower()


def phone(text: str) -> str:
    """Digits only, the last ten of them."""
    return _NO_DIGIT.sub("", text)[-10:]


def zip_code(text: str) -> str:
    """Without the +4 of a ZIP+4, without leading zeros, in small letters, at most five signs."""
    long = _PLUS_FOUR.fullmatch(text)
    return _NO_SIGN.sub("", long[1] if long else text).lower().lstrip("0")[:5]


def birth_date(text: str) -> str:
    """`YYYYMMDD`, of a date that is written so, with or without hyphens."""
    plain = text.strip().replace("-", "")
    return plain if _DATE.fullmatch(plain) else ""


def maid(text: str) -> str:
    """A mobile advertising identifier: 32 hexadecimal digits."""
    found = _NO_HEX.sub("", text).lower()
    return found if len(found) == 32 else ""


def vin(text: str) -> str:
    """A vehicle identification number: 17 signs."""
    found = _NO_SIGN.sub("", text).lower()
    return found if len(found) == 17 else ""


def ctvid(text: str) -> str:
    """The identifier of a television: 8 to 32 signs."""
    found = _NO_SIGN.sub("", text).lower()
    return found if 8 <= len(found) <= 32 else ""


def hashed(standard: str) -> str:
    """The 44 signs that stand for a standardised value."""
    return base64.b64encode(hashlib.sha256(standard.encode()).digest()).decode()


@lru_cache(maxsize=200_000)
def _part(standard: str) -> str:
    return hashed(standard)


def composite(*standards: str) -> str:
    """The hash of the hashes of several standardised values, one behind the other.

    NDZ: first name, last name, birth date, ZIP. NameVIN: first name, last name, VIN.
    """
    return hashed("".join(map(_part, standards)))


_STANDARDS = {
    "email": email,
    "phone": phone,
    "zip": zip_code,
    "birth_date": birth_date,
    "name": standard_name,
    "maid": maid,
    "vin": vin,
    "ctvid": ctvid,
}


def self_test() -> None:
    """Raises `NotVerified` (`drop.self_test`) unless every vector comes out as the agency publishes it. Nobody may be compared then."""
    for kind, raw, standard, wanted in HASHES:
        if _STANDARDS[kind](raw) != standard or hashed(standard) != wanted:
            raise _wrong(kind)
    for kinds, raws, wanted in COMPOSITES:
        if composite(*(_STANDARDS[kind](raw) for kind, raw in zip(kinds, raws, strict=True))) != wanted:
            raise _wrong("+".join(kinds))
    if "\u1100" in standard_name("\uac00") or len(name_forms("\uac00")) != 2:
        raise _wrong("name")


def _wrong(kind: str) -> NotVerified:
    return NotVerified(
        f"the hashes of DROP rules {RULES} do not come out right here ({kind}): nobody is compared, for everybody would be reported as not found",
        code="drop.self_test",
        hint="this installation is damaged, or its Python's Unicode tables differ; install it anew and try again",
    )
