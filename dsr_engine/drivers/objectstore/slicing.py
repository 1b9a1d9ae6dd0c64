"""How a search of many files is cut, so that workers can share it and a killed one repeats little.

A shelf that lists in the order of its keys is cut into ranges at keys that chance picks: a key is a border if its digest is small enough, the
likelier the larger the file. So a part holds about two thousand files or 256 MiB, and a file that comes or goes moves no border but its own.
The first range is open downwards and the last one upwards: what arrives meanwhile falls into one of them. Any other shelf is cut into shares by
digest, each of which lists everything and looks at its own.

A part names its borders by keyed digests, for keys are often personal and slices are stored. Which key is meant is known in memory only, and
learnt from one more listing where it is not.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Lock
from weakref import WeakValueDictionary

from dsr_engine.domain.errors import Unreachable
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.objectstore.catalogue import Catalogue
from dsr_engine.drivers.objectstore.shelf import WHOLE, Shelf, Stretch

#: Files, and bytes, of a range on average. A range costs a listing of its own, which gives a thousand keys.
_FILES = 2000
_BYTES = 256 * 1024**2
#: Files of a share of a shelf that cannot be cut into ranges, and shares at most. A share lists everything, which is quick where there is little.
_SHARE_FILES = 250
_MOST_SHARES = 64
_RANGE = "range"


@dataclass(slots=True, weakref_slot=True)
class _Borders:
    """Keys by their digests, shared by all drivers of one place in this process, and gone with the last of them."""

    keys: dict[str, str] = field(default_factory=dict, repr=False)


_KNOWN: WeakValueDictionary[tuple[str, str], _Borders] = WeakValueDictionary()
_LOCK = Lock()


class Slicing:
    """Cuts the collections of one shelf. `secret` keys the digests; without one they can be guessed by whoever knows a key."""

    def __init__(self, shelf: Shelf, catalogue: Catalogue, secret: str) -> None:
        self._shelf = shelf
        self._catalogue = catalogue
        self._secret = hashlib.sha256(f"borders {secret}".encode()).digest()
        self._shared: _Borders | None = None

    def parts(self, collection: str) -> Iterator[tuple[str, ...]]:
        """What names each part of the collection; it holds no key."""
        borders, count = self._cut(collection)
        if self._shelf.is_ordered:
            names = self._noted(borders)
            yield from ((_RANGE, *bounds) for bounds in pairwise(("", *names, "")))
            return
        shares = 1
        while shares < _MOST_SHARES and count > shares * _SHARE_FILES:
            shares *= 2
        yield from ((str(share), str(shares)) for share in range(shares))

    def stretch(self, collection: str, part: tuple[str, ...]) -> Stretch:
        """The part with this name. Raises `Unreachable` where a border is not there any more: the search is cut anew then."""
        if not part:
            return WHOLE
        if part[0] != _RANGE:
            return Stretch(share=int(part[0]), shares=int(part[1]))
        wanted = [name for name in part[1:] if name]
        if any(name not in self._borders.keys for name in wanted):
            self._noted(self._cut(collection)[0])
        if any(name not in self._borders.keys for name in wanted):
            raise Unreachable("the store changed while it was searched", code="objectstore.borders", hint="it is cut anew at the next try")
        after, upto = (self._borders.keys[name] if name else "" for name in part[1:])
        return Stretch(after, upto)

    @property
    def _borders(self) -> _Borders:
        if self._shared is None:
            place = (self._shelf.server, self._secret.hex())
            with _LOCK:
                self._shared = _KNOWN.setdefault(place, _Borders())
        return self._shared

    def _cut(self, collection: str) -> tuple[list[str], int]:
        """The keys at which the collection is cut, in order, and how many files it has."""
        found: set[str] = set()
        count = 0
        for one in self._catalogue.files(self._shelf, collection):
            if isinstance(one, Gap):
                continue
            count += 1
            if self._shelf.is_ordered and _is_border(one.key, one.size):
                found.add(one.key)
        return sorted(found, key=str.encode), count

    def _noted(self, borders: list[str]) -> list[str]:
        names = [hmac.new(self._secret, key.encode(), hashlib.sha256).hexdigest()[:24] for key in borders]
        self._borders.keys.update(zip(names, borders, strict=True))
        return names


def _is_border(key: str, size: int) -> bool:
    digest = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return digest < 2**64 * (1 / _FILES + size / _BYTES)
