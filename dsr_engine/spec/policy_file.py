"""The schema of a policy (`policies/README.md` is its reference)."""

import re
from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.correspondence import MAIL, ROLES, Sort, Whose, is_role
from dsr_engine.domain.finding import Match
from dsr_engine.domain.policy import Keep, Pick, Policy, RequestTerms, Rule, Start, SweepTerms, Then, Treatment, When
from dsr_engine.spec.categories import categories
from dsr_engine.spec.document import Block, Document, Text
from dsr_engine.spec.nearest import did_you_mean, nearest, one_of
from dsr_engine.spec.scalars import Choice, Parsed, Value, Words, checked_category, cron, name, period, share, whole, words, yes_no
from dsr_engine.spec.schema import AtKey, ListOf, StrictSchema, TableOf, block_of, load

APPROVALS = ("automatic", "one_person", "two_people")
GENERALIZATIONS = ("year", "month", "decade", "postcode3", "ip24")
#: Nobody can do these yet: the file is told, instead of data that silently stays.
LATER_TREATMENTS = {
    Treatment.VOID.value: "no driver can void a record yet; use restrict or retain",
    Treatment.ARCHIVE.value: "no driver can archive a record yet; use restrict or retain",
}
TREATMENTS = tuple(treatment.value for treatment in Treatment if treatment.value not in LATER_TREATMENTS)

_EVERYTHING = re.compile(r"\*+(\.\*+)?")
_FIELD = re.compile(r"[^\s.*]{1,128}(\.[^\s.*]{1,128}){0,3}")


class _Kind(Value):
    """A category of the taxonomy, or where in a mail the person stands (`mail.sender`)."""

    def read(self, value: object) -> str:
        text = words(value, "a category such as user.contact.email")
        if is_role(text):
            known = (MAIL, *ROLES)
            if text not in known:
                near = nearest(text.removeprefix(f"{MAIL}."), (role.removeprefix(f"{MAIL}.") for role in ROLES))  # mail.from is not nearly mail.body
                raise ValidationError(f"not a place in a mail ({f'did you mean {MAIL}.{near}?' if near else one_of(known)})")
            return text
        if text in categories():
            return checked_category(text)
        raise ValidationError(f"not a category{did_you_mean(text, (*categories(), *ROLES)) or ' (`dsr catalog` lists them)'}")


