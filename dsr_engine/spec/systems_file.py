"""The schema of `systems.yaml`: what an operator runs, and how the engine gets in (`connectors/README.md` is its reference)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError, post_load

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import COUNTED_IN, Manifest, System
from dsr_engine.references import has_literal_password, is_reference, resolve_secret
from dsr_engine.spec.document import Block, Document, Key
from dsr_engine.spec.mail_login import LOGIN, bytes_per_day, other_login
from dsr_engine.spec.mailboxes import WHOSE, Folders, Mailboxes, mailbox_problems, mailbox_setting
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.pace import bytes_per_second, pace_of, pause_when, seconds, window
from dsr_engine.spec.problems import SpecProblem
from dsr_engine.spec.scalars import Choice, Parsed, Words, is_name, name, yes_no
from dsr_engine.spec.schema import ListOf, StrictSchema, TableOf, block_of, load

#: The connection settings that each driver reads.
DRIVER_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "sql": ("url", "user", "password", "schema", "records_per_second", "connections"),
    "mailstore": (
        *("url", "user", "password", "mailboxes", "because", "folders", "tls", "ca_file", *LOGIN[1:]),
        *("bytes_per_day", "attachments", "records_per_second", "connections"),
    ),
    "objectstore": ("url", "bucket", "prefix", "endpoint_url", "region", "access_key", "secret_key", "records_per_second", "connections"),
    "manual": (),
}
#: Of these, a system needs at least one.
NEEDED: Mapping[str, tuple[str, ...]] = {"sql": ("url",), "mailstore": ("url",), "objectstore": ("url", "bucket"), "manual": ()}
SECRETS = frozenset({"password", "secret_key", "token", "client_secret"})
#: Blocks of settings that replace the system's own for one purpose.
_CREDENTIALS = ("verify_as", "maintain_as")
#: A URL that names a place on this machine; without a scheme it is a folder or a file.
_LOCAL = re.compile(r"(?P<scheme>sqlite:///|maildir:|mbox:|eml:|folder:)?(?P<path>(?(scheme).*|[^:]*))", re.DOTALL)

#: What only a database understands, and when it is said at all.
_OF_DATABASES: Mapping[str, object] = {"window": None, "max_bytes_per_s": None, "max_snapshot": None, "pause_when": None, "level": "C0"}
PRINT, RUN = "print", "run"

_LITERAL = "a password is written out; use ${NAME}, file:/run/secrets/x or keyring:service/name"


class SystemSchema(StrictSchema):
    """One system."""

    connector = name(required=True)
    owner = Words(wanted="a person or a team", most=200, default="")
    level = Choice(("C0", "C1"), default="C0")
    disabled = yes_no()
    read_from = Words(wanted="a URL")
    verify_as = TableOf(Words())
    url = Words(wanted="a URL")
    user = Words(wanted="a user name", most=500)
    password = Words(wanted="a reference to a password")
    master_user = Words(wanted="a user name", most=500)
    token = Words(wanted="a reference to a token")
    token_url = Words(wanted="a URL")
    client_id = Words(wanted="the name of an application", most=500)
    client_secret = Words(wanted="a reference to a secret")
    scope = Words(wanted="a scope", most=1000)
    schema = Words(wanted="the name of a schema", most=128)
    mailboxes = Mailboxes()
    because = Words(wanted="a reason", most=500)
    folders = Folders()
    tls = Choice(("off",))
    ca_file = Words(wanted="a path")
    bytes_per_day = bytes_per_day()
    bucket = Words(wanted="the name of a bucket", most=255)
    prefix = Words(wanted="a prefix")
    endpoint_url = Words(wanted="a URL")
    region = Words(wanted="a region", most=100)
    access_key = Words(wanted="an access key")
    secret_key = Words(wanted="a reference to a secret key")
    attachments = Choice(("all", "text"))
    records_per_second = Parsed(lambda text: text if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) else None, "a number", "50")
    connections = Parsed(lambda text: text if re.fullmatch(r"[1-9][0-9]{0,2}", text) else None, "a number from 1 to 999", "8")
    window = window()
    max_bytes_per_s = bytes_per_second()
    max_snapshot = seconds()
    pause_when = pause_when()
    maintenance = Choice((PRINT, RUN), default=PRINT)
    maintain_as = TableOf(Words())
    maintenance_command = ListOf(Words(wanted="a word of a command", most=1000))

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> dict[str, Any]:  # noqa: ARG002 -- marshmallow's signature
        return data


def _check_system_name(text: str) -> None:
    if not is_name(text):
        raise ValidationError('not a name of small letters, digits, - and _ (try "web-shop")')


class SystemsSchema(StrictSchema):
    """`systems.yaml`."""

    systems = TableOf(block_of(SystemSchema()), check_key=_check_system_name, least=0, required=True)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a systems file is read in: the connectors that it may name, the environment of its secrets, the folder of its relative paths.

    `broken` are connectors whose files are wrong: that is said of them, and not that nobody has heard of them.
    """

    manifests: Mapping[str, Manifest]
    environment: Mapping[str, str]
    home: Path
    broken: frozenset[str] = frozenset()


