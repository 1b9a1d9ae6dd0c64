"""Checks numbers that states, banks and card schemes give to people: by their check digits, so that an order number is not taken for one.

Each check says where its rule is written. All take a value as people write it (spaces, dots, dashes), are linear in its length, and refuse anything
longer than such a number can be.
"""

from collections.abc import Callable
from datetime import date
from functools import lru_cache

#: An IBAN with spaces is the longest of them.
_LONGEST = 48
_SEPARATORS = str.maketrans("", "", " .-/\u00a0")

#: Length of an IBAN by country (ISO 13616-1, SWIFT IBAN Registry).
IBAN_LENGTHS = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "FO", "GL", "NL", "FK", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "XK", "MN"), 20),
    **dict.fromkeys(("CH", "CR", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "TL", "OM", "SO"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    **dict.fromkeys(("LC",), 32),
    **dict.fromkeys(("RU",), 33),
}
#: First digits of card numbers and their lengths (ISO/IEC 7812; the schemes' published ranges).
_CARD_RANGES = (
    (("4",), (13, 16, 19)),
    (tuple(str(number) for number in range(51, 56)), (16,)),
    (tuple(str(number) for number in range(2221, 2721)), (16,)),
    (("34", "37"), (15,)),
    (("6011", "65", *(str(number) for number in range(644, 650))), (16, 19)),
    (("36", "38", "39", *(str(number) for number in range(300, 306))), (14, 16)),
    (tuple(str(number) for number in range(3528, 3590)), (16, 19)),
    (("62",), (16, 17, 18, 19)),
    (("50", "56", "57", "58", "63", "67"), (13, 14, 15, 16, 17, 18, 19)),
)


@lru_cache(maxsize=1)  # all checks in a row ask for the same value
def compact(value: str) -> str:
    """The value without what people put between its characters; empty if it is too long to be such a number, or not ASCII."""
    if len(value) > _LONGEST:
        return ""
    bare = value.strip().translate(_SEPARATORS).upper()
    return bare if bare.isascii() and bare.isalnum() else ""


def _digits(value: str, *lengths: int) -> list[int]:
    """The digits of a number of one of these lengths; empty if it is none, or the same digit throughout."""
    bare = compact(value)
    return [int(digit) for digit in bare] if bare.isdigit() and len(bare) in lengths and len(set(bare)) > 1 else []


def is_iban(value: str) -> bool:
    """ISO 13616 and ISO 7064 MOD 97-10."""
    bare = compact(value)
    if len(bare) < 15 or IBAN_LENGTHS.get(bare[:2]) != len(bare) or not bare[2:4].isdigit():
        return False
    return int("".join(str(int(character, 36)) for character in bare[4:] + bare[:4])) % 97 == 1


def passes_luhn(digits: list[int]) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def is_card_number(value: str) -> bool:
    """A payment card: a scheme's first digits, a length of that scheme and the Luhn digit."""
    digits = _digits(value, *range(13, 20))
    bare = compact(value)
    is_of_a_scheme = any(bare.startswith(prefixes) and len(bare) in lengths for prefixes, lengths in _CARD_RANGES)
    return bool(digits) and is_of_a_scheme and passes_luhn(digits)


def is_spanish_id(value: str) -> bool:
    """DNI and NIE: the letter is the number modulo 23 (Real Decreto 1553/2005; Ministerio del Interior)."""
    bare = compact(value)
    if len(bare) != 9 or not bare[1:8].isdigit() or not bare[8].isalpha():
        return False
    first = {"X": "0", "Y": "1", "Z": "2"}.get(bare[0], bare[0])
    return first.isdigit() and "TRWAGMYFPDXBNJZSQVHLCKE"[int(first + bare[1:8]) % 23] == bare[8]


_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)


def is_italian_tax_code(value: str) -> bool:
    """Codice fiscale of a person (Decreto ministeriale 23/12/1976): six letters, a date, a place, a check letter."""
    bare = compact(value)
    if len(bare) != 16 or not bare[:6].isalpha() or not bare[15].isalpha() or bare[8] not in "ABCDEHLMPRST":
        return False
    total = sum(_ODD[character] for character in bare[0:15:2])
    total += sum(int(character) if character.isdigit() else ord(character) - ord("A") for character in bare[1:15:2])
    return chr(ord("A") + total % 26) == bare[15]


def is_french_social_security(value: str) -> bool:
    """NIR: 13 characters and a key of 97 minus the number modulo 97; Corsica's 2A and 2B count as 19 and 18 (INSEE)."""
    bare = compact(value)
    if len(bare) != 15 or bare[0] not in "123478":
        return False
    number = bare[:13].replace("2A", "19", 1).replace("2B", "18", 1)
    return number.isdigit() and bare[13:].isdigit() and 97 - int(number) % 97 == int(bare[13:])


