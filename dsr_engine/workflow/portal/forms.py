"""What a form of the portal may hold: checked before anything is done with it, and written so that it can be sealed."""

import json
import re
from collections.abc import Mapping

from dsr_engine.certificate.letter import languages
from dsr_engine.delivery.addresses import address_of
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.portal import Asked, Who
from dsr_engine.domain.request import Right
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.claims import refuse_unusable
from dsr_engine.workflow.intake import Claim
from dsr_engine.workflow.portal.laws import PLACES
from dsr_engine.workflow.portal.texts import is_strange, plain

#: The rights that the portal offers, in the order of its page.
RIGHTS = (Right.ERASURE, Right.ACCESS, Right.CORRECTION, Right.RESTRICTION, Right.OBJECTION, Right.PORTABILITY, Right.OPT_OUT)
#: Fields with how many characters they may hold.
FIELDS: Mapping[str, int] = {"email": 254, "phone": 40, "name": 200, "number": 100, "more": 2000, "own_name": 200, "own_email": 254}
_ADDRESSES = ("email", "own_email")
_KINDS = {"email": "email", "phone": "phone", "name": "name", "number": "customer_id"}
#: A name stands in a mail to somebody who has not asked for it: it must lead nowhere.
_NO_NAME = re.compile(r"[/@:<>\\]|www\.|[^\s.]{2}\.[^\W\d_]{2}", re.IGNORECASE)
#: Without a text these cannot be answered: what is wrong, and what is right.
_NEED_TEXT = frozenset({Right.CORRECTION})


def asked_from(fields: Mapping[str, str], language: str) -> Asked:
    """The request of a form. What is none of the choices becomes the first of them."""
    right = next((right for right in RIGHTS if right.value == fields.get("what")), RIGHTS[0])
    who = next((who for who in Who if who.value == fields.get("who")), Who.SELF)
    place = fields.get("where", "") if fields.get("where", "") in PLACES else ""
    values = {name: Secret(" ".join(plain(fields.get(name, "")).split())) for name in FIELDS if name != "more"}
    return Asked(right, who, language, place, **values, more=Secret(plain(fields.get("more", ""))))


def problems_of(asked: Asked, *, is_unverified: bool) -> dict[str, str]:
    """Field → what is wrong with it, as a key of the portal's texts; empty if the request can be taken."""
    problems = {}
    for name, most in FIELDS.items():
        value = getattr(asked, name).reveal()
        problem = _too_much(value, most) or (_unusable(name, value) if value else "")
        if problem:
            problems[name] = problem
    for name in _demanded(asked, is_unverified=is_unverified):
        if not getattr(asked, name).reveal():
            problems[name] = "wrong.missing"
    if not asked.identifiers and "email" not in problems:
        problems["email"] = "wrong.nobody"
    return problems


def _demanded(asked: Asked, *, is_unverified: bool) -> tuple[str, ...]:
    demanded = ["own_name", "own_email"] if asked.who is not Who.SELF else [] if is_unverified else ["email"]
    if asked.who is Who.AGENT and not is_unverified:
        demanded.append("email")  # the person is asked whether the agent acts for them
    if asked.right in _NEED_TEXT:
        demanded.append("more")
    return tuple(demanded)


def _too_much(value: str, most: int) -> str:
    if len(value) > most:
        return "wrong.long"
    return "wrong.letters" if is_strange(value) else ""


def _unusable(name: str, value: str) -> str:
    if name == "own_name" and _NO_NAME.search(value):
        return "wrong.name"
    try:
        if name in _ADDRESSES:
            address_of(value)
        if name in _KINDS:
            refuse_unusable(Claim(_KINDS[name], Secret(value)))
    except InputWrong as error:
        return {"post.address": "wrong.email", "option.email": "wrong.email", "option.phone": "wrong.phone"}.get(error.code, "wrong.short")
    return ""


def to_bytes(asked: Asked) -> bytes:
    body = {"right": asked.right.value, "who": asked.who.value, "language": asked.language, "place": asked.place}
    return json.dumps(body | {name: getattr(asked, name).reveal() for name in FIELDS}).encode()


def from_bytes(body: bytes) -> Asked:
    read = json.loads(body)
    return Asked(Right(read["right"]), Who(read["who"]), read["language"], read["place"], **{name: Secret(read[name]) for name in FIELDS})


def letters_language(asked: Asked, home_languages: tuple[str, ...] = ()) -> str:
    """The language of letters to this requester: that of the pages, where letters are written in it."""
    return asked.language if asked.language in (home_languages or languages()) else ""
