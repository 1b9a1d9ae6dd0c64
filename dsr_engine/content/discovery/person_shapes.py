"""Shapes that describe people and prove little alone: names, streets, telephone numbers, birthdays. Each says how likely one value is.

Whoever asks looks at many values of one field: one `Jordan` in a hundred products is nothing, eighty given names in a hundred values are people.
"""

import re
from datetime import date

import phonenumbers

from dsr_engine.content.discovery.people_words import GIVEN_NAMES, words_for
from dsr_engine.content.fold import folded

#: Where a number without a country code is tried. Common plans; a number of another country is recognised with its code.
_REGIONS = ("US", "DE", "FR", "ES", "IT", "NL", "PT", "BR", "GB", "CH", "AT", "BE", "MX")
_PHONE = re.compile(r"\+?[0-9(][0-9 ()./\u00a0\u2011-]{5,24}[0-9](?: ?(?:x|ext\.?|app?\.?) ?[0-9]{1,6})?")
#: What people write and numbering systems do not: a trunk zero, an area code in brackets, or groups of three, three and four.
_WRITTEN = re.compile(r"0[1-9].*|\(.*|[2-9][0-9]{2}([ .-])[0-9]{3}\1[0-9]{4}.*|1[ .-][2-9][0-9]{2}([ .-])[0-9]{3}\2[0-9]{4}")
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ][0-9:.+Z-]*)?")
_DOTTED_DAY = re.compile(r"([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})")
_COORDINATES = re.compile(r"(-?[0-9]{1,2}\.[0-9]{3,15})[,; ] ?(-?[0-9]{1,3}\.[0-9]{3,15})")
_POINT = re.compile(r"(?:SRID=[0-9]{1,6};)?POINT ?\(-?[0-9.]{1,20} -?[0-9.]{1,20}\)", re.IGNORECASE)
#: Shapes that hardly anything else has, and those of plain digits that anything may have.
_TELLING_POSTCODES = re.compile(
    r"[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}"  # United Kingdom
    r"|[0-9]{4} ?[A-Z]{2}"  # Netherlands
    r"|[ABCEGHJ-NPRSTVXY][0-9][A-Z] ?[0-9][A-Z][0-9]"  # Canada
    r"|[0-9]{5}-[0-9]{4}|[0-9]{5}-[0-9]{3}|[0-9]{4}-[0-9]{3}|[0-9]{2}-[0-9]{3}|[0-9]{3} [0-9]{2}"  # US, Brazil, Portugal, Poland, Sweden
    r"|(?:D|A|CH|F|I|B|L|NL|DK)-[0-9]{4,5}"
)
_PLAIN_POSTCODES = re.compile(r"[0-9]{4,6}|[A-Z]{1,2}[0-9]{1,2}[A-Z]?[0-9][A-Z]{2}")
_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*\.?")
_PARTICLES = words_for("particles")
_TITLES = words_for("titles")
#: A word of these among the others makes it a name of something else.
_NOT_A_PERSON = words_for("not a person")
_STREET_WORD = re.compile(
    rf"(?:^|[ ,.])(?:{'|'.join(map(re.escape, sorted(words_for('streets'))))})(?:[ .,]|$)"
    rf"|[a-z](?:{'|'.join(map(re.escape, sorted(words_for('endings of streets'))))})\.?(?:[ ,]|$)"
)
_NUMBER = re.compile(r"(?:^|[ ,.#])[0-9]{1,5}(?: ?[a-z])?(?:[-/][0-9]{1,4})?(?: ?[a-z])?(?:[ ,.]|$)")
_GENDERS = words_for("genders")
_LANGUAGES = words_for("languages")


def phone_likelihood(value: str) -> float:
    """Numbers with a country code by libphonenumber; without one only where they are written as numbers are, and valid in a common plan.

    Plain digits are never taken for a telephone number: order numbers look the same.
    """
    if len(value) > 40:
        return 0.0
    number = value.strip().removeprefix("tel:")
    if not _PHONE.fullmatch(number) or not 7 <= sum(character.isdigit() for character in number) <= 21:
        return 0.0
    if number.startswith(("+", "00")):
        return 0.95 if _is_valid("+" + number.removeprefix("00").removeprefix("+"), None) else 0.0
    if _ISO_DAY.fullmatch(number) or _DOTTED_DAY.fullmatch(number) or not _WRITTEN.fullmatch(number):
        return 0.0
    is_grouped = any(not character.isdigit() for character in number)
    if not any(_is_valid(number, region) for region in _REGIONS):
        return 0.0
    return 0.8 if is_grouped else 0.4


def _is_valid(number: str, region: str | None) -> bool:
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(number, region)))
    except phonenumbers.NumberParseException:
        return False


