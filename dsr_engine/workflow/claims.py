"""Identifiers as people write them, and which of them nobody could be found by. No message repeats a value."""

from collections.abc import Iterable

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.selector import Secret
from dsr_engine.spec.selector_kinds import check_kind
from dsr_engine.workflow.intake import Claim

#: A telephone number has at least so many digits.
_LEAST_DIGITS = 5


def claims_of(pairs: Iterable[tuple[str, str]]) -> tuple[Claim, ...]:
    """The identifiers of these kinds and values. Raises `InputWrong` for none at all, an unknown kind, and for what cannot be searched for."""
    claims = tuple(Claim(check_kind(kind.strip()), Secret(value.strip())) for kind, value in pairs)
    if not claims:
        raise InputWrong("no identifier was given", code="case.no_selector", hint="name at least one: an e-mail address is the surest")
    for claim in claims:
        refuse_unusable(claim)
    return claims


def doubts_of(claims: Iterable[Claim]) -> tuple[str, ...]:
    """What is worth knowing before somebody relies on these identifiers, in sentences."""
    phones = (claim.value.reveal().strip() for claim in claims if claim.kind == "phone")
    if any(not phone.startswith(("+", "00")) for phone in phones):
        return ("A telephone number without its country code is not found where it is written with one: add it in the form +49 30 … if it is known.",)
    return ()


def refuse_unusable(claim: Claim) -> None:
    """Raises `InputWrong` for an identifier that would be found nowhere, or everywhere."""
    text = claim.value.reveal().strip()
    if claim.kind == "email" and (not 0 < text.find("@") < len(text) - 1 or any(map(str.isspace, text))):
        raise InputWrong("what was given as e-mail address is none", code="option.email", hint="write it as name@domain")
    if claim.kind == "phone" and sum(character.isdigit() for character in text) < _LEAST_DIGITS:
        raise InputWrong("what was given as telephone number has fewer than five digits", code="option.phone", hint="write the whole number")
    if len(text) < 2:
        raise InputWrong(f"the {claim.kind} is too short to search for", code="option.short", hint="one character would be found everywhere")
