"""Names that a table keeps in two columns: neither `Jane` nor `Doe` is anybody, `Jane Doe` may be the person.

Pairs are told by the categories of a manifest (`user.name.first`, `user.name.last`) or by what columns are called, in the languages that schemas are
written in. The text of a pair stands at the place `first_name+last_name` (`domain.record.SPLIT`).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

from dsr_engine.domain.anonymize import ValueType
from dsr_engine.domain.record import SPLIT, Unit, split_fields
from dsr_engine.drivers.sql.schema.columns import Column, Value

#: (first, last) as columns are called, without signs between words.
_PAIRS = (
    *(
        (first, last)
        for first in ("firstname", "fname", "forename", "givenname", "givennames")
        for last in ("lastname", "lname", "surname", "familyname")
    ),
    ("first", "last"),
    ("given", "family"),
    ("given", "surname"),
    *((first, last) for first in ("vorname", "rufname") for last in ("nachname", "familienname", "zuname")),
    *(("prenom", last) for last in ("nom", "nomfamille", "nomdefamille")),
    *((first, last) for first in ("nombre", "nombres") for last in ("apellido", "apellidos")),
    ("nome", "cognome"),
    ("nome", "sobrenome"),
    ("nome", "apelido"),
    ("voornaam", "achternaam"),
    ("imie", "nazwisko"),
    ("jmeno", "prijmeni"),
    ("fornavn", "etternavn"),
    ("fornavn", "efternavn"),
    ("fornamn", "efternamn"),
    ("etunimi", "sukunimi"),
)
_FIRST, _LAST = "user.name.first", "user.name.last"
#: Letters that do not come apart.
_WHOLE = str.maketrans("łøđæœß", "lodaos")
_SIGNS = re.compile(r"[^a-z0-9]+")
_TEXTS = frozenset({ValueType.TEXT, ValueType.OTHER})

Pair = tuple[Column, Column]


def split_names(columns: Iterable[Column]) -> tuple[Pair, ...]:
    """The pairs of readable columns that hold one name, each pair once."""
    texts = [column for column in columns if column.is_readable and column.type in _TEXTS and not column.is_json]
    return tuple(dict.fromkeys((*_by_category(texts), *_by_name(texts))))


def _by_category(columns: Sequence[Column]) -> Iterator[Pair]:
    firsts = [column for column in columns if column.field and column.field.category == _FIRST]
    lasts = [column for column in columns if column.field and column.field.category == _LAST]
    if len(firsts) == len(lasts):
        yield from zip(firsts, lasts, strict=True)
    else:
        yield from ((first, last) for first in firsts for last in lasts)


def _by_name(columns: Sequence[Column]) -> Iterator[Pair]:
    named = {_bare(column.name): column for column in columns}
    for bare, column in named.items():
        for first, last in _PAIRS:
            stem, _, number = _parts(bare, first)
            other = named.get(f"{stem}{last}{number}") if stem is not None else None
            if other is not None and other is not column:
                yield column, other


def _parts(bare: str, core: str) -> tuple[str | None, str, str]:
    """What stands before and behind the word in a name; behind it only a number may."""
    found = re.fullmatch(rf"(.*){core}(\d*)", bare)
    return (found[1], core, found[2]) if found else (None, core, "")


def _bare(name: str) -> str:
    """`Prénom` → `prenom`, `last_name` → `lastname`."""
    plain = unicodedata.normalize("NFKD", name.casefold()).translate(_WHOLE)
    return _SIGNS.sub("", "".join(character for character in plain if not unicodedata.combining(character)))


def side_by_side(columns: Sequence[Column], pairs: Sequence[Pair]) -> tuple[Column, ...]:
    """The columns so that each pair's stand next to each other: then the gate sees the name. A column of two pairs comes twice."""
    placed = [column for pair in pairs for column in pair]
    names = {column.name for column in placed}
    return (*(column for column in columns if column.name not in names), *placed)


def name_units(pairs: Sequence[Pair], values: Mapping[str, Value]) -> Iterator[Unit]:
    """The whole names of a row. They are nobody's key and no field of their own, so they mention and never own."""
    for pair in pairs:
        parts = [value.strip() for column in pair if isinstance(value := values.get(column.name), str) and value.strip()]
        if len(parts) == len(pair):
            yield Unit(place_of(pair), " ".join(parts), is_value=True)


def place_of(pair: Pair) -> str:
    return SPLIT.join(column.name for column in pair)


def columns_at(columns: Mapping[str, Column], place: str) -> tuple[Column, ...]:
    """The columns of a split place; empty for any other place."""
    names = split_fields(place)
    return tuple(columns[name] for name in names) if place not in columns and len(names) > 1 and all(name in columns for name in names) else ()
