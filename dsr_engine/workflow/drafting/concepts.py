"""What a field of a database can hold about a person: the concepts that names of fields are translated into."""

from dataclasses import dataclass
from enum import StrEnum

from dsr_engine.domain.anonymize import ValueType

#: Fields of these types hold written words or codes.
TEXTS = frozenset({ValueType.TEXT, ValueType.ENUM, ValueType.JSON, ValueType.OTHER})
NUMBERS = frozenset({ValueType.INTEGER, ValueType.NUMBER})
DAYS = frozenset({ValueType.DATE, ValueType.TIMESTAMP})


class Setting(StrEnum):
    """Where a field must stand to mean a person: anywhere; beside or about people; or in a record of a person itself."""

    ANYWHERE = "anywhere"
    ABOUT_PEOPLE = "about people"
    PERSON = "of a person"


@dataclass(frozen=True, slots=True)
class Concept:
    """`says` completes "named like …". `shapes` are recognisers (`content.discovery.recognizers`) that confirm it; with `must_fit` values that none
    of them knows speak against it. `letters`: values without any letter speak against it. `selects` is the kind of selector that such a field equals.
    """

    category: str
    says: str
    setting: Setting = Setting.ANYWHERE
    types: frozenset[ValueType] = TEXTS
    shapes: tuple[str, ...] = ()
    must_fit: bool = False
    letters: bool = False
    selects: str | None = None
    is_text: bool = False


_ABOUT, _PERSON = Setting.ABOUT_PEOPLE, Setting.PERSON
_LOOSE = TEXTS | NUMBERS
_FLAGS = TEXTS | NUMBERS | {ValueType.BOOLEAN}
_ANY = frozenset(ValueType)
_IDS = (
    "Spanish DNI or NIE",
    "Italian tax code",
    "French social security number",
    "Mexican CURP",
    "Swiss AHV number",
    "British national insurance number",
    "United States social security number",
    "Dutch BSN",
    "Polish PESEL",
    "Swedish personnummer",
    "Belgian national number",
)
_TAXES = ("Italian tax code", "German tax number", "Brazilian CPF", "Portuguese NIF", "Spanish DNI or NIE", "United States social security number")
_ART_9 = "(GDPR Art. 9)"

