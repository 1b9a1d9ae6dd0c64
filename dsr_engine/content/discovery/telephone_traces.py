"""Telephone numbers in texts: which of the many rows of digits somebody may dial, by libphonenumber, by how they are written and by words near."""

import re
from functools import cache
from typing import Any

import phonenumbers

from dsr_engine.content.discovery.trace_kinds import words_of

#: A row of digits as numbers are written, with an extension. Bounded, and of characters that cannot be read in two ways: linear.
RUN = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9A-Za-z][-./_])(?<![0-9]:)(?:\+ ?|00)?\(?\+?[0-9](?:[0-9]|[() ./-]{1,3}(?=[0-9(])){5,24}(?<=[0-9])"
    r"(?: ?(?:x|ext\.? ?|app\.? ?)[0-9]{1,6})?(?![0-9A-Za-z])(?![-./_][0-9])"
)
#: Plans in which a number without a country code is tried; the common ones of Europe, America and Asia.
_REGIONS = ("US", "GB", "DE", "FR", "IN", "ES", "IT", "NL", "PT", "BR", "CH", "AT", "BE", "MX", "AU", "SE", "PL", "IE", "IL", "ZA", "DK", "NO")
#: What people write and numbering systems do not: a trunk zero, an area code in brackets, or groups of three, three and four.
_WRITTEN = re.compile(r"0[1-9].*|\(.*|[2-9][0-9]{2}([ .-])[0-9]{3}\1[0-9]{4}.*|1[ .-][2-9][0-9]{2}([ .-])[0-9]{3}\2[0-9]{4}")
#: Dates and times, decimals, thousands, addresses of the network: rows of digits that nobody dials.
_NOT_DIALLED = re.compile(
    r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{2,4}(?:[ .].*)?|[0-9]{1,4}\.[0-9]+|[0-9]{1,3}(?:[ .][0-9]{3}){1,4}(?:\.[0-9]+)?"
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}.*|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]+"
)
WORDS = words_of(
    "phone,phones,telephone,tel,mobile,cell,cellphone,call,called,calls,calling,fax,whatsapp,sms,text me,dial,ring,reach me,contact,hotline,signal,"
    "desk,office,answering,answer,phoning,messages,registered,voicemail,landline,home,work,"
    "telefon,telefonnummer,handy,handynummer,mobil,mobilnummer,rufnummer,anrufen,durchwahl,téléphone,portable,fixe,appeler,joindre,"
    "teléfono,telefono,móvil,movil,celular,llamar,cellulare,chiamare,telefone,telemóvel,ligar,telefoon,telefoonnummer,mobiel,bellen,gsm,"
    "puhelin,puh,tlf,tlf.,mob,numer,komórka,телефон,тел,电话,手机,電話,전화"
)
_EXTENSION = re.compile(r" ?(?:x|ext|app).*")


def telephone_confidence(run: str, *, has_word: bool) -> float:
    """How likely the run of digits is a telephone number: between 0 and 1; 0 where nothing speaks for it."""
    bare = run.strip()
    digits = sum(character.isdigit() for character in bare)
    if not 6 <= digits <= 21 or len(set(bare) & set("0123456789")) == 1:
        return 0.0
    plain = bare.replace("(+", "+").lstrip("(") if bare.startswith("(+") else bare
    if plain.startswith(("+", "00")):
        return _international("+" + plain.removeprefix("+").removeprefix("00").strip(), has_word=has_word)
    if not has_word and _NOT_DIALLED.fullmatch(bare):
        return 0.0
    return _national(bare, has_word=has_word)


def _international(number: str, *, has_word: bool) -> float:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return 0.4 if has_word else 0.0
    if phonenumbers.is_valid_number(parsed):
        return 0.95
    # Its country is known and its plan refuses it: mistyped or made up, but written to be dialled.
    return 0.6 if has_word else 0.45


def _national(run: str, *, has_word: bool) -> float:
    is_grouped = not _EXTENSION.sub("", run).isdigit()
    is_written = _WRITTEN.fullmatch(run) is not None
    if not has_word and not (is_grouped and is_written):
        return 0.3 if is_written and _is_in_a_plan(run) else 0.0
    if not is_written and not _is_in_a_plan(run):
        return 0.45 if has_word else 0.0
    if _is_in_a_plan(run):
        return 0.9 if has_word and is_written else 0.75 if is_written else 0.65
    return 0.6 if has_word else 0.35


def _is_in_a_plan(run: str) -> bool:
    bare = "".join(character for character in _EXTENSION.sub("", run) if character.isdigit())
    return any(_fits(bare, region) and _is_valid(run, region) for region in _REGIONS)


def _fits(bare: str, region: str) -> bool:
    """A cheap look before libphonenumber's: the digits, with or without the trunk prefix, against the plan as a whole."""
    pattern, prefix, lengths = _plan(region)
    shorter = bare[len(prefix) :] if prefix and bare.startswith(prefix) else bare
    return any(len(number) in lengths and pattern.fullmatch(number) for number in {bare, shorter})


@cache
def _plan(region: str) -> tuple[re.Pattern[str], str, frozenset[int]]:
    metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region(region)
    return (
        re.compile(metadata.general_desc.national_number_pattern),
        metadata.national_prefix or "",
        frozenset(metadata.general_desc.possible_length),
    )


def _is_valid(number: str, region: str) -> bool:
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(number, region)))
    except phonenumbers.NumberParseException:
        return False
