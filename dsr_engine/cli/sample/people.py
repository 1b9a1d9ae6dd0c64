"""The invented people of the sample company. Addresses end in example domains that cannot exist (RFC 2606)."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

_GIVEN = [
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Elif",
    "Finn",
    "Greta",
    "Hugo",
    "Ida",
    "Jan",
    "Kira",
    "Lars",
    "Mia",
    "Nils",
    "Olga",
    "Paul",
    "Rosa",
    "Sven",
    "Tara",
    "Uwe",
    "Vera",
    "Wim",
    "Yara",
    "Zoe",
]
_FAMILY = [
    "Adler",
    "Brandt",
    "Conrad",
    "Dietz",
    "Ebert",
    "Falk",
    "Graf",
    "Heller",
    "Iversen",
    "Jansen",
    "Kranz",
    "Lorenz",
    "Moser",
    "Nolte",
    "Ott",
    "Pohl",
    "Reuter",
    "Seidel",
    "Thoma",
    "Vogt",
]
_CITIES = (("10115", "Berlin"), ("20095", "Hamburg"), ("80331", "München"), ("50667", "Köln"), ("04109", "Leipzig"))


@dataclass(frozen=True, slots=True)
class Person:
    """One customer of the sample company. `number` is the customer's number in the shop."""

    number: int
    name: str
    email: str
    phone: str
    born: date
    street: str
    postcode: str
    city: str


#: The one who asks to be erased.
SUBJECT = Person(17, "Mara Lindqvist", "mara.lindqvist@example.com", "+49 30 901820", date(1984, 5, 17), "Ahornweg 3", "10115", "Berlin")
#: Somebody else of the same name.
NAMESAKE = Person(18, "Mara Lindqvist", "m.lindqvist.1991@example.org", "+49 40 555812", date(1991, 2, 3), "Deichstraße 8", "20095", "Hamburg")
#: Somebody else with the same telephone: they share a household.
HOUSEHOLD = Person(19, "Jonas Ekberg", "jonas.ekberg@example.net", "+49 30 901820", date(1982, 9, 1), "Ahornweg 3", "10115", "Berlin")


def everybody(count: int, seed: int = 7) -> tuple[Person, ...]:
    """The subject, her two doubles, and `count` others; the same ones for the same seed."""
    random = Random(seed)  # noqa: S311  # sample data, no secret
    others = []
    for index in range(count):
        number = 100 + index
        name = f"{random.choice(_GIVEN)} {random.choice(_FAMILY)}"
        postcode, city = random.choice(_CITIES)
        email = f"{name.lower().replace(' ', '.')}.{number}@example.{random.choice(('org', 'net', 'com'))}"
        phone = f"+49 {random.choice(('30', '40', '89'))} {random.randrange(2_000_000, 8_999_999)}"
        born = date(1950, 1, 1) + timedelta(days=random.randrange(18_000))
        others.append(Person(number, name, email, phone, born, f"Lindenstraße {random.randrange(1, 120)}", postcode, city))
    return (SUBJECT, NAMESAKE, HOUSEHOLD, *others)