CONCEPTS: dict[str, Concept] = {
    "email": Concept("user.contact.email", "an e-mail address", shapes=("email",), must_fit=True, selects="email"),
    "phone": Concept("user.contact.phone_number", "a telephone number", types=_LOOSE, shapes=("phone",), selects="phone"),
    "fax": Concept("user.contact.fax_number", "a fax number", types=_LOOSE, shapes=("phone",)),
    "first name": Concept("user.name.first", "a first name", shapes=("name",), letters=True),
    "last name": Concept("user.name.last", "a family name", letters=True),
    "full name": Concept("user.name", "a name", setting=_ABOUT, shapes=("name",), letters=True),
    "person name": Concept("user.name", "the name of a person", shapes=("name",), letters=True),
    "whole name": Concept("user.name", "a whole name", setting=_ABOUT, shapes=("name",), letters=True),
    "somebody": Concept("user.name", "somebody", setting=_ABOUT, shapes=("name",), letters=True),
    "salutation": Concept("user.name", "a form of address", setting=_ABOUT),
    "street": Concept("user.contact.address.street", "a street", setting=_ABOUT, types=_LOOSE, shapes=("street",)),
    "address": Concept("user.contact.address", "an address", setting=_ABOUT, shapes=("street",)),
    "city": Concept("user.contact.address.city", "a town", setting=_ABOUT, letters=True),
    "state": Concept("user.contact.address.state", "a state or province", setting=_ABOUT),
    "country": Concept("user.contact.address.country", "a country", setting=_ABOUT),
    "postcode": Concept("user.contact.address.postal_code", "a postcode", setting=_ABOUT, types=_LOOSE, shapes=("postcode",)),
    "birth date": Concept("user.date_of_birth", "a date of birth", types=TEXTS | DAYS | NUMBERS, shapes=("birth date",)),
    "birth place": Concept("user.demographic", "a place of birth", letters=True),
    "age": Concept("user.demographic.age_range", "an age", setting=_PERSON, types=_LOOSE),
    "gender": Concept("user.demographic.gender", "a gender", setting=_ABOUT, types=_FLAGS, shapes=("gender",)),
    "language": Concept("user.demographic.language", "a language", setting=_PERSON, shapes=("language",)),
    "marital status": Concept("user.demographic.marital_status", "a marital status", types=_FLAGS),
    "nationality": Concept("user.demographic", "a nationality"),
    "education": Concept("user.demographic.profile", "education", setting=_PERSON),
    "religion": Concept("user.demographic.religious_belief", f"religion {_ART_9}", setting=_ABOUT, types=_FLAGS),
    "ethnicity": Concept("user.demographic.race_ethnicity", f"ethnic origin {_ART_9}", setting=_ABOUT, types=_FLAGS),
    "orientation": Concept("user.demographic.sexual_orientation", f"sexual orientation {_ART_9}", types=_FLAGS),
    "politics": Concept("user.demographic.political_opinion", f"political opinion {_ART_9}", setting=_ABOUT, types=_FLAGS),
    "union": Concept("user.demographic", f"membership of a trade union {_ART_9}", setting=_ABOUT, types=_FLAGS),
    "health": Concept("user.health_and_medical", f"health {_ART_9}", setting=_ABOUT, types=_ANY),
    "state of health": Concept("user.health_and_medical", f"health {_ART_9}", setting=_ABOUT, types=_ANY),
    "genetic": Concept("user.health_and_medical.genetic", f"genetic data {_ART_9}", setting=_ABOUT, types=_ANY),
    "insurance": Concept("user.health_and_medical.insurance_beneficiary_id", "the number of a health insurance", types=_LOOSE),
    "medical record": Concept("user.health_and_medical.record_id", "the number of a medical record", types=_LOOSE),
    "biometric": Concept("user.biometric", f"biometric data {_ART_9}", types=_ANY),
    "fingerprint": Concept("user.biometric.fingerprint", f"fingerprints {_ART_9}", setting=_ABOUT, types=_ANY),
    "crime": Concept("user.criminal_history", "convictions (GDPR Art. 10)", types=_FLAGS),
    "username": Concept("user.account.username", "a name to log in with", selects="username"),
    "password": Concept("user.authorization.password", "a password", types=TEXTS | {ValueType.BINARY}),
    "secret": Concept(
        "user.authorization.credentials", "a secret that lets somebody in", setting=_ABOUT, types=TEXTS | {ValueType.BINARY, ValueType.UUID}
    ),
    "iban": Concept("user.financial.bank_account", "an IBAN", shapes=("iban",), must_fit=True, selects="iban"),
    "bank account": Concept("user.financial.bank_account", "a bank account", types=_LOOSE, shapes=("iban",)),
    "card": Concept("user.financial.credit_card", "a payment card", types=_LOOSE | DAYS, shapes=("card",)),
    "salary": Concept("user.financial.salary", "pay", setting=_ABOUT, types=_LOOSE),
    "credit": Concept("user.financial", "creditworthiness", setting=_ABOUT, types=_LOOSE),
    "national id": Concept(
        "user.government_id.national_identification_number", "a national identity number", types=_LOOSE, shapes=_IDS, selects="national_id"
    ),
    "tax number": Concept("user.government_id.tax_number", "a tax number", setting=_ABOUT, types=_LOOSE, shapes=_TAXES, selects="tax_number"),
    "personal tax number": Concept("user.government_id.tax_number", "a person's tax number", types=_LOOSE, shapes=_TAXES, selects="tax_number"),
    "passport": Concept("user.government_id.passport_number", "the number of a passport", types=_LOOSE, selects="passport_number"),
    "licence": Concept("user.government_id.drivers_license_number", "the number of a driving licence", types=_LOOSE),
    "ip": Concept("user.device.ip_address", "an IP address", types=TEXTS | {ValueType.BINARY, ValueType.INTEGER}, shapes=("ip",)),
    "device": Concept("user.device.device_id", "the identifier of a device", types=_LOOSE | {ValueType.UUID}, shapes=("mac", "uuid"), setting=_ABOUT),
    "mac": Concept("user.device.device_id", "a hardware address", shapes=("mac",), must_fit=True),
    "cookie": Concept("user.device.cookie_id", "a cookie", types=_LOOSE | {ValueType.UUID}, setting=_ABOUT),
    "user agent": Concept("user.device", "the identification of a browser", shapes=("user agent",)),
    "position": Concept("user.location.precise", "a position", setting=_ABOUT, types=_ANY, shapes=("coordinates",)),
    "place": Concept("user.location", "a place", setting=_PERSON),
    "job title": Concept("user.job_title", "a job title", setting=_ABOUT),
    "title": Concept("user.job_title", "a title or a position", setting=_PERSON, letters=True),
    "employment": Concept("user.employment", "employment", setting=_ABOUT, types=_ANY),
    "employer": Concept("user.workplace", "an employer"),
    "organisation": Concept("user.contact.organization", "the organisation of a person", setting=_PERSON),
    "picture": Concept("user.content.self_image", "a picture of a person", setting=_PERSON, types=TEXTS | {ValueType.BINARY}),
    "signature": Concept("user.content", "a signature", setting=_ABOUT, types=TEXTS | {ValueType.BINARY}),
    "website": Concept("user.contact.url", "a web page", setting=_PERSON, shapes=("profile",)),
    "profile page": Concept("user.contact.url", "a profile of a person", shapes=("profile",)),
    "plate": Concept("user.vehicle", "the number plate of a vehicle"),
    "consent": Concept("user.privacy_preferences", "a consent or an objection", setting=_ABOUT, types=_ANY),
    "preferences": Concept("user.account.settings", "preferences", setting=_PERSON, types=_ANY),
    "relatives": Concept("user.social", "relatives or friends", setting=_ABOUT, types=_LOOSE | {ValueType.BOOLEAN}),
    "children": Concept("user.childrens", "children", setting=_PERSON, types=_LOOSE | {ValueType.BOOLEAN}),
    "biography": Concept("user.content", "what somebody tells about themselves", setting=_ABOUT, is_text=True),
    "note": Concept("user.content", "a note", setting=_ABOUT, is_text=True),
    "prose": Concept("user.content", "a text", setting=_ABOUT, is_text=True),
    "private message": Concept("user.content.private", "a message", setting=_ABOUT, is_text=True),
    "search term": Concept("user.behavior.search_history", "what somebody searched for", setting=_ABOUT),
    "pseudonym": Concept("user.unique_id.pseudonymous", "an identifier in place of another", types=TEXTS | {ValueType.BINARY}),
}
