"""Splits the names of tables and fields into words: `CustomerID`, `customer_id`, `customerid` and `Kunden-Nr.` say the same in four ways.

Nobody names fields for a reader outside the house. Words are folded (small letters, no accents), so `Straße` and `STRASSE` are one word.
"""

import unicodedata
from collections.abc import Collection
from functools import lru_cache

#: Longer names exist in no database; what is cut off is not looked at.
LONGEST = 128
#: No known word is longer.
_LONGEST_WORD = 32
#: Words of two letters that may be part of a name written without a gap (`userip`, `kundennr`).
_SHORT_PARTS = frozenset({"id", "ip", "no", "nr", "by"})
_LETTERS = str.maketrans({"ß": "ss", "ẞ": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "ł": "l", "Ł": "L", "đ": "d"})


def folded_word(text: str) -> str:
    """Small letters without accents: `Größe` → `grosse`."""
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(character for character in plain if not unicodedata.combining(character)).casefold()


def raw_words(name: str) -> tuple[str, ...]:
    """The words as the name itself divides them: at signs, digits and capitals (`IPAddress2` → `ip`, `address`)."""
    words: list[str] = []
    current = ""
    name = unicodedata.normalize("NFKC", name[:LONGEST])[:LONGEST]
    for index, character in enumerate(name):
        if not character.isalpha():
            words.append(current)
            current = ""
            continue
        if current and _begins_word(name, index):
            words.append(current)
            current = ""
        current += character
    words.append(current)
    return tuple(folded for word in words if (folded := folded_word(word)))


def _begins_word(name: str, index: int) -> bool:
    """True for a capital after a small letter, and for the last capital of several before a small one (`IPAddress`)."""
    if not name[index].isupper():
        return False
    if not name[index - 1].isupper():
        return True
    return index + 1 < len(name) and name[index + 1].islower()


def split_known(word: str, known: Collection[str]) -> tuple[str, ...]:
    """The fewest known words that together are this word; the word itself where it is known or there are none."""
    if word in known or len(word) < 5:
        return (word,)
    best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - _LONGEST_WORD), end):
            part, before = word[start:end], best[start]
            if before is None or part not in known or (len(part) < 3 and part not in _SHORT_PARTS):
                continue
            shortest = best[end]
            if shortest is None or len(before) + 1 < len(shortest):
                best[end] = (*before, part)
    return best[len(word)] or (word,)


@lru_cache(maxsize=8_192)
def words_among(name: str, known: frozenset[str]) -> tuple[str, ...]:
    """The words of a name, with those written without a gap taken apart as far as they are `known`; `e mail` is one word."""
    found: list[str] = []
    for word in raw_words(name):
        if word in ("mail", "mails") and found and found[-1] == "e":
            found[-1] = f"e{word}"
        else:
            found.extend(split_known(word, known))
    return tuple(found)
