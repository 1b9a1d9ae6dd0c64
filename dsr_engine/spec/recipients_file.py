"""The schema of `recipients.yaml`: who receives personal data, and how each is told of an erasure (`connectors/README.md` is its reference)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from marshmallow import ValidationError, post_load

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.recipient import A_MONTH, AWAITED, Awaits, Channel, Recipient, Role
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import System
from dsr_engine.references import has_literal_password, is_reference, resolve_secret
from dsr_engine.shipped import shipped
from dsr_engine.spec.categories import categories
from dsr_engine.spec.document import Block, Document, Key
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.problems import SpecProblem
from dsr_engine.spec.scalars import Choice, Parsed, Value, Words, is_name, period, words, yes_no
from dsr_engine.spec.schema import ListOf, StrictSchema, TableOf, block_of, load
from dsr_engine.spec.selector_kinds import check_kind

#: The settings that each channel reads.
CHANNEL_SETTINGS: Mapping[Channel, tuple[str, ...]] = {
    Channel.MAIL: ("to",),
    Channel.WEBHOOK: ("url", "secret", "ca_file", "internal"),
    Channel.OPENDSR: ("url", "authorization", "domain", "certificate", "format", "regulation", "ca_file", "internal"),
    Channel.IAB_DDR: ("domain", "issuer", "key", "key_id", "ca_file", "internal"),
    Channel.MANUAL: ("owner", "instructions"),
}
#: Of these, each channel needs all.
NEEDED: Mapping[Channel, tuple[str, ...]] = {
    Channel.MAIL: ("to",),
    Channel.WEBHOOK: ("url", "secret"),
    Channel.OPENDSR: ("url",),
    Channel.IAB_DDR: ("domain", "issuer", "key", "key_id"),
    Channel.MANUAL: ("owner",),
}
SECRETS = frozenset({"secret", "authorization", "key"})
_FILES = frozenset({"ca_file", "certificate"})
#: A shared secret that is shorter can be guessed (RFC 2104 § 3: not less than the hash's length is advised).
LEAST_SECRET = 16
_FORMATS = ("raw", "sha256", "sha1", "md5")
_LITERAL = "a secret is written out; use ${NAME}, file:/run/secrets/x or keyring:service/name"
_COUNTRY_LENGTH = 2


class _Address(Value):
    """An e-mail address."""

    def read(self, value: object) -> str:
        text = words(value, "an e-mail address")
        try:
            # Without a look at the net: a check must reach nobody, and an address of an internal domain is right as well.
            return validate_email(text, check_deliverability=False, test_environment=True).normalized
        except EmailNotValidError:
            raise ValidationError("not an e-mail address (try privacy@example.com)") from None


class Kind(Value):
    """A kind of identifier."""

    def read(self, value: object) -> str:
        try:
            return check_kind(words(value, "a kind of identifier such as email"))
        except InputWrong as error:
            raise ValidationError(f"{error.message} ({error.hint})") from None


def _country(text: str) -> str | None:
    return str(text) if len(text) == _COUNTRY_LENGTH and text.isascii() and text.isupper() else None


def domain_name(text: str) -> str | None:
    """A host name, with a port where it is not the usual one."""
    try:
        parts = urlsplit(f"https://{text}")
        is_right = parts.netloc == text and bool(parts.hostname) and parts.username is None and (parts.port or 1) > 0
    except ValueError:
        return None
    return str(text) if is_right and text == text.lower() and ("." in text or parts.hostname == "localhost") else None


class RecipientSchema(StrictSchema):
    """One recipient."""

    title = Words(wanted="the name of the organisation", most=200, required=True)
    role = Choice(tuple(role.value for role in Role), required=True)
    receives = ListOf(Words(wanted="a collection such as shop.customers, or a category such as user.contact", most=300), single=True, required=True)
    channel = Choice(tuple(channel.value for channel in Channel), required=True)
    identify_by = ListOf(Kind(), single=True, required=True)
    contract = Words(wanted="the contract in a few words", most=300, default="")
    countries = ListOf(Parsed(_country, "a country's two letters", "FR"), single=True)
    language = Words(wanted="a language such as en", most=20, default="")
    within = period()
    awaits = Choice(tuple(entry.value for entry in Awaits))
    to = _Address()
    url = Words(wanted="an address that begins with https://")
    secret = Words(wanted="a reference to a secret")
    authorization = Words(wanted="a reference to the value of the header Authorization")
    domain = Parsed(domain_name, "a domain in small letters", "vendor.example.com")
    certificate = Words(wanted="a path")
    format = Choice(_FORMATS)
    regulation = Choice(("gdpr", "ccpa"))
    issuer = Parsed(domain_name, "a domain in small letters", "example.com")
    key = Words(wanted="a reference to a private key")
    key_id = Words(wanted="the name of the key", most=200)
    ca_file = Words(wanted="a path")
    internal = yes_no()
    owner = Words(wanted="a person or a team", most=200)
    instructions = Words(wanted="what has to be done")

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> dict[str, Any]:  # noqa: ARG002 -- marshmallow's signature
        return data


def _check_recipient_name(text: str) -> None:
    if not is_name(text):
        raise ValidationError('not a name of small letters, digits, - and _ (try "mail-provider")')


class RecipientsSchema(StrictSchema):
    """`recipients.yaml`."""

    recipients = TableOf(block_of(RecipientSchema()), check_key=_check_recipient_name, least=0, required=True)


def recipients_from(
    document: Document, systems: Mapping[str, System], environment: Mapping[str, str], home: Path
) -> tuple[Mapping[str, Recipient], tuple[SpecProblem, ...]]:
    """The recipients that are right, and every problem of the others. Raises `SpecWrong` for what the schema refuses."""
    data = load(RecipientsSchema(), document)
    found: dict[str, Recipient] = {}
    problems: list[SpecProblem] = []
    for name, entry in data["recipients"].items():
        reader = _Reader(document, name, entry, systems, environment, home)
        wrong = tuple(reader.problems())
        if wrong:
            problems += wrong
        else:
            found[name] = reader.recipient()
    return MappingProxyType(found), tuple(problems)


def languages(home: Path) -> tuple[str, ...]:
    """The languages in which recipients can be written to."""
    folders = (shipped("templates") / "notices", home / "templates" / "notices")
    return tuple(sorted({path.stem for folder in folders for path in folder.glob("*.toml")}))


@dataclass(frozen=True, slots=True)
class _Reader:
    """One entry of the file on its way to a `Recipient`."""

    document: Document
    name: str
    entry: Mapping[str, Any]
    systems: Mapping[str, System]
    environment: Mapping[str, str]
    home: Path

    @property
    def channel(self) -> Channel:
        return Channel(self.entry["channel"])

    @property
    def settings(self) -> dict[str, str]:
        """What the entry says about any channel, as texts."""
        keys = dict.fromkeys(key for keys in CHANNEL_SETTINGS.values() for key in keys)
        said = {key: self.entry[key] for key in keys if self.entry[key] not in (None, False)}
        return {key: "true" if value is True else str(value) for key, value in said.items()}

    def problems(self) -> Iterator[SpecProblem]:
        yield from self._misplaced()
        yield from self._unknown_places()
        for key, value in self.settings.items():
            message = self._wrong(key, value)
            if message:
                yield self._problem((key,), message)
        if self.entry["language"] and self.entry["language"] not in languages(self.home):
            yield self._problem(("language",), f"there are no notices in this language (there are {', '.join(languages(self.home))})")

    def recipient(self) -> Recipient:
        """Call it where there are no problems."""
        role = Role(self.entry["role"])
        block = self.document.root["recipients"]
        assert isinstance(block, Block)
        return Recipient(
            name=self.name,
            title=self.entry["title"],
            role=role,
            channel=self.channel,
            receives=self.entry["receives"],
            identify_by=tuple(dict.fromkeys(self.entry["identify_by"])),
            awaits=Awaits(self.entry["awaits"]) if self.entry["awaits"] else AWAITED[role],
            contract=self.entry["contract"],
            countries=self.entry["countries"],
            language=self.entry["language"],
            within=self.entry["within"] or A_MONTH,
            settings=MappingProxyType({key: Secret(self._resolved(key, value)) for key, value in self.settings.items()}),
            source=self.document.source(block.key_places[self.name]),
        )

    def _misplaced(self) -> Iterator[SpecProblem]:
        allowed, needed = CHANNEL_SETTINGS[self.channel], NEEDED[self.channel]
        for key in self.settings:
            if key not in allowed:
                yield self._problem((key,), f"not a setting of the channel {self.channel.value} ({', '.join(allowed)})", at_key=True)
        missing = [key for key in needed if key not in self.settings]
        if missing:
            yield self._problem((), f"the channel {self.channel.value} needs {' and '.join(f'`{key}`' for key in missing)}")
        if self.channel is Channel.OPENDSR and ("certificate" in self.settings) != ("domain" in self.settings):
            yield self._problem((), "`certificate` and `domain` go together: the signature is checked for the domain that is named")

    def _unknown_places(self) -> Iterator[SpecProblem]:
        """A slip of the pen in `receives` would mean that somebody is never told."""
        for number, place in enumerate(self.entry["receives"]):
            if place in categories():
                continue
            system, dot, collection = place.partition(".")
            if not dot or not collection or system not in self.systems:
                known: Iterable[str] = categories() if system in {name.partition(".")[0] for name in categories()} else self.systems
                hint = did_you_mean(place if known is not self.systems else system, known)
                yield self._problem(("receives", number), f"neither a collection of a declared system (system.collection) nor a category{hint}")

    def _wrong(self, key: str, value: str) -> str:
        """What is wrong with a setting; empty for one that is right. Never its value."""
        if (key in SECRETS and not is_reference(value)) or has_literal_password(value):
            return _LITERAL
        try:
            resolved = self._resolved(key, value)
        except InputWrong as error:
            return str(error)
        if key == "url" and not resolved.startswith("https://"):
            return "must begin with https://: identifiers are sent there"
        if key == "secret" and len(resolved) < LEAST_SECRET:
            return f"the secret has fewer than {LEAST_SECRET} characters (try `openssl rand -hex 32`)"
        if key == "authorization" and not (resolved.isprintable() and resolved.isascii()):
            return "the value cannot be a header: it is one line of printable characters"
        if key in _FILES and not Path(resolved).is_file():
            return "there is no such file"
        return ""

    def _resolved(self, key: str, value: str) -> str:
        text = resolve_secret(value, self.environment).reveal()
        return str(self.home / Path(text).expanduser()) if key in _FILES else text

    def _problem(self, path: tuple[Key, ...], message: str, *, at_key: bool = False) -> SpecProblem:
        return self.document.problem(("recipients", self.name, *path), message, at_key=at_key)
