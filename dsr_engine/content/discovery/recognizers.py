"""Recognises personal data of nobody in particular by its shape, as `forms` knows the ways of writing the identifiers of one person.

For drafts only. One value proves nothing: whoever asks looks at many values of one field. Every recogniser is plain code or RE2 and takes time
that is linear in the length of the value, which is cut; none raises, whatever the value is.
"""

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dsr_engine.content.discovery.identity_numbers import PLAIN, TAX_NUMBERS, TELLING, is_card_number, is_iban
from dsr_engine.content.discovery.national_numbers import PLAIN_ELSEWHERE, TAX_NUMBERS_ELSEWHERE, TELLING_ELSEWHERE
from dsr_engine.content.discovery.person_shapes import (
    birth_date_likelihood,
    coordinates_likelihood,
    gender_likelihood,
    language_likelihood,
    name_likelihood,
    phone_likelihood,
    postcode_likelihood,
    street_likelihood,
)
from dsr_engine.content.discovery.web_shapes import is_cookie_header, is_mac_address, is_profile_url, is_user_agent, is_uuid
from dsr_engine.content.email_shape import is_email

#: Characters of a value that are looked at; identifiers are far shorter, and of a long text the beginning tells that it is one.
LONGEST = 1_000_000
#: Longer than any identifier. What is longer can only be a text.
_LONGEST_IDENTIFIER = 512
#: From this confidence on a value counts as recognised when a field's values are counted.
CLEAR = 0.6
_AROUND_WORDS = '.,;:!?…()[]"„“”»«<>*_–—'


@dataclass(frozen=True, slots=True)
class Recognizer:
    """`says` names what it recognises, in the plural. `category` is None for what is not personal by itself (a UUID, a language, a text).

    `is_validated`: check digits, a grammar or a library vouch for it; else only its looks do.
    """

    name: str
    category: str | None
    says: str
    is_validated: bool
    likelihood: Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a value may be. `confidence` is between 0 and 1 for this value alone."""

    name: str
    category: str | None
    says: str
    is_validated: bool
    confidence: float


def recognized(value: str) -> tuple[Recognition, ...]:
    """Everything that the value may be, the likeliest first; empty if it looks like nothing known. Never raises."""
    cut = value[:LONGEST].strip()
    chosen = RECOGNIZERS if len(cut) <= _LONGEST_IDENTIFIER else _FOR_TEXTS
    found = [
        Recognition(one.name, one.category, one.says, one.is_validated, confidence)
        for one in chosen
        if cut and (confidence := one.likelihood(cut)) > 0
    ]
    return tuple(sorted(found, key=lambda each: -each.confidence))


def is_recognized(name: str, value: str) -> bool:
    """True if the recogniser of this name is clear about the value."""
    cut = value[:LONGEST].strip()
    one = _BY_NAME[name]
    return bool(cut) and (len(cut) <= _LONGEST_IDENTIFIER or one in _FOR_TEXTS) and one.likelihood(cut) >= CLEAR


def recognizer(name: str) -> Recognizer:
    """The recogniser of this name. Raises `KeyError`."""
    return _BY_NAME[name]


def _sure(check: Callable[[str], bool], confidence: float) -> Callable[[str], float]:
    return lambda value: confidence if check(value) else 0.0


def _ip(value: str) -> float:
    """An address, with or without the size of its net. Four small numbers may as well be a version."""
    address, _, size = value.partition("/")
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return 0.0
    if size and not (size.isascii() and size.isdigit() and int(size) <= parsed.max_prefixlen):
        return 0.0
    if isinstance(parsed, ipaddress.IPv6Address):
        return 0.95 if parsed.exploded.count("0000") < 7 or value in ("::1", "::") else 0.5
    looks_like_a_version = all(octet < 32 for octet in parsed.packed)
    return 0.3 if looks_like_a_version else 0.95


def _text(value: str) -> float:
    """Words in a row that are more than a label."""
    words = value[:10_000].split()
    if len(words) < 6 or len(value) < 40:
        return 0.0
    plain = sum(word.strip(_AROUND_WORDS).replace("'", "").replace("’", "").replace("-", "").isalpha() for word in words)
    is_prose = plain * 3 >= len(words) * 2
    return 0.9 if is_prose and (len(words) >= 12 or any(word[-1] in ".!?…" for word in words)) else 0.6 if is_prose else 0.0


_TAX_NUMBERS = TAX_NUMBERS | TAX_NUMBERS_ELSEWHERE
_TAX = "user.government_id.tax_number"
_NATIONAL = "user.government_id.national_identification_number"


def _numbered(kinds: Sequence[tuple[str, Callable[[str], bool]]], confidence: float) -> Iterator[Recognizer]:
    """Recognisers of numbers that a state gives."""
    for name, check in kinds:
        yield Recognizer(name, _TAX if name in _TAX_NUMBERS else _NATIONAL, f"numbers like a {name}", True, _sure(check, confidence))


RECOGNIZERS: tuple[Recognizer, ...] = (
    Recognizer("email", "user.contact.email", "e-mail addresses", True, _sure(is_email, 0.97)),
    Recognizer("iban", "user.financial.bank_account", "IBANs", True, _sure(is_iban, 0.99)),
    Recognizer("card", "user.financial.credit_card", "card numbers", True, _sure(is_card_number, 0.85)),
    *_numbered((*TELLING, *TELLING_ELSEWHERE), 0.9),
    *_numbered((*PLAIN, *PLAIN_ELSEWHERE), 0.6),
    Recognizer("phone", "user.contact.phone_number", "telephone numbers", True, phone_likelihood),
    Recognizer("ip", "user.device.ip_address", "IP addresses", True, _ip),
    Recognizer("mac", "user.device.device_id", "MAC addresses", True, _sure(is_mac_address, 0.95)),
    Recognizer("user agent", "user.device", "browser identifications", False, _sure(is_user_agent, 0.9)),
    Recognizer("cookie", "user.device.cookie", "cookies", False, _sure(is_cookie_header, 0.7)),
    Recognizer("profile", "user.contact.url", "addresses of profiles", False, _sure(is_profile_url, 0.85)),
    Recognizer("uuid", None, "UUIDs", True, _sure(is_uuid, 0.99)),
    Recognizer("street", "user.contact.address.street", "streets with numbers", False, street_likelihood),
    Recognizer("name", "user.name", "names of people", False, name_likelihood),
    Recognizer("birth date", "user.date_of_birth", "dates that may be birthdays", False, birth_date_likelihood),
    Recognizer("postcode", "user.contact.address.postal_code", "postcodes", False, postcode_likelihood),
    Recognizer("coordinates", "user.location.precise", "coordinates", False, coordinates_likelihood),
    Recognizer("gender", "user.demographic.gender", "genders", False, gender_likelihood),
    Recognizer("language", "user.demographic.language", "languages", False, language_likelihood),
    Recognizer("text", None, "longer texts", False, _text),
)
_BY_NAME = {one.name: one for one in RECOGNIZERS}
_FOR_TEXTS = tuple(one for one in RECOGNIZERS if one.name in ("text", "user agent", "cookie"))
assert len(_BY_NAME) == len(RECOGNIZERS)