class WhenSchema(StrictSchema):
    """Which data a rule is about."""

    system = name()
    collection = Parsed(lambda text: _parse_collection(text), "a collection", '"shop.orders" or "shop.*"')
    category = _Kind()
    match = Choice(tuple(Match))
    field = Words(wanted="the name of a field", most=128)
    message = ListOf(Choice(tuple(Sort)), single=True)
    mailbox = Choice(tuple(Whose))

    @validates_schema(pass_original=True)
    def refuse_all_or_nothing(self, data: dict[str, Any], original: Block, **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        given = {key for key in original if key in data}
        if not given:
            raise ValidationError(f"empty: it would mean everything; give at least one of {one_of(self.fields)}")
        narrowing = given - {"match"} - ({"collection"} if _EVERYTHING.fullmatch(data["collection"] or "") else set())
        if not narrowing and data["match"] != Match.MENTIONS:
            raise ValidationError("always true: it would mean everything; narrow it by system, collection, category or field")
        if len(set(data["message"])) < len(data["message"]):
            raise ValidationError({"message": ["names a sort twice"]})
        if data["system"] and data["collection"] and not _can_be_in(data["collection"], data["system"]):
            raise ValidationError({"collection": ["never true: it lies in another system than `system` says"]})

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> When:  # noqa: ARG002 -- marshmallow's signature
        return When(
            data["system"],
            data["collection"],
            data["category"],
            Match(data["match"]) if data["match"] else None,
            data["field"],
            tuple(Sort(entry) for entry in data["message"]),
            Whose(data["mailbox"]) if data["mailbox"] else None,
        )


def _parse_collection(text: str) -> str | None:
    """`system.collection`; a pattern may do without the dot. The collection itself may hold dots, slashes and blanks."""
    text = text.strip()
    system, dot, rest = text.partition(".")
    if "*" in text:
        return text if len(text) <= 128 else None
    return text if dot and rest and re.fullmatch(r"[a-z0-9][a-z0-9_-]*", system) and len(text) <= 256 else None


def _can_be_in(collection: str, system: str) -> bool:
    first = collection.split("*")[0]
    return (system + ".").startswith(first) if "*" in collection and "." not in first else first.startswith(system + ".")


class _From(Value):
    """`last_contact_at`, `{latest: [a, b]}` or `{earliest: [a, b]}`."""

    def read(self, value: object) -> Start:
        if isinstance(value, Text):
            return Start((_field_name(value),))
        if not isinstance(value, Block) or len(value) != 1 or next(iter(value)) not in tuple(Pick):
            raise ValidationError("must be one date field, {latest: [...]} or {earliest: [...]}")
        pick = next(iter(value))
        try:
            fields = ListOf(Parsed(_parse_field, "the name of a date field", "created_at or orders.created_at"), single=True).deserialize(value[pick])
        except ValidationError as error:
            raise ValidationError({pick: error.messages}) from None
        return Start(fields, Pick(pick))


def _parse_field(text: str) -> str | None:
    return str(text) if _FIELD.fullmatch(text) else None


def _field_name(text: str) -> str:
    parsed = _parse_field(text)
    if parsed is None:
        raise ValidationError("not the name of a date field (try created_at or orders.created_at)")
    return parsed


class KeepSchema(StrictSchema):
    """How long data stays, and on which ground."""

    for_ = period()
    from_ = _From()
    while_ = TableOf(ListOf(Words(wanted="a value of the field", most=200), single=True))
    because = Words(wanted="purpose or a ground of the regime", most=63, default="purpose")
    law = Words(wanted="a citation", most=500, default="")
    to_year_end = yes_no()

    def on_bind_field(self, field_name: str, field_obj: Any) -> None:
        # `for`, `from` and `while` are words of Python.
        field_obj.data_key = field_name.removesuffix("_")

    @validates_schema(pass_original=True)
    def fit_together(self, data: dict[str, Any], original: Block, **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        has_period, has_state = data["for_"] is not None, bool(data["while_"])
        if has_period == has_state:
            raise ValidationError("needs either `for` and `from`, or `while`")
        if has_period and data["from_"] is None:
            raise ValidationError({"for": ["a period needs a start: add `from: created_at`"]})
        if has_state and data["from_"] is not None:
            raise ValidationError({"from": ["`while` has no start; `from` belongs to `for`"]})
        if has_state and data["to_year_end"]:
            raise ValidationError({"to_year_end": ["only a period (`for`) can begin at the end of a year"]})
        if data["because"] == "purpose" and data["law"]:
            raise ValidationError({"law": ["a purpose needs no law; name the ground in `because`"]})

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> Keep:  # noqa: ARG002 -- marshmallow's signature
        return Keep(data["for_"], data["from_"], data["while_"], data["because"], data["law"], data["to_year_end"])


class _Then(Value):
    """A treatment, or `{anonymize: {category: method}}`."""

    def read(self, value: object) -> Then:
        choice = Choice(TREATMENTS, later=LATER_TREATMENTS)
        if not isinstance(value, Block):
            return Then(Treatment(choice.read(value)))
        if len(value) != 1:
            raise ValidationError("must be one treatment, or {anonymize: {category: method}}")
        treatment = next(iter(value))
        if treatment != Treatment.ANONYMIZE:
            choice.read(Text(treatment))
            raise ValidationError(
                {treatment: [AtKey(f"{treatment} takes no methods; a pseudonym or a changed value is not an erasure: write anonymize")]}
            )
        try:
            methods = TableOf(_MethodOf(), check_key=checked_category, required=True).deserialize(value[treatment])
        except ValidationError as error:
            raise ValidationError({treatment: error.messages}) from None
        return Then(Treatment.ANONYMIZE, methods)


#: Methods that take nothing, and methods of one argument.
PLAIN_METHODS = (MethodName.NULL, MethodName.TOMBSTONE, MethodName.PSEUDONYM, MethodName.FAKE, MethodName.REDACT)
ARGUMENT_METHODS = (MethodName.TEXT, MethodName.GENERALIZE, MethodName.TRUNCATE)


class _MethodOf(Value):
    """`tombstone`, `null`, `{generalize: year}`, `{text: "…"}`, `{truncate: 3}`."""

    def __init__(self) -> None:
        super().__init__(required=True)
        # Here an empty value is an answer: `user.name: null`.
        self.allow_none = True

    # marshmallow would return None for null
    def deserialize(self, value: object, *args: Any, **kwargs: Any) -> Method:  # noqa: ARG002 -- marshmallow's signature
        return Method(MethodName.NULL) if value is None else self.read(value)

    def read(self, value: object) -> Method:
        if isinstance(value, Block):
            if len(value) != 1:
                raise ValidationError("must be one method")
            return _method_with(next(iter(value)), next(iter(value.values())))
        word = words(value, "a method")
        if word in ARGUMENT_METHODS:
            raise ValidationError(f"{word} needs an argument: {_EXAMPLES[MethodName(word)]}")
        if word not in PLAIN_METHODS:
            raise ValidationError(_not_a_method(word))
        return Method(MethodName(word))


_EXAMPLES = {MethodName.TEXT: '{text: "former customer"}', MethodName.GENERALIZE: "{generalize: year}", MethodName.TRUNCATE: "{truncate: 3}"}


def _not_a_method(word: str) -> str:
    if word.startswith(("hash", "sha", "md5", "encrypt", "mask")):
        return "not a method: who knows a value can find its hash or mask again; use pseudonym (never counts as erased) or tombstone"
    return f"not a method{did_you_mean(word, MethodName) or ' (' + one_of(MethodName) + ')'}"


def _method_with(word: str, argument: object) -> Method:
    if word in PLAIN_METHODS:
        raise ValidationError({word: [AtKey(f"{word} takes no argument")]})
    if word not in ARGUMENT_METHODS:
        raise ValidationError({word: [AtKey(_not_a_method(word))]})
    reader: dict[str, Value] = {
        MethodName.TEXT: Words(most=200),
        MethodName.GENERALIZE: Choice(GENERALIZATIONS),
        MethodName.TRUNCATE: whole(least=1, most=1_000),
    }
    try:
        return Method(MethodName(word), str(reader[word].deserialize(argument)))
    except ValidationError as error:
        raise ValidationError({word: error.messages}) from None


class RuleSchema(StrictSchema):
    """Which data, how long it is kept and why, and what happens then."""

    name = Words(wanted="a name", most=120, required=True)
    when = block_of(WhenSchema(), required=True)
    keep = block_of(KeepSchema())
    then = _Then(required=True)

    @validates_schema
    def fit_together(self, data: dict[str, Any], **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        mentions = data["when"].match is Match.MENTIONS
        if mentions and data["then"].treatment not in (Treatment.REDACT, Treatment.RETAIN, Treatment.ASK):
            raise ValidationError({"then": ["a record that only mentions the person is somebody else's: only redact, retain or ask"]})
        if mentions and data["keep"] is not None and data["keep"].is_purpose:
            raise ValidationError({"keep": ["a purpose ends with the request, and a sweep ignores mentions: name a ground, or leave `keep` out"]})

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> Rule:  # noqa: ARG002 -- marshmallow's signature
        return Rule(data["name"], data["when"], data["then"], data["keep"])


class RequestSchema(StrictSchema):
    """How an erasure request is approved and paced."""

    approval = Choice(APPROVALS, default="one_person")
    max_affected = whole(500, least=1)
    cool_off = period()
    first_batch = whole(10, least=1)
    max_drift = share(0.05)
    superseded = Choice(("ask", "delete"), default="ask")
    unwritable = Choice(("ask", "delete"), default="ask")

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> RequestTerms:  # noqa: ARG002 -- marshmallow's signature
        return RequestTerms(**data)


class SweepSchema(StrictSchema):
    """When the retention sweep runs, and what stops it."""

    schedule = cron()
    approval = Choice(APPROVALS, default="one_person")
    max_affected = whole(500, least=1)
    max_share = share(0.01)
    first_runs_dry = whole(3)
    tranche = whole(20_000, least=1, most=200_000)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> SweepTerms:  # noqa: ARG002 -- marshmallow's signature
        return SweepTerms(**data)


class PolicySchema(StrictSchema):
    """One file in `policies/`."""

    policy = name(required=True)
    about = Words(default="")
    owner = Words(wanted="a person or a team", most=200, default="")
    regimes = ListOf(name(), single=True, required=True)
    rules = ListOf(block_of(RuleSchema()), most=300, required=True)
    request = block_of(RequestSchema())
    sweep = block_of(SweepSchema())

    @validates_schema
    def name_rules_once(self, data: dict[str, Any], **kwargs: object) -> None:  # noqa: ARG002 -- marshmallow's signature
        seen: set[str] = set()
        errors = {}
        for index, rule in enumerate(data["rules"]):
            if rule.name in seen:
                errors[index] = {"name": ["another rule has this name"]}
            seen.add(rule.name)
        if errors:
            raise ValidationError({"rules": errors})


def policy_from(document: Document) -> Policy:
    """The policy in this document, before its grounds are held against the regimes. Raises `SpecWrong`."""
    data = load(PolicySchema(), document)
    blocks = document.root["rules"]
    assert isinstance(blocks, list)
    rules = tuple(
        Rule(rule.name, rule.when, rule.then, rule.keep, document.source(block.place)) for rule, block in zip(data["rules"], blocks, strict=True)
    )
    return Policy(
        name=data["policy"],
        rules=rules,
        about=data["about"],
        owner=data["owner"],
        regimes=data["regimes"],
        request=data["request"] or RequestTerms(),
        sweep=data["sweep"],
        source=document.source(document.root.place),
    )
