"""What personal data of nobody in particular stands in a stretch of text: the closer look of `discovering`, which picks the stretches.

Every pattern is bounded, so the time is linear in the length of the stretch. A check digit that fits and words near raise the confidence, a wrong
check digit and words like *order* or *version* lower it; what is told neither by shape, check nor word is no finding.
"""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

import re2

from dsr_engine.content.discovery.identity_numbers import IBAN_LENGTHS, is_iban
from dsr_engine.content.discovery.person_shapes import day_in, street_likelihood
from dsr_engine.content.discovery.telephone_traces import RUN, WORDS, telephone_confidence
from dsr_engine.content.discovery.trace_kinds import BY_SHAPE, SHAPES, NumberKind, shape_of, words_of
from dsr_engine.content.discovery.web_shapes import is_mac_address
from dsr_engine.content.email_shape import is_email


@dataclass(frozen=True, slots=True)
class Trace:
    """One place that may hold personal data: offsets in the text, what it may be, how sure that is (0 to 1). It never holds the value."""

    start: int
    end: int
    kind: str
    category: str
    confidence: float


#: Characters before and behind a place in which words speak for or against it.
BEFORE, BEHIND = 48, 28
_CLOSE = 24
#: Spaces and dashes of typesetting, one for one.
_PLAIN = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2007": " ", "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\t": " "})
#: Line ends as JSON and logs write them; the letter behind the backslash is no part of a word.
_ESCAPED = re.compile(r"\\[nrt]")
_AGAINST = words_of(
    "order,orders,invoice,version,serial,tracking,isbn,issn,sku,ticket,commit,build,article,item,product,part no,model,batch,page,pages,doi,rfc,port,"
    "bestellung,bestellnummer,rechnung,rechnungsnummer,artikel,artikelnummer,auftrag,seite,commande,facture,pedido,factura,ordine,fattura,"
    "section,chapter,clause,release,firmware,order number,order no,transaction,reference,ref,bug,issue,upc,ean,gtin,checksum,timestamp"
)
#: Without `=`, `&`, `/` and `?`, which are legal in addresses and in front of one nearly always part of a URL.
_LOCAL = re.compile(r"[\w.!#$%'*+^`{|}~-]{1,64}\Z")
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,62}")
_MAC_OR_IP = re.compile(
    r"(?<![0-9A-Za-z:.-])(?:(?P<mac>[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\2[0-9A-Fa-f]{2}){4}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})"
    r"|(?P<four>[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})|(?P<six>(?=[0-9A-Fa-f:]{0,4}:)[0-9A-Fa-f:]{3,39}(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3})?))"
    r"(?![0-9A-Za-z]|[:.][0-9A-Za-z])"
)
_IP_WORDS = words_of("ip,ipv4,ipv6,address,addr,client,client_ip,host,remote,from,visitor,adresse,indirizzo,dirección,user")
_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}(?:[ -]?[0-9A-Za-z]){11,30}")
_IBAN_WORDS = words_of(
    "iban,account,accounts,bank,konto,kontonummer,compte,cuenta,conto,conta,rekening,rachunek,überweisung,transfer,virement,sepa,bic"
)
_COORDINATES = re.compile(r"(?<![0-9.])-?[0-9]{1,2}\.[0-9]{3,15}[,; ]{1,2}-?[0-9]{1,3}\.[0-9]{3,15}(?![0-9.])")
_COORDINATE_WORDS = words_of("gps,lat,lon,lng,latitude,longitude,coordinates,location,position,standort,koordinaten,geo,ort,ubicación,localisation")
_MONTHS = (
    "[Jj]anuary|[Ff]ebruary|[Mm]arch|[Aa]pril|[Mm]ay|[Jj]une|[Jj]uly|[Aa]ugust|[Ss]eptember|[Oo]ctober|[Nn]ovember|[Dd]ecember"
    "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Januar|Februar|März|Mai|Juni|Juli|Oktober|Dezember"
    "|janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
)
_DAY = re.compile(
    r"(?<![0-9A-Za-z./-])(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}|[0-9]{4}/[0-9]{2}/[0-9]{2}"
    rf"|(?:[0-9]{{1,2}}(?:\.|st|nd|rd|th|er)? )?(?:{_MONTHS})\.?(?: [0-9]{{1,2}})?(?:st|nd|rd|th)?,? [0-9]{{4}}"
    r"|[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日)(?![0-9])"
)
_BIRTH = words_of(
    "born,birth,birthday,birthdate,dob,d.o.b,date of birth,geboren,geb,geburtsdatum,geburtstag,né,née,naissance,nacido,nacida,nacimiento,nato,nata,"
    "nascita,nascido,nascida,nascimento,geboortedatum,geboren op,född,født,syntynyt,urodzony,urodzona,urodzenia,родился,рождения,出生,生日"
)
_NAMED = r"[^\W\d_][\w.'’-]{0,24}"
_STREET = re.compile(
    rf"(?<![0-9A-Za-z])[0-9]{{1,5}}[A-Za-z]?,? (?:{_NAMED} ){{1,4}}?"
    r"(?i:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|square|sq|terrace|way|parkway|pkwy|highway|hwy|crescent|close|row)\b"
    r"|(?<![\w])[^\W\d_][\w-]{1,30}(?i:straße|strasse|str\.|gasse|weg|platz|allee|damm|ufer|straat|laan|gracht|plein|vägen|gatan|katu|tie|gata|veien"
    r"|vej|gade) [0-9]{1,4}[A-Za-z]?(?![0-9A-Za-z])"
    rf"|(?<![\w])[0-9]{{1,4}}(?: ?(?:bis|ter))?,? (?i:rue|avenue|boulevard|place|chemin|allée|quai|impasse|cours) (?:{_NAMED} ?){{1,5}}"
    rf"|(?<![\w])(?i:via|viale|piazza|corso|calle|avenida|plaza|paseo|rua|travessa|praça|ulica|ul\.) (?:{_NAMED},? ){{1,5}}(?:n\.?º? ?)?[0-9]{{1,4}}"
    r"(?![0-9])"
)
#: One pass for all words: most stretches have none, and the patterns above begin at nearly every letter.
_STREET_SIGN = re2.compile(
    r"(?i)[0-9][a-z]?,? .{1,110}\b(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|square|sq|terrace|way|parkway|pkwy|highway"
    r"|hwy|crescent|close|row)\b|(?:straße|strasse|str\.|gasse|weg|platz|allee|damm|ufer|straat|laan|gracht|plein|vägen|gatan|katu|tie|gata|veien|vej|gade)"
    r" [0-9]|(?:rue|avenue|boulevard|place|chemin|allée|quai|impasse|cours) |(?:via|viale|piazza|corso|calle|avenida|plaza|paseo|rua|travessa|praça"
    r"|ulica|ul\.) "
)
#: Where nothing is capitalised, `1977 was close` must not be one.
_SURELY_STREETS = ("street", "avenue", "road", "lane", "boulevard")
_STREET_WORDS = words_of(
    "address,addresses,adresse,anschrift,wohnhaft,wohnt,lives,living,live at,domicile,domicilio,indirizzo,endereço,adres,dirección,deliver,ship,"
    "located"
)


