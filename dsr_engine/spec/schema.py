"""What the schemas of all files share: unknown keys are refused, and every error finds its line.

marshmallow reports errors as nested dictionaries of keys; `load` walks them along the document and turns them into problems.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from dsr_engine.spec.document import Block, Document, Items, Key
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.problems import SpecProblem, SpecWrong
from dsr_engine.spec.scalars import Value


class AtKey(str):
    """A message about a key itself, not about its value."""

    __slots__ = ()


class StrictSchema(Schema):
    """Refuses keys that it does not know. `later` maps keys that a later release brings to the reason why they are refused today."""

    later: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.error_messages["type"] = "must be a block of keys and values"

    class Meta:
        # Not RAISE: `refuse_unknown_keys` says more, and only in addition to all other errors.
        unknown = EXCLUDE

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def refuse_unknown_keys(self, data: object, original: object, **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        known = [field.data_key or name for name, field in self.fields.items()]
        unknown = [str(key) for key in original if key not in known] if isinstance(original, Mapping) else []
        messages = {key: [AtKey(self.later.get(key) or f"unknown key{did_you_mean(key, known)}")] for key in unknown}
        if messages:
            raise ValidationError(messages)


def block_of(schema: StrictSchema, *, required: bool = False) -> fields.Nested:
    """A nested block, with this engine's words for the two commonest mistakes."""
    messages: dict[str, str | list[Any] | dict[Any, Any]] = {"required": "missing", "null": "empty; a block of keys and values is needed"}
    if required:
        return fields.Nested(schema, required=True, error_messages=messages)
    nested = fields.Nested(schema, load_default=None, error_messages=messages)
    nested.allow_none = False
    return nested


class ListOf(Value):
    """A list of values of one kind, as a tuple. `single`: one value may stand without brackets."""

    def __init__(self, inner: fields.Field[Any], *, single: bool = False, most: int = 1_000, required: bool = False) -> None:
        super().__init__(required=required, default=())
        self.inner = inner
        self.single = single
        self.most = most

    def read(self, value: object) -> tuple[Any, ...]:
        if self.single and isinstance(value, str):
            return (self.inner.deserialize(value),)
        if not isinstance(value, Items):
            raise ValidationError("must be a list")
        if not value:
            raise ValidationError("an empty list says nothing; leave the key out or give a value")
        if len(value) > self.most:
            raise ValidationError(f"more than {self.most} entries")
        return tuple(_each(self.inner, enumerate(value)).values())


class TableOf(Value):
    """A block whose keys are names that the writer chooses. `check_key` raises `ValidationError` for a key that cannot be."""

    def __init__(self, inner: fields.Field[Any], *, check_key: Callable[[str], object] | None = None, least: int = 1, required: bool = False) -> None:
        super().__init__(required=required, default={})
        self.inner = inner
        self.least = least
        self.check_key = check_key

    def read(self, value: object) -> dict[str, Any]:
        if not isinstance(value, Block):
            raise ValidationError("must be a block of keys and values")
        if len(value) < self.least:
            raise ValidationError("an empty block says nothing; leave the key out or give a value")
        errors = {key: [AtKey(message)] for key in value if (message := self._key_message(key))}
        try:
            loaded = _each(self.inner, value.items())
        except ValidationError as error:
            raise ValidationError({**error.messages_dict, **errors}) from None
        if errors:
            raise ValidationError(dict(errors))
        return loaded

    def _key_message(self, key: str) -> str:
        if self.check_key is None:
            return ""
        try:
            self.check_key(key)
        except ValidationError as error:
            return str(error.args[0])
        return ""


def _each(inner: fields.Field[Any], pairs: Iterable[tuple[Key, object]]) -> dict[Any, Any]:
    """Every value loaded, or one error with all messages by key."""
    loaded: dict[Any, Any] = {}
    errors: dict[Any, Any] = {}
    for key, value in pairs:
        try:
            loaded[key] = inner.deserialize(value)
        except ValidationError as error:
            errors[key] = error.messages
    if errors:
        raise ValidationError(errors)
    return loaded


def load(schema: StrictSchema, document: Document) -> Any:
    """What the schema makes of the document. Raises `SpecWrong` with every mistake in it."""
    try:
        return schema.load(document.root)
    except ValidationError as error:
        raise SpecWrong(_problems(document, error.messages, ())) from None


def _problems(document: Document, messages: object, path: tuple[Key, ...]) -> Iterator[SpecProblem]:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            # "_schema" holds what concerns a block as a whole.
            yield from _problems(document, inner, path if key == "_schema" else (*path, key))
    elif isinstance(messages, list):
        for message in messages:
            yield from _problems(document, message, path)
    else:
        yield document.problem(path, str(messages), at_key=isinstance(messages, AtKey))
