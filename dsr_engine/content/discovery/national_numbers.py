"""Numbers of people in further countries, each with the rule by which it is checked; `identity_numbers` holds those of the first ones.

Each check says where its rule is written. All take a value as people write it (spaces, dots, dashes, slashes), are linear in its length, and
refuse anything longer than such a number can be.
"""

from collections.abc import Callable, Sequence

from dsr_engine.content.discovery.identity_numbers import compact, is_day, passes_luhn

_VERHOEFF_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_VERHOEFF_TURNED = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")


def _digits(value: str, *lengths: int) -> list[int]:
    bare = compact(value.replace("+", "-"))
    return [int(digit) for digit in bare] if bare.isdigit() and len(bare) in lengths and len(set(bare)) > 1 else []


def _weighed(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True))


def _is_day_of_some_century(year: int, month: int, day: int) -> bool:
    return is_day(1900 + year, month, day) or is_day(2000 + year, month, day)


def is_chinese_resident_id(value: str) -> bool:
    """居民身份证: an area, a day of birth, a counter and a check sign (GB 11643-1999, ISO 7064 MOD 11-2)."""
    bare = compact(value)
    if len(bare) != 18 or not bare[:17].isdigit() or not (bare[17].isdigit() or bare[17] == "X"):
        return False
    if bare[0] not in "12345678" or not is_day(int(bare[6:10]), int(bare[10:12]), int(bare[12:14])) or not "1800" <= bare[6:10] <= "2199":
        return False
    total = _weighed([int(digit) for digit in bare[:17]], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
    return "10X98765432"[total % 11] == bare[17]


def is_korean_rrn(value: str) -> bool:
    """주민등록번호: a date, a sign for sex and century, and a check digit for those given before October 2020 (주민등록법 시행규칙)."""
    digits = _digits(value, 13)
    if not digits or not 1 <= digits[6] <= 8 or not _is_day_of_some_century(digits[0] * 10 + digits[1], *_pair(digits, 2)):
        return False
    return (11 - _weighed(digits[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10 == digits[12]


def _pair(digits: Sequence[int], start: int) -> tuple[int, int]:
    """Two numbers of two digits each, such as a month and a day."""
    return digits[start] * 10 + digits[start + 1], digits[start + 2] * 10 + digits[start + 3]


def is_japanese_my_number(value: str) -> bool:
    """個人番号: twelve digits, the last one modulo 11 (平成26年総務省令第85号, 第5条)."""
    digits = _digits(value, 12)
    if not digits:
        return False
    rest = _weighed(digits[:11], (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return digits[11] == (0 if rest <= 1 else 11 - rest)


def is_indian_aadhaar(value: str) -> bool:
    """Aadhaar: twelve digits, none that begins with 0 or 1, Verhoeff's check digit (UIDAI)."""
    digits = _digits(value, 12)
    if not digits or digits[0] < 2:
        return False
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_VERHOEFF_TIMES[check][int(_VERHOEFF_TURNED[place % 8][digit])])
    return check == 0


def is_indian_pan(value: str) -> bool:
    """Permanent account number of a person: five letters, the fourth a P, four digits, a letter (Income-tax Rules, 114)."""
    bare = compact(value)
    return len(bare) == 10 and bare[:5].isalpha() and bare[3] == "P" and bare[5:9].isdigit() and bare[5:9] != "0000" and bare[9].isalpha()


def is_singapore_nric(value: str) -> bool:
    """NRIC or FIN: S, T, F, G or M, seven digits, a check letter (Immigration & Checkpoints Authority)."""
    bare = compact(value)
    if len(bare) != 9 or bare[0] not in "STFGM" or not bare[1:8].isdigit() or not bare[8].isalpha():
        return False
    total = _weighed([int(digit) for digit in bare[1:8]], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(bare[0], 0)
    if bare[0] == "M":
        return "XWUTRQPNJLK"[10 - total % 11] == bare[8]
    return ("JZIHGFEDCBA" if bare[0] in "ST" else "XWUTRQPNMLK")[total % 11] == bare[8]


def is_south_african_id(value: str) -> bool:
    """Identity number: a date, a counter, a sign for citizenship, Luhn's digit (Identification Act 68 of 1997)."""
    digits = _digits(value, 13)
    return bool(digits) and digits[10] in (0, 1, 2) and passes_luhn(digits) and _is_day_of_some_century(digits[0] * 10 + digits[1], *_pair(digits, 2))


def is_turkish_id(value: str) -> bool:
    """T.C. kimlik numarası: eleven digits, two of them checks (Nüfus Hizmetleri Kanunu 5490)."""
    digits = _digits(value, 11)
    if not digits or digits[0] == 0:
        return False
    tenth = (sum(digits[0:9:2]) * 7 - sum(digits[1:8:2])) % 10
    return digits[9] == tenth and digits[10] == sum(digits[:10]) % 10


def is_israeli_id(value: str) -> bool:
    """Mispar zehut: nine digits, the last one after Luhn (Population and Immigration Authority)."""
    digits = _digits(value, 9)
    return bool(digits) and passes_luhn(digits)


def is_canadian_sin(value: str) -> bool:
    """Social insurance number: nine digits, never beginning with 0 or 8, Luhn's digit (Employment and Social Development Canada)."""
    digits = _digits(value, 9)
    return bool(digits) and digits[0] not in (0, 8) and passes_luhn(digits)


def is_australian_tfn(value: str) -> bool:
    """Tax file number: eight or nine digits whose weighed sum is a multiple of 11 (Australian Taxation Office)."""
    digits = _digits(value, 8, 9)
    weights = (1, 4, 3, 7, 5, 8, 6, 9, 10) if len(digits) == 9 else (10, 7, 8, 4, 6, 3, 5, 1)
    return bool(digits) and _weighed(digits, weights) % 11 == 0


def is_irish_pps(value: str) -> bool:
    """Personal public service number: seven digits, a check letter, from 2013 on a second letter (Social Welfare Consolidation Act 2005, s. 262)."""
    bare = compact(value)
    if len(bare) not in (8, 9) or not bare[:7].isdigit() or not bare[7:].isalpha():
        return False
    second = "WABCDEFGHI".find(bare[8]) if len(bare) == 9 and bare[8] != "W" else 0
    if second < 0:
        return False
    total = _weighed([int(digit) for digit in bare[:7]], (8, 7, 6, 5, 4, 3, 2)) + second * 9
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == bare[7]


def is_norwegian_id(value: str) -> bool:
    """Fødselsnummer or D-nummer: a date and two check digits modulo 11 (Folkeregisterforskriften § 2-2-1)."""
    digits = _digits(value, 11)
    if not digits:
        return False
    day, month = _pair(digits, 0)
    if not _is_day_of_some_century(digits[4] * 10 + digits[5], month - 40 if month > 40 else month, day - 40 if day > 40 else day):
        return False
    first = (11 - _weighed(digits[:9], (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11) % 11
    return digits[9] == first and digits[10] == (11 - _weighed(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11


def is_finnish_id(value: str) -> bool:
    """Henkilötunnus: a date, a sign for the century, three digits, a check sign modulo 31 (Valtioneuvoston asetus 128/2010)."""
    text = value.strip().upper() if len(value) <= 16 else ""
    if len(text) != 11 or text[6] not in "+-ABCDEFUVWXY" or not (text[:6] + text[7:10]).isdigit() or not text.isascii():
        return False
    if not _is_day_of_some_century(int(text[4:6]), int(text[2:4]), int(text[:2])):
        return False
    return "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(text[:6] + text[7:10]) % 31] == text[10]


def is_danish_cpr(value: str) -> bool:
    """CPR-nummer: a date and four digits. Numbers given since 2007 need not meet modulo 11, so only the date is held (CPR-loven § 3)."""
    digits = _digits(value, 10)
    if not digits:
        return False
    day, month = _pair(digits, 0)
    return _is_day_of_some_century(digits[4] * 10 + digits[5], month, day)


def is_austrian_insurance_number(value: str) -> bool:
    """Sozialversicherungsnummer: a counter, a check digit modulo 11, a date whose month may be above twelve (§ 31 ASVG)."""
    digits = _digits(value, 10)
    if not digits or digits[0] == 0:
        return False
    day, month = _pair(digits, 4)
    return _weighed(digits, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == digits[3] and 1 <= day <= 31 and 1 <= month <= 15


def is_british_nhs(value: str) -> bool:
    """NHS number: ten digits, the last one modulo 11 (NHS Data Dictionary, NHS NUMBER)."""
    digits = _digits(value, 10)
    return bool(digits) and (11 - _weighed(digits[:9], range(10, 1, -1)) % 11) % 11 == digits[9]


def is_chilean_rut(value: str) -> bool:
    """RUT: seven or eight digits and a check sign modulo 11 (Decreto con Fuerza de Ley 3 de 1969)."""
    bare = compact(value)
    if len(bare) not in (8, 9) or not bare[:-1].isdigit() or len(set(bare[:-1])) == 1:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(reversed(bare[:-1]), (2, 3, 4, 5, 6, 7, 2, 3), strict=False))
    return "0123456789K0"[11 - total % 11] == bare[-1]


def is_argentine_cuil(value: str) -> bool:
    """CUIL or CUIT of a person: 20, 23, 24 or 27, the number of the document, a digit modulo 11 (ANSES, AFIP)."""
    digits = _digits(value, 11)
    if not digits or digits[0] * 10 + digits[1] not in (20, 23, 24, 27):
        return False
    return (11 - _weighed(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11 == digits[10]


def is_russian_snils(value: str) -> bool:
    """СНИЛС: nine digits and a number of control (Федеральный закон 27-ФЗ; ПФР)."""
    digits = _digits(value, 11)
    if not digits:
        return False
    return _weighed(digits[:9], range(9, 0, -1)) % 101 % 100 == digits[9] * 10 + digits[10]


#: Numbers of a person whose form alone tells nearly certainly what they are.
TELLING_ELSEWHERE: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("Chinese resident id", is_chinese_resident_id),
    ("Singapore NRIC or FIN", is_singapore_nric),
    ("Finnish personal identity code", is_finnish_id),
    ("Irish PPS number", is_irish_pps),
    ("Indian PAN", is_indian_pan),
    ("Korean resident registration number", is_korean_rrn),
    ("South African identity number", is_south_african_id),
)
#: Plain digits with a check digit, of which only a whole column says something.
PLAIN_ELSEWHERE: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("Norwegian national identity number", is_norwegian_id),
    ("Turkish identity number", is_turkish_id),
    ("Argentine CUIL", is_argentine_cuil),
    ("Russian SNILS", is_russian_snils),
    ("Indian Aadhaar", is_indian_aadhaar),
    ("Japanese My Number", is_japanese_my_number),
    ("British NHS number", is_british_nhs),
    ("Austrian insurance number", is_austrian_insurance_number),
    ("Canadian SIN", is_canadian_sin),
    ("Australian TFN", is_australian_tfn),
    ("Israeli identity number", is_israeli_id),
)
#: Those of them that the state uses for taxes.
TAX_NUMBERS_ELSEWHERE = frozenset({"Indian PAN", "Argentine CUIL", "Australian TFN"})
