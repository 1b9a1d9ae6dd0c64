"""*Did you mean …?*: a mistyped word is the commonest mistake, and naming the right one is the shortest help."""

from collections.abc import Iterable
from difflib import get_close_matches

#: difflib is quadratic in the length of the word; nobody mistypes a key of 80 letters.
_LONGEST = 80


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like this one; None if none does."""
    found = get_close_matches(word.casefold()[:_LONGEST], list(known), n=1, cutoff=0.65)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean …?)`, or nothing."""
    found = nearest(word, known)
    return f" (did you mean {found}?)" if found else ""


def one_of(known: Iterable[str]) -> str:
    """`a, b or c`, to end a sentence that says what is allowed."""
    *most, last = known
    return f"{', '.join(most)} or {last}" if most else last