def traces_in(text: str) -> Iterator[Trace]:
    """Everything in the text that may be personal data; places that overlap are all given. Never raises, whatever the text is."""
    plain = text.translate(_PLAIN) if not text.isascii() or "\t" in text else text
    if "\\" in plain:
        plain = _ESCAPED.sub("  ", plain)
    low = plain.lower()
    if len(low) != len(plain):  # a letter that is two in lower case (İ) would shift every offset
        low = "".join(lower if len(lower := character.lower()) == 1 else character for character in plain)
    if "@" in plain:
        yield from _emails(plain)
    yield from _numbers(plain, low)
    yield from _telephones(plain, low)
    yield from _ibans(plain, low)
    yield from _networks(plain, low)
    yield from _places(plain, low)
    yield from _birthdays(plain, low)


def _has_word(low: str, words: re.Pattern[str], start: int, end: int) -> bool:
    """True if a word that speaks for the place stands near, before it or, less far, behind it."""
    return words.search(low, max(0, start - BEFORE), start) is not None or words.search(low, end, end + BEHIND) is not None


def _lowered(low: str, confidence: float, start: int) -> float:
    """The confidence after a look for words that speak against the place."""
    return confidence * 0.4 if _AGAINST.search(low, max(0, start - _CLOSE), start) is not None else confidence


def _emails(text: str) -> Iterator[Trace]:
    at = text.find("@")
    while at >= 0:
        local = _LOCAL.search(text, max(0, at - 64), at)
        domain = _DOMAIN.match(text, at + 1, at + 255)
        if local is not None and domain is not None:
            start = at - len(local[0].lstrip(".'{|*#"))
            if start < at and is_email(text[start : domain.end()].replace("_", "a")):
                yield Trace(start, domain.end(), "email", "user.contact.email", 0.97)
        at = text.find("@", at + 1)


def _numbers(text: str, low: str) -> Iterator[Trace]:
    for found in SHAPES.finditer(text):
        start, end = found.span(1)
        value = found[1]
        for kind, is_telling in BY_SHAPE[shape_of(value)]:
            confidence = _confidence(kind, value, low, start, end, is_telling=is_telling)
            if confidence > 0:
                yield Trace(start, end, kind.name, kind.category, confidence)


