"""The schema of a connector, the manifest of a kind of system (`connectors/README.md` is its reference)."""

import re
from dataclasses import replace
from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.system import OWN_MAIL, CollectionMap, Discover, FieldMap, Manifest, ManualTask, Residual
from dsr_engine.spec.document import Block, Document, Place, Text
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.scalars import Category, Choice, Parsed, Value, Words, name, period, words, yes_no
from dsr_engine.spec.schema import AtKey, ListOf, StrictSchema, TableOf, block_of, load
from dsr_engine.spec.selector_kinds import check_kind

DRIVERS = ("sql", "mailstore", "objectstore", "manual")
#: By what a mail can be the person's own, and the word for by nothing at all.
NOBODYS = "nothing"
OWNED_BY = (*OWN_MAIL, "mailbox", NOBODYS)
LATER_DRIVERS = {
    "http": "the http driver (CRM and other web services) comes in a later release; use `driver: manual` until then",
    "dask": "dask is not a driver: it runs searches on many machines, and comes in a later release",
}


def _parse_reference(text: str) -> tuple[str, str] | None:
    """`collection.field`; the last dot divides, because a collection may be called `public.customers`."""
    collection, dot, field = text.strip().rpartition(".")
    return (collection, field) if dot and collection and field else None


class _Kind(Value):
    """A kind of selector, such as `email` (`dsr catalog` lists them)."""

    def read(self, value: object) -> str:
        try:
            return check_kind(words(value, "a kind of selector"))
        except InputWrong as wrong:
            raise ValidationError(str(wrong)) from None


class _FenceValue(Value):
    """`true`, `3`, or a text."""

    def read(self, value: object) -> str | int | bool:
        text = words(value, "a value")
        if isinstance(value, Text) and value.is_plain:
            if text in ("true", "false"):
                return text == "true"
            if re.fullmatch(r"-?(0|[1-9][0-9]{0,9})", text):
                return int(text)
        return text