def is_german_tax_id(value: str) -> bool:
    """Steuerliche Identifikationsnummer (§ 139b AO): 11 digits, ISO 7064 MOD 11,10, one digit twice or three times among the first ten."""
    digits = _digits(value, 11)
    if not digits or digits[0] == 0 or len(set(digits[:10])) not in (8, 9):
        return False
    product = 10
    for digit in digits[:10]:
        total = (digit + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == digits[10]


def is_brazilian_cpf(value: str) -> bool:
    """CPF: two digits modulo 11 (Receita Federal, Instrução Normativa RFB 2.172)."""
    digits = _digits(value, 11)
    return bool(digits) and all(_cpf_digit(digits[:length]) == digits[length] for length in (9, 10))


def _cpf_digit(digits: list[int]) -> int:
    total = sum(digit * weight for digit, weight in zip(digits, range(len(digits) + 1, 1, -1), strict=True))
    return total * 10 % 11 % 10


def is_dutch_bsn(value: str) -> bool:
    """Burgerservicenummer: the eleven test with the last weight −1 (Wet algemene bepalingen burgerservicenummer)."""
    digits = _digits(value, 9)
    return bool(digits) and sum(digit * weight for digit, weight in zip(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True)) % 11 == 0


def is_portuguese_nif(value: str) -> bool:
    """Número de identificação fiscal of a person (first digit 1, 2 or 3), modulo 11 (Decreto-Lei 14/2013)."""
    digits = _digits(value, 9)
    if not digits or digits[0] not in (1, 2, 3):
        return False
    rest = sum(digit * weight for digit, weight in zip(digits[:8], range(9, 1, -1), strict=True)) % 11
    return digits[8] == (0 if rest < 2 else 11 - rest)


def is_polish_pesel(value: str) -> bool:
    """PESEL: a date of birth whose month tells the century, and a check digit (Ustawa o ewidencji ludności)."""
    digits = _digits(value, 11)
    if not digits or sum(digit * weight for digit, weight in zip(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), strict=True)) % 10:
        return False
    month = digits[2] * 10 + digits[3]
    century = (1900, 2000, 2100, 2200, 1800)[month // 20]
    return is_day(century + digits[0] * 10 + digits[1], month % 20, digits[4] * 10 + digits[5])


def is_swedish_id(value: str) -> bool:
    """Personnummer, ten digits with a Luhn digit, twelve with the century; co-ordination numbers add 60 to the day (Skatteverket, SKV 704)."""
    digits = _digits(value.replace("+", "-") if len(value) <= _LONGEST else "", 10, 12)
    if not digits or not passes_luhn(digits[-10:]):
        return False
    year, month, day = (digits[-10] * 10 + digits[-9], digits[-8] * 10 + digits[-7], digits[-6] * 10 + digits[-5])
    century = digits[0] * 1000 + digits[1] * 100 if len(digits) == 12 else 1900
    return century in (1800, 1900, 2000) and is_day(century + year, month, day - 60 if day > 60 else day)


def is_belgian_id(value: str) -> bool:
    """Rijksregisternummer: a date, a counter and 97 minus the number modulo 97, with a 2 in front from 2000 on (KB 3 april 1984)."""
    digits = _digits(value, 11)
    if not digits or digits[2] * 10 + digits[3] > 12:
        return False
    number, check = int("".join(map(str, digits[:9]))), digits[9] * 10 + digits[10]
    return check in (97 - number % 97, 97 - (2_000_000_000 + number) % 97)


def is_swiss_ahv(value: str) -> bool:
    """AHV number: 756, GS1 check digit (AHVV Art. 133)."""
    digits = _digits(value, 13)
    return digits[:3] == [7, 5, 6] and (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0


def is_mexican_curp(value: str) -> bool:
    """CURP: four letters, a date, sex, state, consonants and a check digit over 37 characters (RENAPO, DOF 18/10/2021)."""
    bare = compact(value)
    if len(bare) != 18 or not (bare[:4].isalpha() and bare[4:10].isdigit() and bare[10] in "HMX" and bare[11:16].isalpha() and bare[17].isdigit()):
        return False
    alphabet = "0123456789ABCDEFGHIJKLMN\u00d1OPQRSTUVWXYZ"
    total = sum(alphabet.index(character) * (18 - place) for place, character in enumerate(bare[:17]))
    return (10 - total % 10) % 10 == int(bare[17])


def is_us_social_security(value: str) -> bool:
    """SSN as it is written (`123-45-6789`); it has no check digit, only numbers that are never given (20 CFR § 422; SSA POMS RM 10201.035)."""
    parts = value.strip().split("-") if len(value) <= _LONGEST else []
    if [len(part) for part in parts] != [3, 2, 4] or not all(part.isascii() and part.isdigit() for part in parts):
        return False
    return parts[0] not in ("000", "666") and parts[0][0] != "9" and parts[1] != "00" and parts[2] != "0000"


def is_british_nino(value: str) -> bool:
    """National insurance number: two letters, six digits, A to D; no check digit (HMRC, NIM39110)."""
    bare = compact(value)
    if len(bare) != 9 or not (bare[:2].isalpha() and bare[2:8].isdigit() and bare[8] in "ABCD"):
        return False
    return not set(bare[:2]) & set("DFIQUV") and bare[1] != "O" and bare[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def is_day(year: int, month: int, day: int) -> bool:
    """True for a day of the calendar."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


#: Numbers of a person whose form alone tells nearly certainly what they are.
TELLING: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("Spanish DNI or NIE", is_spanish_id),
    ("Italian tax code", is_italian_tax_code),
    ("French social security number", is_french_social_security),
    ("Mexican CURP", is_mexican_curp),
    ("Swiss AHV number", is_swiss_ahv),
    ("British national insurance number", is_british_nino),
    ("United States social security number", is_us_social_security),
)
#: Plain digits with a check digit: one number in ten or eleven passes by chance, so only a whole column of them says something.
PLAIN: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("German tax number", is_german_tax_id),
    ("Brazilian CPF", is_brazilian_cpf),
    ("Dutch BSN", is_dutch_bsn),
    ("Portuguese NIF", is_portuguese_nif),
    ("Polish PESEL", is_polish_pesel),
    ("Swedish personnummer", is_swedish_id),
    ("Belgian national number", is_belgian_id),
)
#: Those of them that the state uses for taxes.
TAX_NUMBERS = frozenset({"Italian tax code", "German tax number", "Brazilian CPF", "Portuguese NIF"})
