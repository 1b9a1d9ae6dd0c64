"""How an identifier looks in base64 and hex, as patterns over the digits themselves: so that nothing has to be decoded to see that it is not there.

ASCII of twelve bytes needs no pattern: `signs` sees that such a run says something in plain letters. What is shorter, or has letters beyond ASCII,
is spelt out here, at each of the three alignments that bytes can have in base64.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

#: ASCII of so many bytes gives three groups in a row at any alignment.
SAYS_ENOUGH = 12
#: Each digit of base64 as it stands in a class of characters, in either alphabet.
_ALPHABET = (*"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", r"+\-", "/_")
#: Digits that either alphabet writes in its own way.
_EITHER = {"+": "+-", "/": "/_"}
#: In which bytes letters beyond ASCII are looked for inside base64 and hex.
CHARSETS = ("utf-8", "cp1252", "utf-16-le", "utf-16-be")
_WORD = re.compile(r"\w+")
_BREAK = r"(?:\r?\n[ \t]?)?"
#: How escapes begin that may stand among letters beyond ASCII: such a text has too little ASCII to be seen by that.
ESCAPES = ("&#", "\\u")


def of_digest(digest: bytes) -> Iterator[str]:
    """Either half of a digest in hex and in base64 of either alphabet: a line that ends in it, as lines of blocks do, leaves one of them whole.

    The last digit of base64 has bits that say nothing and is left out.
    """
    digits = digest.hex()
    packed = base64.b64encode(digest).decode().rstrip("=")[:-1]
    yield from (f"(?i:{half})" for half in _halves(digits))
    yield from (_either_alphabet(half) for half in _halves(packed))


def _halves(digits: str) -> tuple[str, str]:
    middle = len(digits) // 2
    return digits[:middle], digits[middle:]


def starts_of(digests: Iterable[bytes], count: int) -> frozenset[str]:
    """The first digits of digests in base64, in either alphabet and any mixture of both."""
    digits = {base64.b64encode(digest).decode()[:count] for digest in digests}
    return frozenset("".join(mixed) for start in digits for mixed in product(*(_EITHER.get(digit, digit) for digit in start)))


def of_short(text: str) -> Iterator[str]:
    """An ASCII text in hex, as wide characters too, and in base64, in any case of its letters."""
    letters: list[Iterable[int]] = [{ord(letter.lower()), ord(letter.upper())} for letter in text]
    yield f"(?i:{'(?:00)?'.join('(?:' + '|'.join(f'{code:02x}' for code in sorted(codes)) + ')' for codes in letters)})"
    anything: list[Iterable[int]] = [range(256)]
    for before in range(3):
        units = anything * before + letters + anything * (-(before + len(letters)) % 3)
        digits = [_class(units[at : at + 3], digit) for at in range(0, len(units), 3) for digit in range(4)]
        # Digits of the neighbours alone say nothing about the text.
        yield "".join(digits[before * 8 // 6 : -(-(before + len(letters)) * 8 // 6)])


def of_foreign(text: str, *, charsets: Sequence[str] = CHARSETS, is_wrapped: bool = True) -> Iterator[str]:
    """The longest word with letters beyond ASCII, in hex and base64, as it is given, in small letters, capitals and with a first capital.

    `is_wrapped`: a line may end in the middle of it.
    """
    word = max((word for word in _WORD.findall(text) if not word.isascii()), key=len, default="")
    cases = (word, word.lower(), word.upper(), word.title())
    written = {unicodedata.normalize(form, case) for case in cases for form in ("NFC", "NFD")}
    between = _BREAK if is_wrapped else ""
    for form in sorted(written):
        for charset in charsets:
            data = form.encode(charset, "ignore")
            if len(data) >= len(form) > 0:
                yield f"(?i:{between.join(data.hex())})"
                yield from (between.join(map(_either_alphabet, inner)) for inner in _aligned(data))


def _aligned(data: bytes) -> Iterator[str]:
    """The digits of base64 that these bytes alone decide, at each alignment."""
    for before in range(3):
        digits = binascii.b2a_base64(b"\0" * before + data, newline=False).decode()
        inner = digits[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        if inner:
            yield inner


def _either_alphabet(digits: str) -> str:
    return digits.replace("/", "[/_]").replace("+", "[+-]")


def _class(units: Sequence[Iterable[int]], digit: int) -> str:
    """The values that one of the four digits of three bytes can have."""
    first = digit * 6 // 8
    shift = 10 - digit * 6 % 8
    if first == 2:
        values = {byte & 63 for byte in units[2]}
    else:  # six bits that lie in two bytes: those of each by itself, then every pair of them
        ends, begins = {byte << 8 >> shift & 63 for byte in units[first]}, {byte >> shift for byte in units[first + 1]}
        values = {end | begin for end in ends for begin in begins}
    return f"[{''.join(_ALPHABET[value] for value in sorted(values))}]"
