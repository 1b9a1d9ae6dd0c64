"""Every way in which an identifier is written: the one list that the gate, the matcher and the tests share.

A form is text after the loose fold of `content.fold`. How it is *encoded* (percent, base64, UTF-16, …) is not listed here: `content.views` decodes
the data instead, so that any mixture is found. Only one-way encodings are listed: the digests by which advertising systems know people.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property

import phonenumbers

from dsr_engine.content.fold import MARKS, exact, folded, spelled_out
from dsr_engine.domain.finding import Confidence
from dsr_engine.domain.selector import Selector

#: ASCII characters that the automaton does not see, because people put them anywhere: all but letters, digits, `@` and `+`.
UNSEEN = bytes(code for code in range(128) if not chr(code).isalnum() and chr(code) not in "@+")
_UNSEEN_TABLE: dict[int, None] = dict.fromkeys(UNSEEN)
#: What may stand between the words of a name or an address: a few separators, or the line end of a quotation with the marks of the next line.
WORD_GAP = r"(?:[\s.,;|_/\-]{1,4}|[ \t.,;]{0,3}\r?\n(?:[ \t]{0,3}[>|]){1,10}[ \t]{0,4})"
_GMAIL = ("gmail.com", "googlemail.com")
_SPACED_KINDS = frozenset({"iban", "credit_card", "national_id", "tax_id", "passport"})
_LETTER = rf"(?:[^\W_]|[{MARKS}])"
_WORD = re.compile(rf"[^\W_]{_LETTER}*(?:'{_LETTER}+)*")
#: Names that are written with and without an apostrophe.
_OPEN_NAME = re.compile(r"^([od])(?=[^\W\d_]{3,})")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class Shape(StrEnum):
    """What may stand between the characters of a form, and what bounds it.

    WHOLE: nothing. WORDS: separators between words. SPACED: spaces, dots and dashes between any two characters. DIGITS: phone punctuation.
    TAGGED and DOTTED: an e-mail address with any `+tag`, and with dots at any place of its local part too. SCOPED: a whole value, nothing beside it.
    """

    WHOLE = "whole"
    WORDS = "words"
    SPACED = "spaced"
    DIGITS = "digits"
    TAGGED = "tagged"
    DOTTED = "dotted"
    SCOPED = "scoped"


@dataclass(frozen=True, repr=False)
class Form:
    """One way of writing. `text` is loosely folded, words separated by one space. `strict` is what `fold.exact` must give for a hit to be exact.

    `grade` is the best confidence that a hit in this form can have.
    """

    name: str
    shape: Shape
    text: str
    strict: str
    grade: Confidence = Confidence.CERTAIN

    @cached_property
    def compact(self) -> str:
        """The text as the automaton sees it."""
        return compacted(self.text)

    @cached_property
    def anchors(self) -> tuple[tuple[str, str], ...]:
        """(literal, what must follow it) in compact text; one of them lies in every writing of this form.

        The literals of addresses end with `@`: those that share a long end (`@gmail.com`) would make an automaton ten times slower.
        """
        local, at, domain = self.text.rpartition("@")
        if not at or self.shape in (Shape.SCOPED, Shape.SPACED, Shape.WORDS):
            return ((self.compact, ""),)
        local = compacted(local)
        head = (f"{local}@", compacted(domain)[:3])
        return (head, (f"{local}+", "")) if self.shape in (Shape.TAGGED, Shape.DOTTED) else (head,)


def compacted(text: str) -> str:
    """The text without the characters that the automaton does not see."""
    return text.translate(_UNSEEN_TABLE)


def written(selector: Selector) -> tuple[Form, ...]:
    """All forms of a selector, the plain one first. Forms that the automaton could not see (no letter or digit) are left out."""
    value = " ".join(selector.value.reveal().split())
    if selector.scope is not None:
        found: Iterator[Form] = iter((Form("plain", Shape.SCOPED, folded(value), exact(value)),))
    elif selector.kind in _BY_KIND:
        found = _BY_KIND[selector.kind](value)
    else:
        found = _identifier(value, selector.kind)
    unique = {(form.shape, form.text, form.strict): form for form in reversed(list(found))}
    return tuple(reversed([form for form in unique.values() if any(character.isalnum() for character in form.text)]))


def _email(value: str) -> Iterator[Form]:
    local, at, domain = value.rpartition("@")
    if not at or not local or not domain:
        yield from _identifier(value)
        return
    domains = _domain_spellings(domain)
    for spelling in domains:
        yield _form("plain", Shape.WHOLE, f"{local}@{spelling}")
    stem = local.split("+")[0] or local
    for spelling in domains:
        yield _form("plus-tag", Shape.TAGGED, f"{stem}@{spelling}", Confidence.LIKELY)
    if folded(domain) in _GMAIL:
        bare = stem.replace(".", "")
        for spelling in _GMAIL:
            yield _form("gmail", Shape.DOTTED, f"{bare}@{spelling}", Confidence.LIKELY)


def _domain_spellings(domain: str) -> tuple[str, ...]:
    """An international domain in both its spellings (RFC 5890)."""
    spellings = [domain]
    with suppress(UnicodeError):
        spellings.append(domain.encode("idna").decode("ascii"))
    with suppress(UnicodeError):
        # The rules of 2008 keep letters that those of 2003 write otherwise (`ß`, the last sigma): RFC 5894 §7.2.
        labels = domain.lower().split(".")
        spellings.append(".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}" for label in labels))
    with suppress(UnicodeError):
        spellings.append(domain.encode("ascii").decode("idna"))
    with suppress(UnicodeError):
        labels = domain.lower().split(".")
        spellings.append(".".join(label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label for label in labels))
    return tuple(dict.fromkeys(exact(spelling) for spelling in spellings))


def _phone(value: str) -> Iterator[Form]:
    digits = "".join(re.findall(r"\d", folded(value)))
    parsed = _parsed_phone(value)
    if parsed is None:
        yield _digits("phone", digits)
        if digits.startswith("0") and not digits.startswith("00"):
            yield _digits("phone-national", digits[1:], Confidence.LIKELY)
        return
    code = str(parsed.country_code)
    own = phonenumbers.national_significant_number(parsed)
    national = "".join(re.findall(r"\d", phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)))
    for prefix in ("", "00", "011"):
        yield _digits("phone", prefix + code + own)
    yield _digits("phone", code + "0" + own)
    yield _digits("phone-national", national, Confidence.LIKELY)
    yield _digits("phone-national", own, Confidence.LIKELY)


def _parsed_phone(value: str) -> phonenumbers.PhoneNumber | None:
    """The number, if it tells its country; a country is never guessed from anything else."""
    international = re.sub(r"^\s*00", "+", value)
    if not international.lstrip().startswith("+"):
        return None
    try:
        return phonenumbers.parse(international, None)
    except phonenumbers.NumberParseException:
        return None


def _name(value: str) -> Iterator[Form]:
    given = " ".join(reversed(value.split(", ", 1))) if value.count(",") == 1 else value
    for name, spelling in (("plain", folded(given)), ("transliterated", spelled_out(given))):
        words = words_of(spelling)
        strict = words_of(exact(given)) if name == "plain" else words
        strict = strict if len(strict) == len(words) else words
        grade = Confidence.CERTAIN if name == "plain" else Confidence.LIKELY
        if words:
            yield Form(name, Shape.WORDS, " ".join(words), " ".join(strict), grade)
        yield from _reordered(words, strict)


def _reordered(words: list[str], strict: list[str]) -> Iterator[Form]:
    for cut in range(1, len(words)):
        yield _words_form("name-order", words[cut:] + words[:cut], strict[cut:] + strict[:cut], Confidence.CERTAIN)
    if len(words) > 2:
        yield _words_form("short-name", [words[0], words[-1]], [strict[0], strict[-1]])
        yield _words_form("short-name", [words[-1], words[0]], [strict[-1], strict[0]])
    if len(words) > 1 and len(words[-1]) > 1:
        yield _words_form("initials", [words[0][:1], words[-1]], [strict[0][:1], strict[-1]])
        yield _words_form("initials", [words[-1], words[0][:1]], [strict[-1], strict[0][:1]])


def _words_form(name: str, words: list[str], strict: list[str], grade: Confidence = Confidence.LIKELY) -> Form:
    return Form(name, Shape.WORDS, " ".join(words), " ".join(strict), grade)


def _address(value: str) -> Iterator[Form]:
    words = words_of(folded(value))
    if words:
        yield Form("plain", Shape.WORDS, " ".join(words), " ".join(words_of(exact(value))))
    street, comma, _ = value.partition(",")
    if comma and len(words_of(street)) > 1:
        yield _words_form("street", words_of(folded(street)), words_of(exact(street)))
    spelled = words_of(spelled_out(value))
    yield _words_form("transliterated", spelled, spelled)


def _birth_date(value: str) -> Iterator[Form]:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        yield from _identifier(value)
        return
    yield _form("plain", Shape.WHOLE, day.isoformat())
    for pattern in ("{d:02}.{m:02}.{y}", "{d}.{m}.{y}", "{d:02}/{m:02}/{y}", "{m:02}/{d:02}/{y}", "{d}/{m}/{y}", "{m}/{d}/{y}", "{y}/{m:02}/{d:02}"):
        yield _form("date", Shape.WHOLE, pattern.format(d=day.day, m=day.month, y=day.year), Confidence.LIKELY)
    yield _form("date", Shape.WHOLE, day.strftime("%Y%m%d"), Confidence.LIKELY)


def _identifier(value: str, kind: str = "") -> Iterator[Form]:
    """A number or code of any other kind. Codes that people group (mostly digits, seven or more) are found in any grouping."""
    compact = compacted(folded(value))
    digits = sum(character.isdigit() for character in compact)
    is_grouped = kind in _SPACED_KINDS or (len(compact) >= 7 and digits * 3 >= len(compact) * 2)
    yield _form("plain", Shape.WHOLE, value)
    if is_grouped and "@" not in compact and "+" not in compact:
        yield Form("grouped", Shape.SPACED, compact, compacted(exact(value)))
    if _UUID.fullmatch(folded(value)):
        yield _form("grouped", Shape.WHOLE, value.replace("-", ""))


def _form(name: str, shape: Shape, value: str, grade: Confidence = Confidence.CERTAIN) -> Form:
    return Form(name, shape, folded(value), exact(value), grade)


def _digits(name: str, digits: str, grade: Confidence = Confidence.CERTAIN) -> Form:
    return Form(name, Shape.DIGITS, digits, digits, grade)


def words_of(text: str) -> list[str]:
    """The words of a name or an address. An apostrophe stays inside its word and stands for one that may be left out (O'Brien, OBrien)."""
    return [_OPEN_NAME.sub(r"\1'", word) for word in _WORD.findall(text)]


_BY_KIND = {"email": _email, "phone": _phone, "name": _name, "address": _address, "date_of_birth": _birth_date}


def digests(selector: Selector) -> Iterator[tuple[str, bytes]]:
    """(form, raw digest) of the normalised values by which other systems may know the person.

    E-mail: trimmed and lower-cased, for Gmail also without dots; phone: E.164 with and without `+`, and the digits as given (the rules of the
    customer-match uploads of Google, Meta and others). Names and other weak texts are not looked for: such a digest is nobody's alone.
    """
    if selector.scope is not None or selector.kind in ("name", "address", "date_of_birth", "postcode"):
        return
    for text in normalised(selector):
        for name in ("md5", "sha1", "sha256"):
            yield name, hashlib.new(name, text.encode(), usedforsecurity=False).digest()


def normalised(selector: Selector) -> tuple[str, ...]:
    """The texts under which one identifier is compared exactly; two are the same identifier if they share one."""
    value = selector.value.reveal().strip()
    texts = [value, value.lower()]
    if selector.kind == "email":
        local, _, domain = value.lower().rpartition("@")
        if domain in _GMAIL:
            texts += [f"{local.split('+')[0].replace('.', '')}@{spelling}" for spelling in _GMAIL]
    if selector.kind == "phone":
        parsed = _parsed_phone(value)
        digits = "".join(re.findall(r"\d", value))
        texts += [digits, *((f"+{parsed.country_code}{parsed.national_number}", f"{parsed.country_code}{parsed.national_number}") if parsed else ())]
    return tuple(dict.fromkeys(texts))
