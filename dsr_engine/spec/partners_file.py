"""The schema of `partners.yaml`: which programs are told what happens, and which may hand in requests (`connectors/README.md` is its reference)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.partner import IabDoor, OpenDsrDoor, Partners, Subscriber, Topic
from dsr_engine.domain.selector import Secret
from dsr_engine.references import has_literal_password, is_reference, resolve_secret
from dsr_engine.spec.document import Block, Document, Key
from dsr_engine.spec.problems import SpecProblem
from dsr_engine.spec.recipients_file import LEAST_SECRET, Kind, domain_name
from dsr_engine.spec.scalars import Choice, Parsed, Words, is_name, yes_no
from dsr_engine.spec.schema import ListOf, StrictSchema, TableOf, block_of, load

_SECRETS = frozenset({"secret", "key", "authorization"})
_FILES = frozenset({"ca_file", "certificate"})
_LITERAL = "a secret is written out; use ${NAME}, file:/run/secrets/x or keyring:service/name"


def _check_name(text: str) -> None:
    if not is_name(text):
        raise ValidationError('not a name of small letters, digits, - and _ (try "ticket-system")')


def _domain(*, required: bool = False) -> Parsed:
    return Parsed(domain_name, "a domain in small letters", "partner.example.com", required=required)


class SubscriberSchema(StrictSchema):
    """One subscriber."""

    url = Words(wanted="an address that begins with https://", required=True)
    secret = Words(wanted="a reference to a secret", required=True)
    events = ListOf(Choice(tuple(topic.value for topic in Topic)), single=True, required=True)
    ca_file = Words(wanted="a path")
    internal = yes_no()


class ControllerSchema(StrictSchema):
    """One controller that may ask by OpenDSR."""

    authorization = Words(wanted="a reference to the value of the header Authorization", required=True)


class OpenDsrSchema(StrictSchema):
    """The door for OpenDSR 2.0."""

    domain = _domain(required=True)
    certificate = Words(wanted="a path", required=True)
    key = Words(wanted="a reference to a private key", required=True)
    identifiers = ListOf(Kind(), single=True, required=True)
    controllers = TableOf(block_of(ControllerSchema()), check_key=_check_name, required=True)
    policy = Words(wanted="the name of a policy", most=100, default="")
    ca_file = Words(wanted="a path")
    internal = yes_no()


class IabSchema(StrictSchema):
    """The door for the IAB's deletion framework."""

    domain = _domain(required=True)
    key = Words(wanted="a reference to a private key", required=True)
    key_id = Words(wanted="the name of the key", most=200, required=True)
    identifiers = ListOf(Kind(), single=True, required=True)
    partners = ListOf(_domain(), single=True, required=True)
    policy = Words(wanted="the name of a policy", most=100, default="")
    regime = Words(wanted="the name of a regime", most=100, default="")
    ca_file = Words(wanted="a path")
    internal = yes_no()


class PartnersSchema(StrictSchema):
    """`partners.yaml`."""

    webhooks = TableOf(block_of(SubscriberSchema()), check_key=_check_name, least=0, required=True)
    opendsr = block_of(OpenDsrSchema())
    iab_ddr = block_of(IabSchema())


def partners_from(
    document: Document, policies: Mapping[str, object], environment: Mapping[str, str], home: Path
) -> tuple[Partners, tuple[SpecProblem, ...]]:
    """What the file names, and every problem in it; a part with a problem is left out. Raises `SpecWrong` for what the schema refuses."""
    data = load(PartnersSchema(), document)
    reader = _Reader(document, policies, environment, home)
    problems: list[SpecProblem] = []
    subscribers = {}
    for name, entry in data["webhooks"].items():
        wrong = tuple(reader.problems(entry, ("webhooks", name)))
        problems += wrong
        if not wrong:
            subscribers[name] = reader.subscriber(name, entry)
    opendsr, iab = data["opendsr"], data["iab_ddr"]
    for part, entry in (("opendsr", opendsr), ("iab_ddr", iab)):
        problems += tuple(reader.problems(entry, (part,))) if entry is not None else ()
    for name, entry in (opendsr["controllers"] if opendsr else {}).items():
        problems += tuple(reader.problems(entry, ("opendsr", "controllers", name)))
    if problems:
        return Partners(MappingProxyType(subscribers)), tuple(problems)
    return Partners(MappingProxyType(subscribers), opendsr and reader.opendsr(opendsr), iab and reader.iab(iab)), ()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Resolves references and checks what the schema alone cannot."""

    document: Document
    policies: Mapping[str, object]
    environment: Mapping[str, str]
    home: Path

    def problems(self, entry: Mapping[str, Any], path: tuple[Key, ...]) -> Iterator[SpecProblem]:
        for key, value in entry.items():
            message = self._wrong(key, value) if isinstance(value, str) and value else ""
            if message:
                yield self.document.problem((*path, key), message)

    def subscriber(self, name: str, entry: Mapping[str, Any]) -> Subscriber:
        """Call it where there are no problems."""
        block = self.document.root["webhooks"]
        assert isinstance(block, Block)
        return Subscriber(
            name,
            self._secret(entry["url"]),
            self._secret(entry["secret"]),
            tuple(Topic(topic) for topic in dict.fromkeys(entry["events"])),
            self._path(entry["ca_file"]),
            bool(entry["internal"]),
            self.document.source(block.key_places[name]),
        )

    def opendsr(self, entry: Mapping[str, Any]) -> OpenDsrDoor:
        return OpenDsrDoor(
            entry["domain"],
            self._path(entry["certificate"]),
            self._secret(entry["key"]),
            tuple(dict.fromkeys(entry["identifiers"])),
            MappingProxyType({name: self._secret(each["authorization"]) for name, each in entry["controllers"].items()}),
            entry["policy"],
            self._path(entry["ca_file"]),
            bool(entry["internal"]),
        )

    def iab(self, entry: Mapping[str, Any]) -> IabDoor:
        return IabDoor(
            entry["domain"],
            self._secret(entry["key"]),
            entry["key_id"],
            tuple(dict.fromkeys(entry["identifiers"])),
            tuple(dict.fromkeys(entry["partners"])),
            entry["policy"],
            entry["regime"],
            self._path(entry["ca_file"]),
            bool(entry["internal"]),
        )

    def _wrong(self, key: str, value: str) -> str:
        """What is wrong with a setting; empty for one that is right. Never its value."""
        if (key in _SECRETS and not is_reference(value)) or has_literal_password(value):
            return _LITERAL
        if key == "policy":
            return "" if value in self.policies else "there is no such policy"
        try:
            resolved = self._secret(value).reveal()
        except InputWrong as error:
            return str(error)
        if key == "url" and not resolved.startswith("https://"):
            return "must begin with https://"
        if key in ("secret", "authorization") and len(resolved) < LEAST_SECRET:
            return f"the secret has fewer than {LEAST_SECRET} characters (try `openssl rand -hex 32`)"
        return "there is no such file" if key in _FILES and not Path(self._path(value)).is_file() else ""

    def _secret(self, value: str) -> Secret:
        return resolve_secret(value, self.environment)

    def _path(self, value: str | None) -> str:
        return str(self.home / Path(self._secret(value).reveal()).expanduser()) if value else ""
