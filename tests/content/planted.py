"""Identifiers in every encoding, planted between texts of another alphabet: what the property tests of gate and matcher draw from."""

import base64
import html
import json
import quopri
from collections.abc import Callable

from hypothesis import strategies as st

#: Writings of Jane's identifiers that stand for themselves.
WRITTEN = (
    "jane.doe@example.com",
    "JANE.DOE@Example.COM",
    "ｊａｎｅ．ｄｏｅ＠ｅｘａｍｐｌｅ．ｃｏｍ",
    "jane.doe+news@example.com",
    "janeqdoe@googlemail.com",
    "j.a.n.e.qdoe+x.y@gmail.com",
    "+49 170 1234567",
    "+49 (0)170/123 45-67",
    "0049 170 1234567",
    "(0170) 123 45 67",
    "01701234567",
    "Jane Doe",
    "Doe, Jane",
    "J. Doe",
    "JANE\u00a0DOE",
    "DE89 3704 0044 0532 0130 00",
    "de89370400440532013000",
    "cust-8842107",
    "221b Baker Street\nLondon",
    "1984-03-07",
    "07.03.1984",
)


def percent_all(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def decimal(text: str) -> str:
    return "".join(f"&#{ord(character)};" for character in text)


def hexadecimal(text: str) -> str:
    return "".join(f"&#x{ord(character):x};" for character in text)


def some_escapes(text: str) -> str:
    """Only every third character is escaped."""
    return "".join(f"%{ord(c):02x}" if i % 3 == 0 and c.isascii() else c for i, c in enumerate(text))


def json_all(text: str) -> str:
    units = text.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def quoted_printable(text: str) -> str:
    return quopri.encodestring(("x" * 60 + " " + text).encode("utf-8"), quotetabs=True).decode("ascii").removeprefix("x" * 60)


def soft_broken(text: str) -> str:
    return "=\r\n".join(text.replace("=", "=3D"))


def word_b(text: str) -> str:
    return f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="


def word_q(text: str) -> str:
    return "=?utf-8?q?" + "".join(_q(character) for character in text) + "?="


def _q(character: str) -> str:
    if character == " ":
        return "_"
    return character if character.isascii() and character.isalnum() else "".join(f"={byte:02X}" for byte in character.encode())


def base64_at(shift: int) -> Callable[[str], str]:
    """Inside a longer encoded text, `shift` bytes behind its start."""
    return lambda text: base64.b64encode(b"\t" * shift + b" the text is: " + text.encode() + b" , and so on.").decode()


def base64_url(text: str) -> str:
    return base64.urlsafe_b64encode(f"?? {text} >> ??".encode()).decode()


def base64_lines(text: str) -> str:
    return base64.encodebytes(("." * 45 + " " + text + " " + "." * 90).encode()).decode().strip()


def base64_utf16(text: str) -> str:
    """UTF-16 is known by its zeros, so a text without ASCII goes as UTF-8."""
    return base64.b64encode(f"who? {text}".encode("utf-16-le" if text.isascii() else "utf-8")).decode()


def hex_digits(text: str) -> str:
    return f"..{text}..".encode().hex()


def wide(text: str) -> str:
    return ("\0\0" + text.encode("utf-16-le").decode("latin-1") + "\0\0") if all(map(str.isascii, text)) else text


def json_in_base64(text: str) -> str:
    return base64.b64encode(json.dumps({"who": json_all(text)}).replace("\\\\", "\\").encode()).decode()


#: Encodings into runs of digits: there an identifier that is given in ASCII is looked for as ASCII only (README, LIMITS).
RUNS: tuple[Callable[[str], str], ...] = (base64_at(0), base64_at(1), base64_at(2), base64_url, base64_lines, base64_utf16, hex_digits)
ENCODINGS: tuple[Callable[[str], str], ...] = (
    str,
    percent_all,
    some_escapes,
    decimal,
    hexadecimal,
    html.escape,
    json_all,
    quoted_printable,
    soft_broken,
    word_b,
    word_q,
    wide,
    json_in_base64,
    *RUNS,
)
#: Every writing in every encoding in which it is looked for.
WAYS = tuple((value, encode) for value in WRITTEN for encode in ENCODINGS if value.isascii() or encode not in RUNS)
#: Letters and marks that no identifier of Jane's and no encoding is made of.
OTHER_ALPHABET = "бгжзлпцчшщыюя¿¡«»…\n\t |"
around = st.text(OTHER_ALPHABET, max_size=40).map(lambda text: text + "|")
planted = st.builds(
    lambda before, way, after: (before, way[1](way[0]), "|" + after),
    around,
    st.sampled_from(WAYS),
    around,
)
