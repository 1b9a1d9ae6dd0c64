"""Reads a fides dataset file as the manifest that a connector file would give.

What a fides dataset says and a connector says as well is taken over: `identity`, `primary_key`, `references`, `data_categories`. What a connector
has no word for is a problem with its line, of the kind that `--allow-gaps` lets pass; a mistake in the file is never let pass.

fides reads `direction: from` as *these rows are found by the value of that field*: where that field is a person's, the rows are theirs. It reads
`to` as *this value finds rows there*: where those hold personal data they go the person's way (`carries`), while nobody else points there.
A product that an order points at holds none, so it is a mere reference.
Source: fideslang 3, `fideslang.models` (Dataset, DatasetCollection, DatasetField, FidesMeta).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.system import CollectionMap, FieldMap, Manifest
from dsr_engine.spec.document import Document
from dsr_engine.spec.fides_categories import Translated, joined, translated
from dsr_engine.spec.fides_nodes import Findings, Node, Path
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.problems import SpecProblem, SpecWrong
from dsr_engine.spec.scalars import is_name
from dsr_engine.spec.selector_kinds import check_kind

_DESCRIPTIVE = frozenset(
    {"name", "description", "data_categories", "fides_meta", "fidesops_meta", "data_uses", "data_purposes", "data_subjects", "fields"}
)
_DATASET = frozenset(
    {
        "fides_key",
        "organization_fides_key",
        "tags",
        "meta",
        "collections",
        "data_qualifier",
        "joint_controller",
        "retention",
        "third_country_transfers",
    }
)
_DATASET_META = frozenset({"resource_id", "after", "namespace"})
_COLLECTION_META = frozenset({"after", "erase_after", "skip_processing", "masking_strategy_override", "partitioning", "data_categories"})
_FIELD_META = frozenset(
    (
        *("references", "identity", "primary_key", "data_type", "length", "return_all_elements", "read_only", "custom_request_field"),
        *("masking_strategy_override", "redact"),
    )
)
_REFERENCE = frozenset({"dataset", "field", "direction"})
#: Kinds of identity in fides → kinds of selector.
_IDENTITIES = {"phone_number": "phone", "phone": "phone", "ssn": "national_id", "social_security_number": "national_id", "ga_client_id": "cookie_id"}
#: What a connector cannot say, and where it is said instead.
_ELSEWHERE = {
    "after": "the order comes from the live keys; there is nothing to write",
    "erase_after": "the order comes from the live keys; there is nothing to write",
    "skip_processing": "nothing that may hold the person is skipped; `discover` of a connector says what is searched",
    "masking_strategy_override": "what becomes of data is said in a policy (`then: {anonymize: …}`)",
    "partitioning": "tables are searched in slices by their keys; there is nothing to write",
    "namespace": "say the schema in systems.yaml (`schema`)",
    "retention": "how long data is kept is said in a policy (`keep`)",
    "read_only": "what may not be changed is found out from the live system",
    "custom_request_field": "a selector is given by its kind; a kind of one's own ends in _id or _number",
    "redact": "names of fields are not hidden",
}


@dataclass(frozen=True, slots=True)
class FidesFile:
    """`gaps` are what a connector cannot say. `reasons` tell by (collection, field) how something was translated that is not one to one."""

    manifest: Manifest
    gaps: tuple[SpecProblem, ...] = ()
    reasons: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(slots=True)
class _Field:
    """One field while the file is read."""

    map: FieldMap
    path: Path
    is_key: bool
    references: list[tuple[Path, str, str, str]]
    reason: str


def is_fides(document: Document) -> bool:
    """True for a file that declares fides datasets."""
    return "dataset" in document.root and "connector" not in document.root


def fides_from(document: Document) -> FidesFile:
    """What the file says. Raises `SpecWrong` with every mistake in it; its gaps come with them."""
    findings = Findings(document)
    root = Node(findings, (), document.root)
    root.knows(frozenset({"dataset"}))
    datasets = list(root.children("dataset", needed=True))
    for other in datasets[1:]:
        findings.mistake(other.path, "a second dataset: one connector describes one system, so use one file for each")
    found = _Reader(findings).dataset(datasets[0]) if datasets else None
    if found is None or any(not problem.is_gap for problem in findings.problems):
        raise SpecWrong(findings.problems)
    return replace(found, gaps=tuple(findings.problems))


class _Reader:
    """Reads one dataset."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.key = ""
        self.fields: dict[tuple[str, str], _Field] = {}
        self.inner: set[tuple[str, str]] = set()

    def dataset(self, node: Node) -> FidesFile:
        node.knows(_DESCRIPTIVE - {"fields"} | _DATASET)
        self.key = node.text("fides_key", needed=True)
        name = re.sub(r"[^a-z0-9_-]+", "-", self.key.casefold()).strip("-")
        if self.key and (not is_name(name) or "<" in self.key):
            self.findings.mistake(node.at("fides_key"), "cannot name a connector: a template to be filled in, or too long")
        self._elsewhere(node, ("retention",))
        self._elsewhere_meta(node.meta(), _DATASET_META, ("after", "namespace"))
        self._inherited(node)
        collections: dict[str, CollectionMap] = {}
        for child in node.children("collections", needed=True):
            made = self._collection(child)
            if made.name in collections:
                self.findings.mistake(child.at("name"), "a collection of this name stands above already")
            collections[made.name] = made
        self._refer(collections)
        maps = tuple(self._with_fields(entry) for entry in collections.values())
        about = node.text("description") or node.text("name")
        reasons = {place: entry.reason for place, entry in self.fields.items() if entry.reason}
        source = self.findings.document.source(node.block.place)
        return FidesFile(Manifest(name, "sql", about, maps, source=source), reasons=MappingProxyType(reasons))

    def _collection(self, node: Node) -> CollectionMap:
        node.knows(_DESCRIPTIVE)
        name = node.text("name", needed=True)
        self._elsewhere_meta(node.meta(), _COLLECTION_META, ("after", "erase_after", "masking_strategy_override", "partitioning"))
        meta = node.meta()
        if meta is not None and meta.truth("skip_processing"):
            self.findings.gap(meta.at("skip_processing"), _ELSEWHERE["skip_processing"])
        self._inherited(node)
        for child in node.children("fields", needed=True):
            made = self._field(child)
            if (name, made.map.name) in self.fields:
                self.findings.mistake(child.at("name"), "a field of this name stands above already")
            self.fields[name, made.map.name] = made
            self.inner.update((name, inner) for inner in self._inner_names(child, made.map.name))
        key = tuple(entry.map.name for (collection, _), entry in self.fields.items() if collection == name and entry.is_key)
        return CollectionMap(name, key, source=self.findings.document.source(node.block.place))

    def _field(self, node: Node) -> _Field:
        node.knows(_DESCRIPTIVE)
        name = node.text("name", needed=True)
        meta = node.meta()
        found, reason = self._category(node)
        made = FieldMap(name, found, source=self.findings.document.source(node.block.place))
        if "." in name:
            self.findings.mistake(node.at("name"), "a field's name has no dot; what lies inside a field stands under its `fields`")
        if node.has("fields"):
            within = self._within(node)
            found = joined([*([found] if found else []), *within])
            reason = reason or ("a document; the category covers what is inside" if within else "a document")
            made = replace(made, category=found, search_text=True)
        if meta is None:
            return _Field(made, node.path, False, [], reason)
        self._elsewhere_meta(meta, _FIELD_META, ("masking_strategy_override", "custom_request_field", "redact"))
        if meta.truth("read_only"):
            self.findings.gap(meta.at("read_only"), _ELSEWHERE["read_only"])
        made = replace(made, selects=self._identity(meta))
        return _Field(made, node.path, meta.truth("primary_key"), self._references(meta), reason)

    def _category(self, node: Node) -> tuple[str | None, str]:
        """The one category of a field, and why it is not what the file says word for word."""
        found: list[Translated] = []
        for path, name in node.texts("data_categories"):
            one = translated(name)
            if one.is_unknown:
                self.findings.gap(path, "not a category that is known here (`dsr catalog` lists them)")
            found.append(one)
        names = [one.category for one in found if one.category is not None]
        reasons = [one.reason for one in found if one.reason]
        if len(set(names)) > 1:
            reasons.append(f"one for {', '.join(sorted(set(names)))}")
        return joined(names), "; ".join(reasons)

    def _within(self, node: Node) -> list[str]:
        """The categories of what lies inside a document; links and identities there have no place in a connector."""
        found: list[str] = []
        for child in node.children("fields"):
            child.knows(_DESCRIPTIVE)
            child.text("name", needed=True)
            category, _ = self._category(child)
            found += [category] if category else []
            meta = child.meta()
            if meta is not None:
                self._elsewhere_meta(meta, _FIELD_META, ("masking_strategy_override", "custom_request_field", "redact"))
                self._inside_only(meta)
            found += self._within(child) if child.has("fields") else []
        return found

    def _inside_only(self, meta: Node) -> None:
        for key, what in (("identity", "an identifier"), ("references", "a link"), ("primary_key", "a key")):
            if meta.has(key):
                self.findings.gap(meta.at(key), f"{what} inside a document: the document is searched as a text, so it is found as a mention only")

    def _inner_names(self, node: Node, before: str) -> list[str]:
        found = []
        for child in node.children("fields") if node.has("fields") else ():
            name = child.block.get("name")
            path = f"{before}.{name}"
            found += [path, *self._inner_names(child, path)]
        return found

    def _identity(self, meta: Node) -> str | None:
        kind = meta.text("identity")
        if not kind:
            return None
        try:
            return check_kind(_IDENTITIES.get(kind, kind))
        except InputWrong as wrong:
            self.findings.gap(meta.at("identity"), f"not a kind of selector: {wrong.hint}")
            return None

    def _references(self, meta: Node) -> list[tuple[Path, str, str, str]]:
        found = []
        for child in meta.children("references"):
            child.knows(_REFERENCE)
            direction = child.text("direction")
            if direction not in ("", "from", "to"):
                self.findings.mistake(child.at("direction"), "must be from or to")
            found.append((child.path, child.text("dataset", needed=True), child.text("field", needed=True), direction))
        return found

    def _refer(self, collections: Mapping[str, CollectionMap]) -> None:
        """Turns what the fields refer to into links, and marks what identifies and carries."""
        for (collection, name), entry in list(self.fields.items()):
            targets = [self._target(reference, collections) for reference in entry.references]
            kept = [(place, direction) for place, direction in targets if place is not None]
            for path, *_ in entry.references[1:] if len(kept) > 1 else ():
                self.findings.gap(path, "a field of a connector refers to one other; this one is left out")
            if kept:
                self._link((collection, name), *kept[0])

    def _target(self, reference: tuple[Path, str, str, str], collections: Mapping[str, CollectionMap]) -> tuple[tuple[str, str] | None, str]:
        path, dataset, text, direction = reference
        collection, _, name = text.partition(".")
        if dataset and dataset != self.key:
            self.findings.gap(path, "leads into another dataset: name its field in the connector (`same_as: system.collection.field`)")
        elif not name:
            self.findings.mistake((*path, "field"), "not a field of a collection (try customers.id)")
        elif collection not in collections:
            self.findings.mistake((*path, "field"), f"no such collection in this dataset{did_you_mean(collection, collections)}")
        elif (collection, name) in self.inner:
            self.findings.gap(path, "leads into a document; a connector links whole fields only")
        elif (collection, name) not in self.fields:
            known = [other for owner, other in self.fields if owner == collection]
            self.findings.mistake((*path, "field"), f"no such field in that collection{did_you_mean(name, known)}")
        else:
            return (collection, name), direction
        return None, direction

    def _link(self, place: tuple[str, str], target: tuple[str, str], direction: str) -> None:
        entry, other = self.fields[place], self.fields[target]
        entry.map = replace(entry.map, references=target)
        if direction == "from" and _is_personal(other.map.category):
            kind = entry.map.selects or other.map.selects or self._kind(target, place)
            entry.map = replace(entry.map, selects=kind)
            other.map = replace(other.map, identifies=other.map.selects is None or other.map.identifies, selects=other.map.selects or kind)
        elif direction == "to" and self._holds_personal_data(target[0]):
            entry.map = replace(entry.map, carries=True)
        elif not direction:
            self.findings.gap(
                (*entry.references[0][0], "direction"),
                "without a direction it is only a reference; say whose the record is with `selects` or `carries`",
            )

    def _kind(self, target: tuple[str, str], place: tuple[str, str]) -> str:
        """The kind of selector that the field pointed at is: after the field that points, or the collection pointed at."""
        for text in (place[1], f"{target[0].removesuffix('s')}_{target[1]}", f"{target[0].removesuffix('s')}_id"):
            try:
                return check_kind(text.casefold())
            except InputWrong:
                continue
        return "user_id"

    def _holds_personal_data(self, collection: str) -> bool:
        """True if there is more than numbers of people in the collection."""
        return any(
            owner == collection and _is_personal(entry.map.category) and not (entry.map.category or "").startswith("user.unique_id")
            for (owner, _), entry in self.fields.items()
        )

    def _with_fields(self, entry: CollectionMap) -> CollectionMap:
        """The collection with the fields that say something; a link or an identifier needs no category, being followed does."""
        found = [one.map for (owner, _), one in self.fields.items() if owner == entry.name]
        said = tuple(one for one in found if replace(one, source=entry.source) != FieldMap(one.name, source=entry.source))
        return replace(entry, fields=said)

    def _inherited(self, node: Node) -> None:
        """Categories of a whole collection or dataset."""
        for path, name in node.texts("data_categories"):
            if not name.startswith("system"):
                self.findings.gap(path, "a category of everything inside: a connector gives each field its own")

    def _elsewhere_meta(self, meta: Node | None, known: frozenset[str], keys: tuple[str, ...]) -> None:
        if meta is not None:
            meta.knows(known)
            self._elsewhere(meta, keys)

    def _elsewhere(self, node: Node, keys: tuple[str, ...]) -> None:
        for key in keys:
            if node.has(key):
                self.findings.gap(node.at(key), _ELSEWHERE[key])


def _is_personal(category: str | None) -> bool:
    return category is not None