def name_likelihood(value: str) -> float:
    """Two to five capitalised words, one of them a frequent given name; `Last, First` and titles too. A given name alone is a weak sign."""
    if len(value) > 80 or any(character.isdigit() for character in value):
        return 0.0
    text = value.replace(",", " ") if value.count(",") == 1 else value
    words = text.split()
    if not 1 <= len(words) <= 6 or not all(_WORD.fullmatch(word) for word in words):
        return 0.0
    plain = [folded(word).strip(".") for word in words]
    if set(plain) & _NOT_A_PERSON:
        return 0.0
    kept = [(word, bare) for word, bare in zip(words, plain, strict=True) if bare not in _TITLES and bare not in _PARTICLES]
    has_title = any(bare in _TITLES and word.endswith(".") for word, bare in zip(words, plain, strict=True))
    if not kept or not all(word[0].isupper() or not _has_case(word) for word, _ in kept):
        return 0.0
    has_given_name = any(part in GIVEN_NAMES for _, bare in kept for part in (bare, *bare.split("-")))
    if len(kept) == 1:
        return 0.4 if has_given_name or has_title else 0.0
    return 0.85 if has_given_name else 0.7 if has_title else 0.15


def _has_case(word: str) -> bool:
    return word.lower() != word.upper()


def is_given_name(value: str) -> bool:
    """True for one frequent given name, also `Jean-Pierre` or `Mary Ann`."""
    parts = folded(value).replace("-", " ").split() if len(value) <= 40 else []
    return 1 <= len(parts) <= 3 and parts[0] in GIVEN_NAMES


def street_likelihood(value: str) -> float:
    """A number and a word for a street in one of eight languages (`12 rue de la Paix`, `Hauptstr. 5a`, `1913 Hanoi Way`)."""
    if not 5 <= len(value) <= 120:
        return 0.0
    text = folded(value).replace("ß", "ss")
    if _NUMBER.search(text) is None or _STREET_WORD.search(text) is None:
        return 0.0
    return 0.8 if sum(character.isalpha() for character in text) >= 4 else 0.0


def day_in(value: str) -> date | None:
    """The day that a value names, if it names one: ISO 8601, or day.month.year and month/day/year where it can be told."""
    if len(value) > 40:
        return None
    found = _ISO_DAY.fullmatch(value.strip())
    if found is not None:
        return _day(int(found[1]), int(found[2]), int(found[3]))
    found = _DOTTED_DAY.fullmatch(value.strip())
    if found is None:
        return None
    year, first, second = int(found[3]), int(found[1]), int(found[2])
    return _day(year, second, first) or _day(year, first, second)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def birth_date_likelihood(value: str) -> float:
    """A day on which somebody alive can have been born. Nearly every date of a database is one, so this says little."""
    day = day_in(value)
    return 0.3 if day is not None and 1900 <= day.year <= 2100 else 0.0


def spans_ages(values: tuple[str, ...]) -> bool:
    """True if the values are days that are spread as birthdays are: over twenty years and more, most of them before 2010."""
    days = [day for value in values if (day := day_in(value)) is not None]
    if len(days) < 5 or len(days) < len(values) * 0.9:
        return False
    years = sorted(day.year for day in days)
    middle = years[len(years) // 10 : len(years) - len(years) // 10]
    return years[0] >= 1880 and middle[-1] - middle[0] >= 20 and sum(year < 2010 for year in years) >= len(years) * 0.7


def postcode_likelihood(value: str) -> float:
    """The shapes of Europe, North America and Brazil; plain digits say nearly nothing."""
    text = value.strip().upper()
    if len(text) > 10:
        return 0.0
    if _TELLING_POSTCODES.fullmatch(text):
        return 0.6
    return 0.2 if _PLAIN_POSTCODES.fullmatch(text) else 0.0


def coordinates_likelihood(value: str) -> float:
    """A latitude and a longitude to about a hundred metres, or a point of a geometry."""
    if len(value) > 64:
        return 0.0
    if _POINT.fullmatch(value):
        return 0.8
    found = _COORDINATES.fullmatch(value.strip("()[] "))
    return 0.8 if found is not None and abs(float(found[1])) <= 90 and abs(float(found[2])) <= 180 else 0.0


def gender_likelihood(value: str) -> float:
    """A word for a gender; a single letter says little."""
    word = folded(value) if len(value) <= 20 else ""
    if word not in _GENDERS:
        return 0.0
    return 0.25 if len(word) < 3 else 0.6


def language_likelihood(value: str) -> float:
    """A language by name, or by its ISO 639-1 code with or without a region (`de-AT`)."""
    word = folded(value) if len(value) <= 20 else ""
    stem = word.replace("_", "-").partition("-")[0]
    if stem not in _LANGUAGES:
        return 0.0
    return 0.3 if len(stem) == 2 else 0.6
