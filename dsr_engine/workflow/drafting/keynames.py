"""Whether a key is called after a collection: `customer_id` and `customers`, `billing_address_id` and `addresses`."""

import re
from functools import lru_cache

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|\d+")
#: Endings that say "a key", and beginnings that say the same.
_KEY_ENDS = ("id", "ids", "no", "nr", "num", "number", "key", "code", "ref", "fk", "uuid", "guid", "pk", "sk", "oid")
_KEY_STARTS = ("fk", "id", "ref")
#: What some put before the name of every table.
_TABLE_STARTS = frozenset({"tbl", "tab", "t", "tb", "dbo", "app", "core", "dim", "fact", "stg", "public"})
#: What some put behind it.
_TABLE_ENDS = frozenset({"entity", "entities", "table", "tbl", "tab", "master", "mst", "data", "base", "main"})
_IRREGULAR = {"people": "person", "persons": "person", "children": "child", "men": "man", "women": "woman", "staff": "staff", "data": "data"}


@lru_cache(maxsize=20_000)
def words(name: str) -> tuple[str, ...]:
    """The words of a name, small: `shipToAddress_id` → ship, to, address, id."""
    return tuple(part.lower() for part in _WORDS.findall(name))


@lru_cache(maxsize=20_000)
def singular(word: str) -> str:
    """One of them, in English; a word that is no plural stays."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    if len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@lru_cache(maxsize=20_000)
def thing(collection: str) -> tuple[str, ...]:
    """What one row of a collection is: `public.tbl_order_items` → order, item."""
    parts = words(collection.rpartition(".")[2]) or (collection.lower(),)
    while len(parts) > 1 and parts[0] in _TABLE_STARTS:
        parts = parts[1:]
    while len(parts) > 1 and parts[-1] in _TABLE_ENDS:
        parts = parts[:-1]
    return (*parts[:-1], singular(parts[-1]))


@lru_cache(maxsize=20_000)
def stem(field: str) -> tuple[str, ...]:
    """What a key's name speaks of: `billing_address_id` → billing, address. Empty for a bare `id`."""
    parts = words(field)
    while parts and parts[-1] in _KEY_ENDS:
        parts = parts[:-1]
    while len(parts) > 1 and parts[0] in _KEY_STARTS:
        parts = parts[1:]
    return (*parts[:-1], singular(parts[-1])) if parts else ()


def stems(field: str) -> tuple[str, ...]:
    """The stem as one word, also as it would be where nobody divides words: `businessentityid` → businessentityid, businessentity."""
    whole = "".join(stem(field))
    found = [whole] if whole else []
    if len(words(field)) == 1:
        found += [whole[: -len(end)] for end in ("id", "no", "nr", "key", "code") if whole.endswith(end) and len(whole) > len(end) + 2]
    return tuple(found)


def is_called_after(field: str, collection: str) -> bool:
    """True for `customer_id` and `customers`."""
    return "".join(thing(collection)) in stems(field)


def ends_like(field: str, collection: str) -> bool:
    """True for `billing_address_id` and `addresses`."""
    name, parts = thing(collection), stem(field)
    return len(parts) > len(name) and parts[-len(name) :] == name


def is_last_of(field: str, collection: str) -> bool:
    """True for `user_id` and `auth_user`: the collection's name says more, such as the application that it belongs to."""
    name, parts = thing(collection), stem(field)
    return 0 < len(parts) < len(name) and name[-len(parts) :] == parts


def is_short_for(field: str, collection: str) -> bool:
    """True for `cust_id` and `customers`, `emp_no` and `employees`."""
    name, *more = thing(collection)
    return not more and any(3 <= len(short) < len(name) and name.startswith(short) for short in stems(field))


def is_generic(key: str) -> bool:
    """True for a key whose name says nothing about what it names: `id`, `uuid`, `code`."""
    return not stem(key) or stem(key) in (("name",), ("row",), ("rec",), ("record",))


def part_of(collection: str, whole: str) -> bool:
    """True if a collection is called after a part of another's rows: `order_items` and `orders`, `invoiceline` and `invoice`."""
    name, other = "".join(thing(collection)), "".join(thing(whole))
    return name != other and len(other) > 2 and name.startswith(other)
