"""What a driver brings: a record with the texts in it that may hold the person. It lives in memory only."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from dsr_engine.domain.correspondence import Envelope
from dsr_engine.domain.system import FieldMap

#: Joins the fields of a text that is split over several: a first and a last name.
SPLIT = "+"


def split_fields(place: str) -> tuple[str, ...]:
    """The fields that a place names: several where a text is split over them (`first_name+last_name`), else itself."""
    return tuple(place.split(SPLIT)) if is_split(place) else (place,)


def is_split(place: str) -> bool:
    """True for the place of a text that is split over several fields."""
    return SPLIT in place.strip(SPLIT) and "/" not in place


@dataclass(frozen=True, slots=True, repr=False)
class Locator:
    """Where one record is. `key` is the system's own key as text and may be personal, so `repr` hides it.

    `key` by driver: sql — the primary key's values (or a row digest where there is none); mailstore — what names the message in its
    folder for good; objectstore — (object key, version id or ""). `inside` is the part of a file that is a record of its own
    (`row:17`, `part:2/row:3`), empty for the whole.
    """

    system: str
    collection: str
    key: tuple[str, ...]
    inside: str = ""

    @property
    def whole(self) -> "Locator":
        """The record that this one is part of; itself where it is not a part."""
        return Locator(self.system, self.collection, self.key) if self.inside else self

    def __repr__(self) -> str:
        return f"Locator({self.system}.{self.collection} •••)"


class Doubt(StrEnum):
    """How far a text is what stands there. What was recognised in a picture may have letters wrong; a guess corrects some that are often mistaken."""

    NONE = ""
    RECOGNISED = "recognised"
    GUESSED = "guessed"


@dataclass(frozen=True, slots=True, repr=False)
class Unit:
    """One text of a record and where it is.

    `place` names it inside the record: a column (`email`), a header (`header:from`), or a path into a file
    (`part:2/row:17/email`). `inside` is the sub-record that it belongs to (see `Locator.inside`). `field` is what the manifest says of it.
    `is_value` is true when the text is one whole value (a column, a cell, an address header): only then can it *own* a record.
    `is_unique` is true when the system guarantees that the value occurs once (a unique column).
    `is_opaque` marks bytes of unknown shape that were searched as latin-1 text: they can be reported, never rewritten.
    `doubt` caps how sure a finding in it can be: likely where it was recognised, possible where it was guessed.
    `role` is where in a mail it stands (`domain.correspondence`); empty outside of mail.
    """

    place: str
    text: str
    inside: str = ""
    field: FieldMap | None = None
    is_value: bool = False
    is_unique: bool = False
    is_opaque: bool = False
    doubt: Doubt = Doubt.NONE
    role: str = ""

    def __repr__(self) -> str:
        return f"Unit({self.place.split('/')[0]!r} •••)"


@dataclass(frozen=True, slots=True)
class Record:
    """One candidate: a record that passed the gate, with the units that did.

    `server` identifies the server that it was read from. `facts` holds the fields that policies asked for (dates, states), as text.
    `identifying` holds {field: value} of fields that the manifest marks `identifies` or `carries`. `gaps` lists what could not be read in it.
    `envelope` is what a mail's headers say of who wrote it to whom; None for anything else, and for a mail whose headers cannot be read.
    """

    locator: Locator
    units: tuple[Unit, ...]
    server: str
    created: datetime | None = None
    facts: Mapping[str, str | None] = field(default_factory=dict)
    identifying: Mapping[str, str] = field(default_factory=dict, repr=False)
    gaps: tuple["Gap", ...] = ()
    envelope: Envelope | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was not looked at: a reason in plain words without personal data. `code` is stable (`zip.encrypted`).

    `key` is that of the record it is about, where it is about one (see `Locator.key`): it may be personal, so it is never part of a reason.
    """

    collection: str
    code: str
    reason: str
    key: tuple[str, ...] = field(default=(), repr=False, compare=False)

    def about(self, key: tuple[str, ...]) -> "Gap":
        """This gap, said of the record with this key."""
        return self if self.key else replace(self, key=key)
