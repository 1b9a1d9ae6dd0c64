"""A draft of a manifest: guesses with reasons. It holds names, numbers and sentences; no value of any record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dsr_engine.domain.system import Residual
from dsr_engine.drivers.driver import Link
from dsr_engine.drivers.survey import Traces

#: The order in which a field's keys are written.
KEYS = ("category", "selects", "identifies", "role", "references", "carries", "neutral", "search", "starts", "same_as")
#: Between several values of one key (`same_as`).
SEVERAL = "\n"


class Role(StrEnum):
    """What the rows of a collection are."""

    SUBJECT = "people"
    EMPLOYEE = "employees"
    UNCLEAR = "people, unclear which"
    ORGANISATION = "organisations with people in them"
    HISTORY = "history"
    OWNED = "records of people"
    OTHER = "other"

    @property
    def is_people(self) -> bool:
        return self in (Role.SUBJECT, Role.EMPLOYEE, Role.UNCLEAR)


class Standing(StrEnum):
    """What a link means for whose a record is."""

    OWNED = "owned"
    PERHAPS = "perhaps owned"
    PART = "part"
    ACTOR = "actor"
    CARRIED = "carries"
    PARENT = "parent"
    OTHER = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Keys of a field as they would be written, why, and whether the draft says so (`is_written`) or only suggests it in a comment."""

    words: Mapping[str, str]
    reason: str
    is_written: bool


@dataclass(frozen=True, slots=True)
class FieldDraft:
    name: str
    type: str
    proposals: tuple[Proposal, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def written(self) -> dict[str, str]:
        """The keys that the draft itself says, in the order of `KEYS`."""
        return ordered(entry.words for entry in self.proposals if entry.is_written)

    @property
    def suggested(self) -> tuple[Proposal, ...]:
        return tuple(entry for entry in self.proposals if not entry.is_written)

    def with_suggestion(self, proposal: Proposal) -> dict[str, str]:
        """The keys if the suggestion is followed: an actor is no owner, and the other way round."""
        words = dict(self.written)
        if "role" in proposal.words:
            words = {key: value for key, value in words.items() if key not in ("selects", "identifies")}
        if {"selects", "identifies"} & set(proposal.words):
            words.pop("role", None)
        return ordered((words, proposal.words))

    @property
    def is_personal(self) -> bool:
        return "category" in self.written


@dataclass(frozen=True, slots=True)
class LinkDraft:
    """A link, whether the server declares it, what speaks for it, and what it means for whose a record is."""

    link: Link
    is_declared: bool
    evidence: str
    standing: Standing = Standing.OTHER
    is_written: bool = True


@dataclass(frozen=True, slots=True)
class CollectionDraft:
    """`rows` is the server's estimate, or what was counted while looking (None: nobody knows). `gap`: what of it was not looked at.

    `fence` is what `restrict` sets, where somebody has said so. `traces` tell what was seen inside files, place by place, and `extent` how much
    of them was looked at.
    """

    name: str
    key: tuple[str, ...]
    rows: int | None
    role: Role
    fields: tuple[FieldDraft, ...] = ()
    links: tuple[LinkDraft, ...] = ()
    notes: tuple[str, ...] = ()
    gap: str = ""
    fence: tuple[tuple[str, str | int | bool], ...] = ()
    traces: tuple[Traces, ...] = ()
    extent: str = ""

    @property
    def listed(self) -> tuple[FieldDraft, ...]:
        """The fields that the manifest speaks of."""
        return tuple(field for field in self.fields if field.written or field.suggested)

    def field_named(self, name: str) -> FieldDraft | None:
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True, slots=True)
class Draft:
    """`gaps` are sentences about what was not looked at or not asked at all. `discover` is as somebody chose it; empty: nobody did."""

    name: str
    driver: str
    about: str
    collections: tuple[CollectionDraft, ...]
    residuals: tuple[Residual, ...] = ()
    gaps: tuple[str, ...] = ()
    discover: str = ""

    def collection_named(self, name: str) -> CollectionDraft | None:
        return next((entry for entry in self.collections if entry.name == name), None)


class Sheet:
    """Where proposals are gathered before they are a draft: the steps of drafting each add theirs."""

    def __init__(self) -> None:
        self._proposals: dict[tuple[str, str], list[Proposal]] = {}
        self._notes: dict[tuple[str, str], list[str]] = {}
        self._standings: dict[tuple[str, Link], Standing] = {}

    def write(self, collection: str, field: str, reason: str, **words: str) -> None:
        """Something that the draft says."""
        self._add(collection, field, Proposal(words, one_line(reason), True))

    def suggest(self, collection: str, field: str, reason: str, **words: str) -> None:
        """Something for a human to decide; it stands in a comment."""
        self._add(collection, field, Proposal(words, one_line(reason), False))

    def propose(self, is_written: bool, collection: str, field: str, reason: str, **words: str) -> None:
        self._add(collection, field, Proposal(words, one_line(reason), is_written))

    def note(self, collection: str, text: str, field: str = "") -> None:
        known = self._notes.setdefault((collection, field), [])
        if one_line(text) not in known:
            known.append(one_line(text))

    def place(self, collection: str, link: Link, standing: Standing) -> None:
        """What a link means. The first word counts, but a parent may yet turn out to be carried."""
        if self.standing(collection, link) in (Standing.OTHER, Standing.PARENT):
            self._standings[collection, link] = standing

    def standing(self, collection: str, link: Link) -> Standing:
        return self._standings.get((collection, link), Standing.OTHER)

    def proposals(self, collection: str, field: str) -> tuple[Proposal, ...]:
        return tuple(self._proposals.get((collection, field), ()))

    def written(self, collection: str, field: str) -> dict[str, str]:
        return ordered(entry.words for entry in self.proposals(collection, field) if entry.is_written)

    def notes(self, collection: str, field: str = "") -> tuple[str, ...]:
        return tuple(self._notes.get((collection, field), ()))

    def _add(self, collection: str, field: str, proposal: Proposal) -> None:
        known = self._proposals.setdefault((collection, field), [])
        if proposal not in known:
            known.append(proposal)


def ordered(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The parts put together, in the order of `KEYS`."""
    whole: dict[str, str] = {}
    for part in parts:
        whole.update(part)
    return {key: whole[key] for key in KEYS if key in whole}


def one_line(text: str) -> str:
    """Text for a comment: nothing in it ends the line."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def listing(names: Sequence[str], most: int = 12) -> str:
    """`a, b, c and 4 more`."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
