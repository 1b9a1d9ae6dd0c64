"""One identifier of a person, kept so that it cannot be printed by accident."""

from dataclasses import dataclass

#: Kinds that many people share or that say little: alone they give a *possible* finding and never erase.
WEAK_KINDS = frozenset({"name", "phone", "address", "device", "date_of_birth", "postcode", "ip"})

#: Kinds that a household shares: two of them together still do not tell one person from another.
HOUSEHOLD = frozenset({"phone", "address", "postcode", "ip", "device"})

#: The kind of a key that leads from the person's record to one that it carries along (`carries: true`): an address, for instance.
#: It finds that one record and nothing else, and gives way where somebody else points there too.
CARRIED = "carried"


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A value that must not leak: its `repr` and `str` are masked; only `reveal()` shows it."""

    _value: str

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(•••)"

    def __str__(self) -> str:
        return "•••"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a key that was learnt on the way means something: `customer_id = 17` of *this* field only.

    A scoped selector matches by equality, in fields that reference the scope or name it in `same_as`, never in text.
    """

    system: str
    collection: str
    field: str


@dataclass(frozen=True, slots=True)
class Selector:
    """One identifier of the subject.

    `id` is random and may be stored and shown; `value` may not. `verified` says that somebody checked that
    it is the requester's. `scope` is set for keys learnt from a system; `via` is the `id` of the selector it was reached from.
    """

    id: str
    kind: str
    value: Secret
    verified: bool = False
    scope: Scope | None = None
    via: str | None = None

    @property
    def is_weak(self) -> bool:
        """True for kinds that may never erase alone. A scoped key is as strong as the record it came from."""
        return self.scope is None and self.kind in WEAK_KINDS
