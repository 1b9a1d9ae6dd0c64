"""Whose records a matched identifier leads to: one consumer's, or those of several, who then are all opted out and nobody erased.

The law wants a match of the whole identifier and no likeness; so what is decided here is only whether the records behind it are one person's. Records
that share a key (a customer number) are. Two keys of one field are two people, unless name and address agree; where an identifier is shared by
households (a telephone, a device), other names or addresses are other people. In doubt they are several: an opt-out erases nobody by mistake.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from dsr_engine.content import drop_hash
from dsr_engine.content.drop_names import standard_name
from dsr_engine.content.drop_record import Parts, Role
from dsr_engine.domain.drop import DropList
from dsr_engine.domain.selector import Scope, Secret, Selector

#: Records that are looked at for one identifier; an identifier in more of them is nobody's own.
MOST_RECORDS = 200

#: A key by which a system knows a person: the field that it means something in, what it is called, and its value.
Key = tuple[Scope, str, str]
#: What may tell that two records are one person's: a key, or an address.
Mark = tuple[Scope, str] | str


@dataclass(frozen=True, slots=True, repr=False)
class Trace:
    """One record behind an identifier. `keys` are those of the person, `own` is the record's own key, which says nothing of who they are."""

    keys: tuple[Key, ...]
    own: Key | None
    parts: Parts

    def emails(self) -> frozenset[str]:
        return frozenset(found for text in self.parts.of(Role.EMAIL) if (found := drop_hash.email(text)))

    def names(self) -> frozenset[tuple[str, ...]]:
        """The name as its words in the order of the alphabet: `Doe, Jane` and `Jane Doe` are one name."""
        whole = list(self.parts.of(Role.NAME))
        whole += [f"{first} {last}" for first in self.parts.of(Role.FIRST) for last in self.parts.of(Role.LAST)]
        words = (sorted(filter(None, map(standard_name, text.replace(",", " ").split()))) for text in whole)
        return frozenset(tuple(found) for found in words if found)

    def marks(self) -> Iterator[Mark]:
        """The keys and addresses, and the record's own key."""
        yield from ((scope, value) for scope, _, value in self.keys)
        yield from self.emails()
        if self.own is not None:
            yield self.own[0], self.own[2]

    def selectors(self, shared: Container[Mark] = ()) -> Iterator[tuple[str, str, Scope | None]]:
        """What the person is looked for by: keys and addresses; the record itself where it has neither, else what little it holds.

        What is `shared` with other people is left out.
        """
        found = [(kind, value, scope) for scope, kind, value in self.keys if (scope, value) not in shared]
        texts = (text for text in self.parts.of(Role.EMAIL) if "@" in text and drop_hash.email(text) not in shared)
        own = [*found, *(("email", text.strip(), None) for text in texts)]
        if not own and self.own is not None:
            scope, kind, value = self.own
            own = [(kind, value, scope)] if (scope, value) not in shared else []
        yield from own
        if own or self.keys or self.own is not None:
            return
        for role in (Role.PHONE, Role.NAME, Role.BIRTH, Role.ZIP, Role.DEVICE):
            yield from ((role.value, text.strip(), None) for text in self.parts.of(role) if text.strip())
        yield from (
            ("name", f"{first} {last}".strip(), None) for first in self.parts.of(Role.FIRST) for last in self.parts.of(Role.LAST) if first and last
        )


@dataclass(slots=True)
class Traces:
    """All records behind one identifier, in memory only."""

    of: DropList
    found: list[Trace] = field(default_factory=list)
    is_too_many: bool = False

    def add(self, trace: Trace) -> None:
        """Keeps the record; one that is read twice counts once."""
        if trace in self.found or self.is_too_many:
            return
        if len(self.found) < MOST_RECORDS:
            self.found.append(trace)
        else:
            self.is_too_many = True


@dataclass(slots=True)
class _Group:
    """Records that are one person's."""

    keys: dict[Scope, set[str]]
    emails: set[str]
    names: set[tuple[str, ...]]