def systems_from(document: Document, around: Surroundings) -> tuple[Mapping[str, System], tuple[SpecProblem, ...]]:
    """The systems that are right, and every problem of the others; nothing of one whose connector is broken.

    Raises `SpecWrong` for what the schema refuses.
    """
    data = load(SystemsSchema(), document)
    systems: dict[str, System] = {}
    problems: list[SpecProblem] = []
    for system_name, entry in data["systems"].items():
        reader = _Reader(document, ("systems", system_name), entry, around)
        found = tuple(reader.problems())
        if found:
            problems += found
        elif reader.manifest is not None:
            systems[system_name] = reader.system()
    return systems, tuple(problems)


@dataclass(frozen=True, slots=True)
class _Reader:
    """One entry of the file on its way to a `System`."""

    document: Document
    path: tuple[Key, ...]
    entry: Mapping[str, Any]
    around: Surroundings

    @property
    def manifest(self) -> Manifest | None:
        return self.around.manifests.get(self.entry["connector"])

    @property
    def settings(self) -> dict[str, str]:
        """Those that are one text each."""
        return {key: self.entry[key] for keys in DRIVER_SETTINGS.values() for key in keys if key not in WHOSE and self.entry[key] is not None}

    def problems(self) -> Iterator[SpecProblem]:
        if self.manifest is None:
            if self.entry["connector"] in self.around.broken:
                return
            hint = did_you_mean(self.entry["connector"], self.around.manifests)
            yield self._problem("connector", f"no such connector{hint or ' (`dsr catalog` lists them)'}")
            return
        yield from self._misplaced(self.manifest.driver)
        yield from self._misplaced_care(self.manifest.driver)
        if self.manifest.driver == "mailstore":
            yield from mailbox_problems(self.document, self.path, self.entry, lambda text: "" if self.entry["disabled"] else self._unresolved(text))
        for steps, value in self._values():
            message = _literal_secret(str(steps[-1]), value) or ("" if self.entry["disabled"] else self._unresolved(value))
            if message:
                yield self.document.problem((*self.path, *steps), message)

    def system(self) -> System:
        """Call it where there are no problems. A disabled system gets no settings: nothing may reach it."""
        manifest = self.manifest
        assert manifest is not None
        is_disabled = self.entry["disabled"]
        read_from = self.entry["read_from"]
        block = self.document.root["systems"]
        assert isinstance(block, Block)
        return System(
            name=str(self.path[-1]),
            manifest=manifest,
            settings={} if is_disabled else {**self._resolved(self.settings), **self._whose(), **self._counted()},
            because=self.entry["because"] or "",
            verify_as={} if is_disabled else self._verifier(self._resolved(self.entry["verify_as"])),
            read_from=Secret(self._anchored("url", self._reveal(read_from))) if read_from and not is_disabled else None,
            owner=self.entry["owner"],
            level=self.entry["level"],
            is_disabled=is_disabled,
            source=self.document.source(block.key_places[str(self.path[-1])]),
            pace=pace_of(self.entry),
            maintenance=self.entry["maintenance"],
            maintain_as={} if is_disabled else self._resolved(self.entry["maintain_as"]),
            maintenance_command=tuple(self.entry["maintenance_command"]),
        )

    def _whose(self) -> Mapping[str, Secret]:
        said = self.entry["mailboxes"]
        return {} if said is None else {"mailboxes": Secret(mailbox_setting(said, self._reveal, self.around.home))}

    def _counted(self) -> Mapping[str, Secret]:
        return {COUNTED_IN: Secret(str(self.around.home / "traffic"))} if self.entry["bytes_per_day"] else {}

    def _verifier(self, said: Mapping[str, Secret]) -> Mapping[str, Secret]:
        return other_login(self.settings, said) if self.manifest is not None and self.manifest.driver == "mailstore" else said

    def _misplaced(self, driver: str) -> Iterator[SpecProblem]:
        allowed, needed = DRIVER_SETTINGS[driver], NEEDED[driver]
        for key in (*self.settings, *(key for key in WHOSE if self.entry[key] is not None)):
            if key not in allowed:
                yield self._problem(key, f"not a setting of the {driver} driver ({', '.join(allowed) or 'it has none'})", at_key=True)
        for block in _CREDENTIALS:
            for key in self.entry[block]:
                if key not in allowed:
                    yield self.document.problem((*self.path, block, key), f"not a setting of the {driver} driver", at_key=True)
        if self.entry["read_from"] and driver != "sql":
            yield self._problem("read_from", "only a database can have a replica to read from", at_key=True)
        if needed and not any(key in self.settings for key in needed):
            yield self.document.problem(self.path, f"needs {' or '.join(f'`{key}`' for key in needed)}")

    def _misplaced_care(self, driver: str) -> Iterator[SpecProblem]:
        """Keys of pace and maintenance that would not be kept, or that lack what they need."""
        yield from self._misplaced_command(driver)
        if driver != "sql":
            said = [key for key, default in _OF_DATABASES.items() if self.entry[key] != default]
            said += ["maintenance"] if self.entry["maintenance"] != PRINT and driver != "mailstore" else []
            said += ["maintain_as"] if self.entry["maintain_as"] else []
            for key in said:
                hint = "; `records_per_second` slows it down" if key.startswith(("max_", "pause")) and driver != "manual" else ""
                yield self._problem(key, f"kept for databases only, and this is the {driver} driver{hint}", at_key=True)
            return
        if self.entry["maintenance"] == RUN:
            if not self.entry["maintain_as"] and not self.settings.get("url", "").startswith("sqlite:"):
                yield self._problem("maintenance", "`run` needs `maintain_as: {user: …, password: …}`, an account that may rewrite tables")
            if self.entry["window"] is None:
                yield self._problem("maintenance", '`run` needs a `window`, because it locks (try window: "01:00-04:00")')
        elif self.entry["maintain_as"]:
            yield self._problem("maintain_as", "used with `maintenance: run` only; leave it out, or say `run`", at_key=True)

    def _misplaced_command(self, driver: str) -> Iterator[SpecProblem]:
        has_command = bool(self.entry["maintenance_command"])
        if driver != "mailstore" and has_command:
            yield self._problem("maintenance_command", f"kept for mail only, and this is the {driver} driver", at_key=True)
        if driver == "mailstore" and self.entry["maintenance"] == RUN and not has_command:
            yield self._problem("maintenance", '`run` needs a `maintenance_command` (try [sudo, doveadm, "{arguments}"])')

    def _problem(self, key: str, message: str, *, at_key: bool = False) -> SpecProblem:
        return self.document.problem((*self.path, key), message, at_key=at_key)

    def _values(self) -> Iterator[tuple[tuple[str, ...], str]]:
        for key, value in self.settings.items():
            yield (key,), value
        for block in _CREDENTIALS:
            for key, value in self.entry[block].items():
                yield (block, key), value
        if self.entry["read_from"]:
            yield ("read_from",), self.entry["read_from"]

    def _unresolved(self, value: str) -> str:
        try:
            resolve_secret(value, self.around.environment)
        except InputWrong as error:
            return str(error)
        return ""

    def _reveal(self, value: str) -> str:
        return resolve_secret(value, self.around.environment).reveal()

    def _resolved(self, settings: Mapping[str, str]) -> Mapping[str, Secret]:
        return MappingProxyType({key: Secret(self._anchored(key, self._reveal(value))) for key, value in settings.items()})

    def _anchored(self, key: str, value: str) -> str:
        """A relative path means "beside systems.yaml", wherever the command was started."""
        if key == "ca_file":
            return str(self.around.home / Path(value).expanduser())
        local = _LOCAL.fullmatch(value) if key == "url" else None
        if local is None or not local["path"] or local["path"].startswith(("//", ":memory:", "file:")):
            return value
        return f"{local['scheme'] or ''}{self.around.home / Path(local['path']).expanduser()}"


def _literal_secret(key: str, value: str) -> str:
    if key in SECRETS and not is_reference(value):
        return _LITERAL
    return _LITERAL if has_literal_password(value) else ""