class FieldSchema(StrictSchema):
    """What the live catalogue cannot know about a field."""

    category = Category()
    selects = _Kind()
    identifies = yes_no()
    role = Choice(("actor",))
    references = Parsed(_parse_reference, "a field of a collection", "customers.id")
    carries = yes_no()
    neutral = _FenceValue()
    search = Choice(("text",))
    starts = Choice(("retention",))
    same_as = ListOf(
        Parsed(lambda text: text if text.count(".") >= 2 else None, "a field of a collection of a system", "crm.leads.customer_id"), single=True
    )

    @validates_schema
    def fit_together(self, data: dict[str, Any], **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        if data["role"] and (data["selects"] or data["identifies"]):
            raise ValidationError({"role": ["an actor's record is not theirs: `role: actor` goes with neither selects nor identifies"]})
        if data["carries"] and data["references"] is None:
            raise ValidationError({"carries": ["carries what? It needs `references: collection.field`"]})
        if isinstance(data["neutral"], bool):
            raise ValidationError({"neutral": ["the key of a record, such as 0"]})
        if data["neutral"] is not None and data["references"] is None:
            raise ValidationError({"neutral": ["neutral among what? It needs `references: collection.field`"]})
        if data["identifies"] and not data["category"]:
            raise ValidationError({"identifies": ["an identifier needs a category, such as user.unique_id"]})
        if data["neutral"] is None and not any(data.values()):
            raise ValidationError("says nothing about the field; leave it out or give its category")

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> FieldMap:  # noqa: ARG002 -- marshmallow's signature
        return FieldMap(
            name="",
            category=data["category"],
            selects=data["selects"],
            identifies=data["identifies"],
            is_actor=data["role"] is not None,
            references=data["references"],
            carries=data["carries"],
            search_text=data["search"] is not None,
            starts_retention=data["starts"] is not None,
            same_as=data["same_as"],
            neutral=data["neutral"],
        )


class RestrictSchema(StrictSchema):
    """How a record is fenced while it has to stay: by a mark in it, or by moving it to where nobody looks by default."""

    set = TableOf(_FenceValue())
    lift = TableOf(_FenceValue())
    move = Words(wanted="the name of a collection of the same database", most=200)

    @validates_schema
    def fit_together(self, data: dict[str, Any], **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        if bool(data["set"]) == bool(data["move"]):
            raise ValidationError("takes one of `set: {field: value}` and `move: collection`")
        strange = [field for field in data["lift"] if field not in data["set"]]
        if strange:
            raise ValidationError({"lift": [f"{strange[0]} is not among what `set` sets"]})


class CollectionSchema(StrictSchema):
    """One table, folder or prefix."""

    key = ListOf(Words(wanted="the name of a field", most=128), single=True)
    fields_ = TableOf(block_of(FieldSchema()))
    restrict = block_of(RestrictSchema())

    def on_bind_field(self, field_name: str, field_obj: Any) -> None:
        # `fields` is a word of marshmallow.
        field_obj.data_key = field_name.removesuffix("_")


class ResidualSchema(StrictSchema):
    """What an erasure cannot reach."""

    what = Words(wanted="a sentence", most=500, required=True)
    gone_after = Parsed(lambda text: _parse_gone(text), "a period or null", '"35 days"')

    def on_bind_field(self, field_name: str, field_obj: Any) -> None:
        # `gone_after: null` is an answer: it never goes by itself, or nobody knows when.
        field_obj.allow_none = field_name == "gone_after"

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> Residual:  # noqa: ARG002 -- marshmallow's signature
        return Residual(data["what"], data["gone_after"])


class TaskSchema(StrictSchema):
    """What a person does where no driver reaches."""

    instructions = Words(wanted="instructions", most=4_000, required=True)
    owner = Words(wanted="a person or a team", most=200, required=True)
    due = period(required=True)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> ManualTask:  # noqa: ARG002 -- marshmallow's signature
        return ManualTask(data["instructions"], data["owner"], data["due"])


class ConnectorSchema(StrictSchema):
    """One file in `connectors/`."""

    connector = name(required=True)
    driver = Choice(DRIVERS, later=LATER_DRIVERS, required=True)
    about = Words(default="")
    collections = TableOf(block_of(CollectionSchema()))
    discover = Choice(tuple(Discover))
    residuals = ListOf(block_of(ResidualSchema()))
    task = block_of(TaskSchema())
    own_domains = ListOf(Parsed(lambda text: _parse_domain(text), "a mail domain", "example.com"), single=True)
    own_mail = ListOf(Choice(OWNED_BY), single=True)

    @validates_schema(pass_original=True)
    def fit_together(self, data: dict[str, Any], original: Block, **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        if data["driver"] == "manual":
            if data["task"] is None:
                raise ValidationError({"driver": ["a manual system needs a `task` with instructions, owner and due"]})
            unread = [key for key in ("collections", "discover") if key in original]
            if unread:
                raise ValidationError({key: [AtKey("nothing reads a manual system; describe it in the task")] for key in unread})
        elif data["task"] is not None:
            raise ValidationError({"task": [AtKey("only a system with `driver: manual` has a task")]})
        if NOBODYS in data["own_mail"] and len(data["own_mail"]) > 1:
            raise ValidationError({"own_mail": [f"`{NOBODYS}` stands alone"]})
        strange = [key for key in ("own_domains", "own_mail") if key in original and data["driver"] != "mailstore"]
        if strange:
            raise ValidationError({key: [AtKey("only a connector with `driver: mailstore` has mail")] for key in strange})
        if data["driver"] != "manual" and not data["collections"] and data["discover"] == Discover.NONE:
            raise ValidationError({"discover": ["without collections, `none` would search nothing"]})

    @validates_schema
    def move_apart(self, data: dict[str, Any], **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        targets = [entry["restrict"]["move"] for entry in data["collections"].values() if entry["restrict"] and entry["restrict"]["move"]]
        if targets and data["driver"] != "sql":
            raise ValidationError({"driver": ["only a database can move restricted records; elsewhere use `restrict: {set: …}`"]})
        for target in targets:
            if target in data["collections"]:
                raise ValidationError({"collections": [f"{target} takes restricted records and has the fields of their collection: leave it out"]})
            if targets.count(target) > 1:
                raise ValidationError({"collections": [f"two collections cannot both move to {target}"]})

    @validates_schema
    def refer_to_known_fields(self, data: dict[str, Any], **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        errors: dict[str, Any] = {}
        for collection, entry in data["collections"].items():
            for field, about in entry["fields_"].items():
                message = _dangling(about.references, data["collections"], data["discover"])
                if message:
                    errors.setdefault(collection, {}).setdefault("fields", {})[field] = {"references": [message]}
        if errors:
            raise ValidationError({"collections": errors})


def _dangling(reference: tuple[str, str] | None, collections: dict[str, Any], discover: str | None) -> str:
    """Why a reference cannot be right. With discovery a collection that is not listed may still exist, but hardly one letter off."""
    if reference is None or reference[0] in collections:
        return ""
    hint = did_you_mean(reference[0], collections)
    return f"no such collection in this file{hint}" if hint or discover == Discover.NONE else ""


def _parse_domain(text: str) -> str | None:
    """In lower case and as it is written in mail, so `xn--…` for other letters than ASCII's too."""
    name = text.strip().lower().removeprefix("@")
    return name if re.fullmatch(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}", name) else None


def _parse_gone(text: str) -> object:
    parsed: object = period().parse(text)
    return parsed


def manifest_from(document: Document) -> Manifest:
    """The manifest in this document. Raises `SpecWrong`."""
    data = load(ConnectorSchema(), document)
    listed = [_collection(name, entry, document) for name, entry in data["collections"].items()]
    apart = [replace(entry, name=entry.move_to, move_to="", moved_from=entry.name) for entry in listed if entry.move_to]
    collections = (*listed, *apart)
    return Manifest(
        name=data["connector"],
        driver=data["driver"],
        about=data["about"],
        collections=collections,
        discover=Discover(data["discover"] or Discover.ALL),
        residuals=data["residuals"],
        task=data["task"],
        source=document.source(document.root.place),
        own_domains=data["own_domains"],
        own_mail=data["own_mail"] or OWN_MAIL,
    )


def _collection(name: str, entry: dict[str, Any], document: Document) -> CollectionMap:
    block = document.root["collections"]
    assert isinstance(block, Block)
    inner = block[name]
    assert isinstance(inner, Block)
    fields = inner.get("fields")
    places = fields.key_places if isinstance(fields, Block) else {}
    return CollectionMap(
        name=name,
        key=entry["key"],
        fields=tuple(_field(field, about, document, places[field]) for field, about in entry["fields_"].items()),
        fence=tuple(entry["restrict"]["set"].items()) if entry["restrict"] else (),
        unfence=tuple(entry["restrict"]["lift"].items()) if entry["restrict"] else (),
        move_to=(entry["restrict"]["move"] or "") if entry["restrict"] else "",
        source=document.source(block.key_places[name]),
    )


def _field(name: str, about: FieldMap, document: Document, place: Place) -> FieldMap:
    return replace(about, name=name, source=document.source(place))
