"""Which hashes of the Delete Request and Opt-out Platform a record of ours has: what its fields are, and every way in which they can be meant.

Only exact hashes count, so trying several readings of one value (a name in one field, a date whose order nobody wrote down) finds more of the right
people and nobody else: the whole has to come out equal.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from itertools import product

from dsr_engine.content import drop_hash
from dsr_engine.content.drop_names import name_forms
from dsr_engine.domain.drop import DropList
from dsr_engine.domain.system import FieldMap


class Role(StrEnum):
    """What a field is to the platform. NAME is a whole name in one field."""

    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    FIRST = "first_name"
    LAST = "last_name"
    BIRTH = "date_of_birth"
    ZIP = "postcode"
    DEVICE = "device"
    VEHICLE = "vehicle"


#: Most special category first.
_CATEGORIES = (
    ("user.contact.email", Role.EMAIL),
    ("user.contact.phone_number", Role.PHONE),
    ("user.name.first", Role.FIRST),
    ("user.name.last", Role.LAST),
    ("user.name", Role.NAME),
    ("user.date_of_birth", Role.BIRTH),
    ("user.demographic.date_of_birth", Role.BIRTH),
    ("user.contact.address.postal_code", Role.ZIP),
    ("user.device.device_id", Role.DEVICE),
    ("user.device.advertising_id", Role.DEVICE),
    ("user.device.tv_id", Role.DEVICE),
    ("user.vehicle", Role.VEHICLE),
)
_SELECTS = {
    "email": Role.EMAIL,
    "phone": Role.PHONE,
    "name": Role.NAME,
    "date_of_birth": Role.BIRTH,
    "postcode": Role.ZIP,
    "device": Role.DEVICE,
}
#: What has to be in one record for each list. A name may come in one field or in two.
_NEEDS: Mapping[DropList, tuple[frozenset[Role], ...]] = {
    DropList.EMAIL: (frozenset({Role.EMAIL}),),
    DropList.PHONE: (frozenset({Role.PHONE}),),
    DropList.MAID: (frozenset({Role.DEVICE}),),
    DropList.CTVID: (frozenset({Role.DEVICE}),),
    DropList.NDZ: (frozenset({Role.FIRST, Role.LAST, Role.BIRTH, Role.ZIP}), frozenset({Role.NAME, Role.BIRTH, Role.ZIP})),
    DropList.NAME_VIN: (frozenset({Role.FIRST, Role.LAST, Role.VEHICLE}), frozenset({Role.NAME, Role.VEHICLE})),
}
#: Words of a name in one field, above which it is no name.
_MOST_WORDS = 8
_HAN_OR_HANGUL = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]{2,6}")


def role_of(field: FieldMap) -> Role | None:
    """What the field is to the platform, by its category, else by what the manifest selects by it. Who only acted is nobody's record."""
    if field.is_actor:
        return None
    category = field.category or ""
    by_category = next((role for name, role in _CATEGORIES if category == name or category.startswith(f"{name}.")), None)
    return by_category if by_category is not None else _SELECTS.get(field.selects or "")


def lists_of(roles: Iterable[Role]) -> tuple[DropList, ...]:
    """The lists with which records that have these fields can be compared."""
    has = frozenset(roles)
    return tuple(entry for entry, needs in _NEEDS.items() if any(need <= has for need in needs))


@dataclass(frozen=True, slots=True, repr=False)
class Parts:
    """The values of one record by role."""

    values: Mapping[Role, Sequence[str]]

    def of(self, role: Role) -> Sequence[str]:
        return self.values.get(role, ())


def hashes_of(parts: Parts, lists: Iterable[DropList]) -> Iterator[tuple[DropList, str]]:
    """Every hash under which the record can stand on one of these lists. What is not usable (a number of no digits) has none."""
    for entry in lists:
        match entry:
            case DropList.EMAIL:
                standards: Iterable[str] = map(drop_hash.email, parts.of(Role.EMAIL))
            case DropList.PHONE:
                standards = map(drop_hash.phone, parts.of(Role.PHONE))
            case DropList.MAID:
                standards = map(drop_hash.maid, parts.of(Role.DEVICE))
            case DropList.CTVID:
                standards = map(drop_hash.ctvid, parts.of(Role.DEVICE))
            case DropList.NDZ:
                yield from ((entry, found) for found in _ndz(parts))
                continue
            case DropList.NAME_VIN:
                yield from ((entry, found) for found in _name_vin(parts))
                continue
        yield from ((entry, drop_hash.hashed(standard)) for standard in standards if standard)


def _ndz(parts: Parts) -> Iterator[str]:
    births = [found for text in parts.of(Role.BIRTH) for found in dates(text)]
    zips = [found for text in parts.of(Role.ZIP) if (found := drop_hash.zip_code(text))]
    if births and zips:
        for (first, last), birth, code in product(_names(parts), births, zips):
            yield drop_hash.composite(first, last, birth, code)


def _name_vin(parts: Parts) -> Iterator[str]:
    vins = [found for text in parts.of(Role.VEHICLE) if (found := drop_hash.vin(text))]
    if vins:
        for (first, last), vin in product(_names(parts), vins):
            yield drop_hash.composite(first, last, vin)


def _names(parts: Parts) -> list[tuple[str, str]]:
    """First and last names, standardised, in every way in which the record can be read."""
    pairs = list(product(parts.of(Role.FIRST), parts.of(Role.LAST)))
    pairs += [pair for text in parts.of(Role.NAME) for pair in splits(text)]
    return list(dict.fromkeys(pair for first, last in pairs for pair in product(name_forms(first), name_forms(last))))


def splits(name: str) -> Iterator[tuple[str, str]]:
    """First and last name of a whole one, wherever it can be cut: `Doe, Jane`, `Juan Pablo | Martinez`, `Juan | Pablo Martinez`, `田中 | 太郎`."""
    last, comma, first = name.partition(",")
    if comma:
        yield first, last
        return
    words = name.split()
    if 1 < len(words) <= _MOST_WORDS:
        for number in range(1, len(words)):
            yield " ".join(words[:number]), " ".join(words[number:])
    if len(words) == 2 and _HAN_OR_HANGUL.fullmatch("".join(words)):
        yield words[1], words[0]
    if len(words) == 1 and _HAN_OR_HANGUL.fullmatch(name.strip()):
        whole = name.strip()
        for number in range(1, len(whole)):
            yield whole[number:], whole[:number]


_ISO = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?")
_SIGNED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?: .*)?")
_YEAR_FIRST = re.compile(r"(\d{4})([/.])(\d{1,2})\2(\d{1,2})")


@lru_cache(maxsize=100_000)
def dates(text: str) -> tuple[str, ...]:
    """`YYYYMMDD` of a date as databases and people write it; two where day and month could change places. Empty for what is no date."""
    text = text.strip()
    if found := _ISO.fullmatch(text):
        return _real((found[1], found[2], found[3]))
    if found := _YEAR_FIRST.fullmatch(text):
        return _real((found[1], found[3], found[4]))
    if found := _SIGNED.fullmatch(text):
        return _real((found[4], found[1], found[3]), (found[4], found[3], found[1]))
    return ()


def _real(*readings: tuple[str, str, str]) -> tuple[str, ...]:
    found = []
    for year, month, day in readings:
        try:
            found.append(f"{date(int(year), int(month), int(day)):%Y%m%d}")
        except ValueError:
            continue
    return tuple(dict.fromkeys(entry.zfill(8) for entry in found))
