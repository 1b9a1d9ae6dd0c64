"""Kinds of numbers that identify people, as they stand in texts: how each is written, how it is checked, which words stand near it.

A shape has a `9` for each digit and an `A` for each letter. In a *telling* shape hardly anything else is written; in a *plain* one anything may be,
so that a check digit or a word near has to speak for it. Words are folded to lower case, in English and in the languages of the number's country.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dsr_engine.content.discovery.identity_numbers import (
    is_belgian_id,
    is_brazilian_cpf,
    is_british_nino,
    is_card_number,
    is_dutch_bsn,
    is_french_social_security,
    is_german_tax_id,
    is_italian_tax_code,
    is_mexican_curp,
    is_polish_pesel,
    is_portuguese_nif,
    is_spanish_id,
    is_swedish_id,
    is_swiss_ahv,
    is_us_social_security,
)
from dsr_engine.content.discovery.national_numbers import (
    is_argentine_cuil,
    is_australian_tfn,
    is_austrian_insurance_number,
    is_british_nhs,
    is_canadian_sin,
    is_chilean_rut,
    is_chinese_resident_id,
    is_danish_cpr,
    is_finnish_id,
    is_indian_aadhaar,
    is_indian_pan,
    is_irish_pps,
    is_israeli_id,
    is_japanese_my_number,
    is_korean_rrn,
    is_norwegian_id,
    is_russian_snils,
    is_singapore_nric,
    is_south_african_id,
    is_turkish_id,
)

NATIONAL = "user.government_id.national_identification_number"
TAX = "user.government_id.tax_number"
PASSPORT = "user.government_id.passport_number"
CARD = "user.financial.credit_card"


@dataclass(frozen=True, slots=True)
class NumberKind:
    """`has_digit`: a check digit vouches for it. `alone` is how sure a plain shape is that its check fits and that no word speaks for (0 to 1)."""

    name: str
    category: str
    check: Callable[[str], bool]
    telling: tuple[str, ...]
    plain: tuple[str, ...]
    words: re.Pattern[str]
    has_digit: bool
    alone: float


def words_of(text: str) -> re.Pattern[str]:
    """Any of these words, as words of their own; one that ends in `-` may go on."""
    parts = (re.escape(word.strip().removesuffix("-")) + ("" if word.strip().endswith("-") else r"(?![^\W_])") for word in text.split(","))
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(parts)})")


def _kind(
    name: str,
    check: Callable[[str], bool],
    words: str,
    *,
    telling: str = "",
    plain: str = "",
    category: str = NATIONAL,
    has_digit: bool = True,
    alone: float = 0.2,
) -> NumberKind:
    surely, perhaps = (tuple(filter(None, several.split("|"))) for several in (telling, plain))
    return NumberKind(name, category, check, surely, perhaps, words_of(words), has_digit, alone if has_digit else 0.0)


def _is_itin(value: str) -> bool:
    """Individual taxpayer identification number (IRS, Publication 1915): 9xx, then 50 to 65, 70 to 88, 90 to 92 or 94 to 99."""
    bare = re.sub("[ -]", "", value)
    return (
        len(bare) == 9
        and bare[0] == "9"
        and (50 <= int(bare[3:5]) <= 65 or 70 <= int(bare[3:5]) <= 88 or int(bare[3:5]) in (90, 91, 92, *range(94, 100)))
    )


def _is_ssn(value: str) -> bool:
    bare = re.sub("[ -]", "", value)
    return bare.isdigit() and len(bare) == 9 and len(set(bare)) > 1 and is_us_social_security(f"{bare[:3]}-{bare[3:5]}-{bare[5:]}")


def _is_passport(value: str) -> bool:
    return sum(character.isdigit() for character in value) >= 5


def _is_document(value: str) -> bool:
    return 5_000_000 <= int(value.replace(".", "")) <= 99_999_999


_CARD_SHAPES = "9999 9999 9999 9999|9999-9999-9999-9999|9999 999999 99999|9999-999999-99999|9999 9999 9999 9999 999|9999 999999 9999|9999-999999-9999"
NUMBER_KINDS: tuple[NumberKind, ...] = (
    _kind(
        "card",
        is_card_number,
        "card,cards,credit,debit,visa,mastercard,amex,american express,discover,maestro,cc,kreditkarte,kreditkarten-,karte,kartennummer,carte,cb,"
        "tarjeta,carta,cartão,cartao,kaart,kort,karta,信用卡,卡号",
        telling=_CARD_SHAPES,
        plain="|".join("9" * length for length in range(12, 20)),
        category=CARD,
        alone=0.8,
    ),
    _kind(
        "United States social security number",
        _is_ssn,
        "ssn,social security,social-security,soc sec,ss#,socials,social",
        telling="999-99-9999",
        plain="999 99 9999|999999999|999.99.9999",
        has_digit=False,
    ),
    _kind(
        "United States ITIN",
        _is_itin,
        "itin,taxpayer,tax id,individual taxpayer",
        telling="",
        plain="999-99-9999|999 99 9999|999999999",
        category=TAX,
        has_digit=False,
    ),
    _kind(
        "British national insurance number",
        is_british_nino,
        "nino,national insurance,ni number,ni no,insurance number",
        telling="AA 99 99 99 A|AA999999A|AA 999999 A|AA-99-99-99-A",
        has_digit=False,
    ),
    _kind("British NHS number", is_british_nhs, "nhs,national health,health service,patient", plain="999 999 9999|999-999-9999|9999999999"),
    _kind(
        "German tax number",
        is_german_tax_id,
        "steuer-id,steuerid,steuer-,steuernummer,identifikationsnummer,idnr,tin,tax id,tax number",
        telling="99 999 999 999",
        plain="99999999999",
        category=TAX,
    ),
    _kind(
        "French social security number",
        is_french_social_security,
        "nir,sécurité sociale,securite sociale,sécu,insee,numéro de sécu-,social security",
        telling="9 99 99 99 999 999 99|9 99 99 9A 999 999 99|9 99 99 99 999 999|999999A99999999",
        plain="999999999999999",
        alone=0.85,
    ),
    _kind(
        "Italian tax code",
        is_italian_tax_code,
        "codice fiscale,cod. fisc,cod fisc,c.f,cf,fiscal code,tax code",
        telling="AAAAAA99A99A999A|AAAAAA 99A99 A999A|AAA AAA 99A99 A999A|AAAAAA-99A99-A999A",
        category=TAX,
    ),
    _kind(
        "Spanish DNI or NIE",
        is_spanish_id,
        "dni,nie,nif,documento nacional,identidad,d.n.i",
        telling="99999999A|99999999-A|99.999.999-A|99.999.999A|A9999999A|A-9999999-A|A9999999-A|99999999 A",
    ),
    _kind("Dutch BSN", is_dutch_bsn, "bsn,burgerservicenummer,sofinummer,sofi,service number", plain="999999999|9999.99.999|999 999 999|9999 99 999"),
    _kind(
        "Belgian national number",
        is_belgian_id,
        "rijksregisternummer,rijksregister-,registre national,numéro national,nrn,niss,insz,national number",
        telling="99.99.99-999.99|99.99.99 999.99",
        plain="99999999999|999999-999-99|999999-99999|999999 999 99",
        alone=0.7,
    ),
    _kind("Polish PESEL", is_polish_pesel, "pesel,numer ewidencyjny", plain="99999999999", alone=0.5),
    _kind(
        "Swedish personnummer",
        is_swedish_id,
        "personnummer,personnr,pnr,samordningsnummer,personal number,id-nummer",
        plain="999999-9999|99999999-9999|9999999999|999999999999|999999+9999",
        alone=0.35,
    ),
    _kind(
        "Norwegian national identity number",
        is_norwegian_id,
        "fødselsnummer,fodselsnummer,fnr,personnummer,d-nummer,fødselsnr",
        plain="99999999999|999999 99999",
        alone=0.7,
    ),
    _kind(
        "Finnish personal identity code",
        is_finnish_id,
        "henkilötunnus,hetu,henkilotunnus,sotu,personbeteckning",
        telling="999999-999A|999999A999A|999999+999A|999999A9999",
        plain="999999-9999",
    ),
    _kind("Danish CPR number", is_danish_cpr, "cpr,cpr-,personnummer,cpr-nummer,cpr-nr", plain="999999-9999|9999999999|999999 9999", has_digit=False),
    _kind(
        "Portuguese NIF",
        is_portuguese_nif,
        "nif,contribuinte,número de identificação fiscal,numero de identificacao fiscal,tax number",
        plain="999999999|999 999 999",
        category=TAX,
    ),
    _kind(
        "Austrian insurance number",
        is_austrian_insurance_number,
        "sozialversicherungsnummer,svnr,sv-nr,sv-nummer,sozialversicherung-,versicherungsnummer",
        plain="9999999999|9999 999999|9999-999999|999 9 999999",
    ),
    _kind(
        "Swiss AHV number",
        is_swiss_ahv,
        "ahv,avs,ahv-,sozialversicherungsnummer,numéro avs,navs",
        telling="999.9999.9999.99",
        plain="9999999999999|999 9999 9999 99",
        alone=0.85,
    ),
    _kind("Irish PPS number", is_irish_pps, "pps,ppsn,personal public service,pps no", telling="", plain="9999999A|9999999AA|9999999 A|9999999 AA"),
    _kind(
        "Brazilian CPF",
        is_brazilian_cpf,
        "cpf,cadastro de pessoas,pessoa física,pessoa fisica,contribuinte",
        telling="999.999.999-99",
        plain="99999999999|999 999 999 99",
        category=TAX,
        alone=0.5,
    ),
    _kind("Mexican CURP", is_mexican_curp, "curp,clave única,clave unica,registro de población", telling="AAAA999999AAAAAA99|AAAA999999AAAAAAA9"),
    _kind(
        "Argentine CUIL", is_argentine_cuil, "cuil,cuit,laboral,tributaria", plain="99-99999999-9|99999999999|99 99999999 9", category=TAX, alone=0.4
    ),
    _kind("Argentine DNI", _is_document, "dni,d.n.i,documento,libreta", plain="99.999.999|99999999|9.999.999", has_digit=False),
    _kind(
        "Chilean RUT",
        is_chilean_rut,
        "rut,run,r.u.t,rol único,rol unico",
        telling="99.999.999-A|9.999.999-A",
        plain="99.999.999-9|9.999.999-9|99999999-9|9999999-9|99999999-A|9999999-A",
        alone=0.4,
    ),
    _kind("Canadian SIN", is_canadian_sin, "sin,social insurance,assurance sociale,nas", plain="999 999 999|999-999-999|999999999"),
    _kind("Australian TFN", is_australian_tfn, "tfn,tax file", plain="999 999 999|999-999-999|999999999|99 999 999", category=TAX),
    _kind("Indian Aadhaar", is_indian_aadhaar, "aadhaar,aadhar,uidai,uid,आधार", plain="9999 9999 9999|9999-9999-9999|999999999999"),
    _kind("Indian PAN", is_indian_pan, "pan,permanent account,income tax", telling="AAAAA9999A", category=TAX, has_digit=False),
    _kind(
        "Chinese resident id",
        is_chinese_resident_id,
        "resident id,identity card,id card,id number,身份证,身份證,身份证号,公民身份-",
        telling="99999999999999999A",
        plain="999999999999999999|999999 99999999 9999|999999 99999999 999A",
        alone=0.9,
    ),
    _kind(
        "Japanese My Number",
        is_japanese_my_number,
        "my number,mynumber,マイナンバー-,個人番号-,individual number",
        plain="999999999999|9999 9999 9999|9999-9999-9999",
    ),
    _kind(
        "Korean resident registration number",
        is_korean_rrn,
        "rrn,resident registration,주민등록번호-,주민번호-,주민등록-",
        telling="999999-9999999",
        plain="9999999999999",
        alone=0.4,
    ),
    _kind("Singapore NRIC or FIN", is_singapore_nric, "nric,fin,identity card,ic no,ic number", telling="A9999999A"),
    _kind(
        "South African identity number",
        is_south_african_id,
        "identity number,id number,id no,sa id,rsa id,identiteitsnommer,south african id",
        plain="9999999999999|999999 9999 999|999999 9999 99 9",
        alone=0.6,
    ),
    _kind(
        "Turkish identity number",
        is_turkish_id,
        "tckn,t.c,kimlik,tc no,kimlik numarası,tc kimlik",
        plain="99999999999|999 999 999 99|999 99 99 99 99",
        alone=0.5,
    ),
    _kind("Israeli identity number", is_israeli_id, "teudat zehut,t.z,תעודת זהות,ת.ז,מספר זהות,israeli id", plain="999999999|99999999-9|9-9999999-9"),
    _kind("Russian SNILS", is_russian_snils, "снилс,snils,страховой номер", telling="999-999-999 99", plain="99999999999|999-999-999-99"),
    _kind(
        "passport number",
        _is_passport,
        "passport,passports,reisepass,reisepassnummer,passeport,pasaporte,passaporto,passaporte,paspoort,pass-nr,passnummer,паспорт-,护照",
        plain="A99999999|999999999|AA9999999|99AA99999|A9999999|AA999999|A99A99A99|99999999",
        category=PASSPORT,
        has_digit=False,
    ),
)


def _by_shape(kinds: Iterable[NumberKind]) -> Mapping[str, tuple[tuple[NumberKind, bool], ...]]:
    found: dict[str, list[tuple[NumberKind, bool]]] = {}
    for kind in kinds:
        for shapes, is_telling in ((kind.telling, True), (kind.plain, False)):
            for shape in shapes:
                found.setdefault(shape, []).append((kind, is_telling))
    return {shape: tuple(several) for shape, several in found.items()}


#: Which kinds are written in a shape, and whether it tells.
BY_SHAPE = _by_shape(NUMBER_KINDS)
_CLASSES = {"9": "[0-9]", "A": "[A-Za-z]"}


def _pattern(shape: str) -> str:
    return "".join(f"{_CLASSES.get(found[0][0], re.escape(found[0][0]))}{{{len(found[0])}}}" for found in re.finditer(r"9+|A+|[^9A]", shape))


#: Every shape at every place where one may begin, the longest first. The place before and behind it is no part of a longer number.
SHAPES = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9A-Za-z][-./_])(?=[A-Za-z]{0,6}[- ]?[0-9])"
    rf"(?=({'|'.join(_pattern(shape) for shape in sorted(BY_SHAPE, key=lambda shape: (-len(shape), shape)))})(?![0-9A-Za-z])(?![-./_][0-9A-Za-z]))"
)


def shape_of(text: str) -> str:
    """`AA 99 99 99 A` for a number that is written so."""
    return text.translate(_TO_SHAPE)


_TO_SHAPE = str.maketrans(dict.fromkeys("0123456789", "9") | dict.fromkeys("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "A"))