def _confidence(kind: NumberKind, value: str, low: str, start: int, end: int, *, is_telling: bool) -> float:
    is_right = kind.check(value)
    has_word = _has_word(low, kind.words, start, end)
    if is_telling:
        alone = (0.85 if kind.has_digit else 0.7) if is_right else 0.3
        return (0.97 if is_right else 0.6) if has_word else _lowered(low, alone, start)
    if not has_word:
        return _lowered(low, kind.alone, start) if is_right else 0.0
    if not is_right:
        return 0.45 if kind.has_digit else 0.0
    return max(0.9, kind.alone) if kind.has_digit else 0.8


def _telephones(text: str, low: str) -> Iterator[Trace]:
    for found in RUN.finditer(text):
        run, start = found[0], found.start()
        has_word = _has_word(low, WORDS, start, found.end())
        confidence = telephone_confidence(run, has_word=has_word)
        if confidence == 0.0 and " " in run:
            # Two rows of digits beside each other: the longer part may be a number of its own.
            head, _, tail = run.partition(" ")
            run, start = (tail, start + len(head) + 1) if len(tail) >= len(head) else (head, start)
            confidence = telephone_confidence(run, has_word=has_word) if sum(map(str.isdigit, run)) >= 8 else 0.0
        if confidence > 0:
            yield Trace(start, start + len(run), "phone", "user.contact.phone_number", confidence if has_word else _lowered(low, confidence, start))


def _ibans(text: str, low: str) -> Iterator[Trace]:
    for found in _IBAN.finditer(text):
        length = IBAN_LENGTHS.get(found[0][:2].upper())
        end = _behind(text, found.start(), length) if length is not None else -1
        if end < 0 or text[end : end + 1].isalnum():
            continue
        has_word = _has_word(low, _IBAN_WORDS, found.start(), end)
        is_right = is_iban(text[found.start() : end])
        yield Trace(found.start(), end, "iban", "user.financial.bank_account", 0.98 if is_right else 0.6 if has_word else 0.35)


def _behind(text: str, start: int, count: int) -> int:
    """Where `count` letters and digits from `start` on end; −1 if they do not stand there."""
    at = start
    while count and at < len(text):
        if text[at].isalnum():
            count -= 1
        elif text[at] not in " -":
            return -1
        at += 1
    return -1 if count else at


def _networks(text: str, low: str) -> Iterator[Trace]:
    for found in _MAC_OR_IP.finditer(text) if text.count(".") > 1 or ":" in text or text.count("-") > 4 else ():
        start, end = found.span()
        if found["mac"] is not None:
            if is_mac_address(found["mac"]):
                yield Trace(start, end, "mac", "user.device.device_id", 0.9)
            continue
        confidence = _ip(found[0].rstrip(":") if found["six"] else found[0], has_word=_has_word(low, _IP_WORDS, start, end))
        if confidence > 0:
            yield Trace(start, end, "ip", "user.device.ip_address", _lowered(low, confidence, start))


def _ip(value: str, *, has_word: bool) -> float:
    """Four small numbers may as well be a version, and three times two digits are a time."""
    try:
        parsed = ipaddress.ip_address(value)
    except ValueError:
        return 0.0
    if isinstance(parsed, ipaddress.IPv6Address):
        return 0.95 if value.count(":") >= 4 else 0.7 if has_word else 0.4
    looks_like_a_version = all(octet < 32 for octet in parsed.packed)
    return (0.6 if has_word else 0.3) if looks_like_a_version else 0.95


def _places(text: str, low: str) -> Iterator[Trace]:
    for found in _COORDINATES.finditer(text) if text.count(".") > 1 else ():
        parts = [float(part) for part in re.split("[,; ]+", found[0])]
        if abs(parts[0]) <= 90 and abs(parts[1]) <= 180:
            has_word = _has_word(low, _COORDINATE_WORDS, *found.span())
            yield Trace(*found.span(), "coordinates", "user.location.precise", 0.9 if has_word else 0.6)
    for found in _STREET.finditer(text) if _STREET_SIGN.search(text) is not None else ():
        if found[0].islower() and not found[0].endswith(_SURELY_STREETS):
            continue
        likelihood = street_likelihood(found[0].strip()) or 0.5
        has_word = _has_word(low, _STREET_WORDS, *found.span())
        yield Trace(*found.span(), "street", "user.contact.address.street", 0.9 if has_word else min(likelihood, 0.7))


def _birthdays(text: str, low: str) -> Iterator[Trace]:
    for word in _BIRTH.finditer(low):
        found = _DAY.search(text, word.end(), word.end() + BEFORE)
        if found is not None:
            is_day = day_in(found[0]) is not None or not found[0][0].isdigit()
            yield Trace(*found.span(), "birth date", "user.date_of_birth", 0.85 if is_day else 0.7)
