"""What the steps of drafting share: what was surveyed, what each field may hold, which links there are, what each collection's rows are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dsr_engine.domain.errors import InputWrong
from dsr_engine.drivers.driver import CollectionFacts, Link
from dsr_engine.spec.selector_kinds import check_kind
from dsr_engine.workflow.drafting.categories import Guess
from dsr_engine.workflow.drafting.collection_words import kind_of
from dsr_engine.workflow.drafting.draft import Role, Sheet
from dsr_engine.workflow.drafting.keynames import is_called_after, is_generic, is_last_of, thing
from dsr_engine.workflow.drafting.survey import Survey


@dataclass(frozen=True, slots=True)
class Tie:
    """A link of a collection. `is_sure`: declared by the server, or borne out so well that the draft may say it."""

    collection: str
    link: Link
    is_declared: bool
    is_sure: bool
    evidence: str

    @property
    def field(self) -> str:
        return self.link.fields[0]

    @property
    def target(self) -> str:
        return self.link.to_collection

    @property
    def is_single(self) -> bool:
        """False for a link over several fields, which no manifest can name."""
        return len(self.link.fields) == 1

    @property
    def is_clear(self) -> bool:
        """True if the field's name says no more than whose key it is: `customer_id`, not `buyer_id`."""
        key = self.link.to_fields[0]
        is_named = is_called_after(self.field, self.target) or is_last_of(self.field, self.target)
        return is_named or (self.field.lower() == key.lower() and not is_generic(key))

    @property
    def reference(self) -> str:
        return f"{self.target}.{self.link.to_fields[0]}"


@dataclass(slots=True)
class Outline:
    """One draft in the making, of the system `name`.

    `histories`: a collection that keeps earlier or copied rows → the one that it keeps them of, or empty.
    """

    name: str
    survey: Survey
    guesses: Mapping[tuple[str, str], Guess]
    ties: tuple[Tie, ...] = ()
    roles: dict[str, Role] = field(default_factory=dict)
    histories: dict[str, str] = field(default_factory=dict)
    sheet: Sheet = field(default_factory=Sheet)

    @property
    def collections(self) -> tuple[CollectionFacts, ...]:
        """Those that were looked into and hold something of their own."""
        return tuple(entry for entry in self.survey.facts if entry.name not in self.survey.unread and not entry.made_from)

    def role(self, collection: str) -> Role:
        return self.roles.get(collection, Role.OTHER)

    def of_role(self, *roles: Role) -> tuple[CollectionFacts, ...]:
        return tuple(entry for entry in self.collections if self.role(entry.name) in roles)

    def guess(self, collection: str, name: str) -> Guess:
        return self.guesses.get((collection, name)) or Guess(None, "", 0.0)

    def out_of(self, collection: str) -> tuple[Tie, ...]:
        return tuple(tie for tie in self.ties if tie.collection == collection)

    def into(self, collection: str) -> tuple[Tie, ...]:
        return tuple(tie for tie in self.ties if tie.target == collection)

    def key(self, collection: str) -> str | None:
        """The one field that names a row; None where it takes several or nothing does."""
        facts = self.survey.collection(collection)
        return facts.key[0] if facts and len(facts.key) == 1 else None

    def is_own_key(self, tie: Tie) -> bool:
        """True if the link is one to one: a row has one of the target at most, and the other way round."""
        facts = self.survey.field(tie.collection, tie.field)
        return tie.is_single and (self.key(tie.collection) == tie.field or (facts is not None and facts.is_unique))

    def is_in_key(self, tie: Tie) -> bool:
        """True if the row is named by what it points at, as a line is by its order."""
        facts = self.survey.collection(tie.collection)
        return facts is not None and set(tie.link.fields) <= set(facts.key)

    def categories(self, collection: str) -> tuple[str, ...]:
        """The categories that were guessed in a collection."""
        facts = self.survey.collection(collection)
        return tuple(found for entry in (facts.fields if facts else ()) if (found := self.guess(collection, entry.name).category))

    def kind(self, collection: str) -> str:
        """The kind of selector that the key of a collection is. `users` and `admin_users` have keys of different kinds: number 17 is two people."""
        own = kind_of(collection).key
        is_shared = any(entry.name != collection and kind_of(entry.name).key == own for entry in self.survey.facts)
        return valid_kind("_".join(thing(collection))) if own is None or is_shared else valid_kind(own.removesuffix("_id"))


def valid_kind(noun: str) -> str:
    """`order` → `order_id`; `record_id` for a noun of which no kind can be made."""
    for kind in (f"{noun}_id", f"{noun}_number", f"{noun.rpartition('_')[2]}_id"):
        try:
            return check_kind(kind)
        except InputWrong:
            continue  # it looks like a mistyped kind, or is no name at all
    return "record_id"