def are_several(traces: Traces) -> bool:
    """True if the records behind the identifier are of more than one consumer."""
    if traces.is_too_many:
        return True
    groups = _groups(traces)
    return any(_differ(one, other, traces.of) for number, one in enumerate(groups) for other in groups[:number])


def is_vague(traces: Traces, shared: Container[Mark]) -> bool:
    """True if all that the records are known by is shared with other people: a case could look for nothing that is theirs alone."""
    return not any(True for trace in traces.found for _ in trace.selectors(shared))


def _groups(traces: Traces) -> list[_Group]:
    """Records that share a key, or on the list of addresses a name, are one group."""
    groups: list[_Group] = []
    for trace in traces.found:
        keys: dict[Scope, set[str]] = {}
        for scope, _, value in trace.keys:
            keys.setdefault(scope, set()).add(value)
        new = _Group(keys, set(trace.emails()), set(trace.names()))
        same = [group for group in groups if _is_one(group, new, traces.of)]
        for group in same:
            groups.remove(group)
            for scope, values in group.keys.items():
                new.keys.setdefault(scope, set()).update(values)
            new.emails |= group.emails
            new.names |= group.names
        groups.append(new)
    return groups


def _is_one(one: _Group, other: _Group, entry: DropList) -> bool:
    if any(one.keys[scope] & other.keys[scope] for scope in one.keys.keys() & other.keys.keys()):
        return True
    if entry in (DropList.NDZ, DropList.NAME_VIN):
        return True  # name, birth date and postcode agree: that is more than anybody else is asked for
    agree = int(bool(one.emails & other.emails)) + int(bool(one.names & other.names))
    return agree > 1


def _differ(one: _Group, other: _Group, entry: DropList) -> bool:
    if one.keys.keys() & other.keys.keys():
        return True
    if entry is DropList.EMAIL:
        return False
    has_other_names = bool(one.names and other.names and not one.names & other.names)
    return has_other_names or bool(one.emails and other.emails and not one.emails & other.emails)


@dataclass(slots=True, repr=False)
class Consumer:
    """One person, the work items that lead to them, and the records."""

    items: list[str] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    marks: set[object] = field(default_factory=set)

    def absorb(self, other: "Consumer") -> None:
        self.items += other.items
        self.traces += other.traces
        self.marks |= other.marks


def consumers(matched: Iterable[tuple[Sequence[str], Traces]], shared: Container[Mark] = ()) -> tuple[Consumer, ...]:
    """Work items with the records behind them, put together by person: whoever is on several lists is one consumer, and one case."""
    of: dict[object, Consumer] = {}
    for items, traces in matched:
        whole = Consumer(list(items), list(traces.found), _marks(traces.found, shared))
        known = {id(of[mark]): of[mark] for mark in whole.marks if mark in of}
        for consumer in sorted(known.values(), key=lambda entry: -len(entry.marks)):
            if len(consumer.marks) > len(whole.marks):
                whole, consumer = consumer, whole  # the smaller one goes into the larger one
            whole.absorb(consumer)
        of.update(dict.fromkeys(whole.marks, whole))
    return tuple({id(consumer): consumer for consumer in of.values()}.values())


def _marks(traces: Iterable[Trace], shared: Container[Mark]) -> set[object]:
    """What two records of one person have in common."""
    found: set[object] = set()
    for trace in traces:
        found.update(mark for mark in trace.marks() if mark not in shared)
        if not found:
            found.add(id(trace))
    return found


def selectors_of(traces: Iterable[Trace], new_id: Iterator[str], shared: Container[Mark] = ()) -> tuple[Selector, ...]:
    """What a case looks for this person by, each once; nothing where all that is known of them is `shared` with others."""
    distinct = dict.fromkeys(entry for trace in traces for entry in trace.selectors(shared))
    return tuple(Selector(next(new_id), kind, Secret(value), verified=True, scope=scope) for kind, value, scope in distinct)
