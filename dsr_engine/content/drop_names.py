"""Names as the Delete Request and Opt-out Platform standardises them: Unicode, small letters, Greek and Cyrillic in Latin, Latin in ASCII.

The agency publishes the rule and not its table ("transliterate supported Greek and Cyrillic characters, fold supported Latin characters to plain
ASCII where possible", DROP Data Broker API 1.2.0). Letters are taken from ISO 843 (Greek, without its macrons) and from the English convention of
BGN/PCGN 1947 for Russian as far as known vectors bear it out (Ёлкина → yolkina, Щербакова → shcherbakova, Θεοδώρου → theodoroy); Latin ones from
CLDR's Latin-ASCII. Transliteration comes before decomposition: ё is yo, and е with a mark would be e.
"""

import re
import unicodedata
from functools import lru_cache

_GREEK = {
    "α": "a",
    "β": "v",
    "γ": "g",
    "δ": "d",
    "ε": "e",
    "ζ": "z",
    "η": "i",
    "θ": "th",
    "ι": "i",
    "κ": "k",
    "λ": "l",
    "μ": "m",
    "ν": "n",
    "ξ": "x",
    "ο": "o",
    "π": "p",
    "ρ": "r",
    "σ": "s",
    "ς": "s",
    "τ": "t",
    "υ": "y",
    "φ": "f",
    "χ": "ch",
    "ψ": "ps",
    "ω": "o",
}
_RUSSIAN = {
    "а": "a",
    "б": "b",
    "в": "v",
    "г": "g",
    "д": "d",
    "е": "e",
    "ё": "yo",
    "ж": "zh",
    "з": "z",
    "и": "i",
    "й": "y",
    "к": "k",
    "л": "l",
    "м": "m",
    "н": "n",
    "о": "o",
    "п": "p",
    "р": "r",
    "с": "s",
    "т": "t",
    "у": "u",
    "ф": "f",
    "х": "kh",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "shch",
    "ъ": "",
    "ы": "y",
    "ь": "",
    "э": "e",
    "ю": "yu",
    "я": "ya",
}
_OTHER_CYRILLIC = {
    "і": "i",
    "ї": "yi",
    "є": "ye",
    "ґ": "g",
    "ў": "u",
    "ј": "j",
    "љ": "lj",
    "њ": "nj",
    "ћ": "c",
    "ђ": "dj",
    "џ": "dz",
    "ѓ": "gj",
    "ќ": "kj",
    "ѕ": "dz",
}
_CYRILLIC = {**_RUSSIAN, **_OTHER_CYRILLIC}
#: Latin letters that are not a plain letter with something on it (CLDR, Latin-ASCII); the others say in their names which letter they are.
_LATIN = {"ß": "ss", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i", "ĸ": "q", "ŋ": "n", "ſ": "s", "ȷ": "j"}
_WITH = re.compile("LATIN SMALL LETTER (?:DOTLESS )?([A-Z]) WITH ")
_TABLE = str.maketrans({**_GREEK, **_CYRILLIC})
_WHOLE = str.maketrans(_LATIN)


def standard_name(text: str) -> str:
    """A first or a last name in the platform's form; empty where nothing of it is a letter or a digit."""
    if text.isascii():
        return "".join(character for character in text.lower() if character.isalnum())
    small = unicodedata.normalize("NFC", text).lower()
    return "".join(map(_plain, unicodedata.normalize("NFC", small)))


def name_forms(text: str) -> tuple[str, ...]:
    """The forms in which the platform may hold this name; the standard one first.

    Korean syllables and Japanese marks: "kept as they are" can be read as composed or as decomposed, and both are one and the same name, so a
    record is compared in both.
    """
    standard = standard_name(text)
    if text.isascii():
        return (standard,) if standard else ()
    apart = "".join(character for character in unicodedata.normalize("NFKD", standard) if _is_kept(character))
    return tuple(dict.fromkeys(form for form in (standard, apart) if form))


@lru_cache(maxsize=65536)
def _plain(character: str) -> str:
    """One small letter as it stays: in ASCII where it is Greek, Cyrillic or Latin, else as it is; nothing where it is no letter or digit."""
    latin = _transliterated(character)
    if latin is not None:
        return latin
    apart = "".join(map(_letter, unicodedata.normalize("NFKD", character).lower()))
    if apart.isascii():
        return "".join(part for part in apart if part.isalnum())
    whole = unicodedata.normalize("NFKC", character).lower()
    return "".join(_transliterated(part) or part for part in whole if _is_kept(part))


def _letter(part: str) -> str:
    """A part of a decomposed character: nothing for a mark, ASCII for a Latin letter, else itself."""
    if unicodedata.combining(part):
        return ""
    named = _WITH.match(unicodedata.name(part, ""))
    return named[1].lower() if named else part.translate(_WHOLE)


def _transliterated(character: str) -> str | None:
    """The Latin for a Greek or Cyrillic letter, also for one with an accent; None for any other character."""
    if ord(character) in _TABLE:
        return character.translate(_TABLE)
    base = unicodedata.normalize("NFD", character)[:1]
    return base.translate(_TABLE) if base and ord(base) in _TABLE else None


def _is_kept(character: str) -> bool:
    """True for letters and digits."""
    kind = unicodedata.category(character)
    return kind[0] == "L" or kind == "Nd"
