"""Connecting a system step by step: what somebody wants, a test, a draft of its map, corrections, and the files that are written in the end.

No secret is ever typed: settings name where it is (`${NAME}`, `file:/…`, `keyring:…`), and what is kept between two steps is what would stand in
`systems.yaml`. Nothing is declared before the last step, which proves that the home loads and then writes all files or none.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsr_engine.domain.errors import Conflict, InputWrong, NotAllowed, NotSupported
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.survey import Surveyor
from dsr_engine.references import has_literal_password, is_reference
from dsr_engine.spec.connector_file import manifest_from
from dsr_engine.spec.home import SYSTEMS
from dsr_engine.spec.loader import parse_document
from dsr_engine.spec.problems import SpecWrong
from dsr_engine.spec.proving import prove, text_of, write
from dsr_engine.spec.scalars import is_name
from dsr_engine.spec.systems_file import SECRETS, Surroundings, systems_from
from dsr_engine.spec.writing import put, scalar
from dsr_engine.workflow.drafting.drafting import continued, draft_from
from dsr_engine.workflow.drafting.json_form import as_document
from dsr_engine.workflow.drafting.survey import SAMPLE
from dsr_engine.workflow.drafting.yaml_text import yaml_of
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.systems.addresses import Resolve, addresses_of, judged
from dsr_engine.workflow.systems.asking import Bench, Steps, Tell
from dsr_engine.workflow.systems.health import check_of, health_of, told_by

#: The kinds of inquiries in which the steps are kept; the name is the system's.
WISH, TEST, DRAFT = "connect.wish", "connect.test", "connect.draft"

#: What no driver reaches: a CRM in the cloud, paper, a vendor. Its settings are no connection but the task that a person has in each case.
MANUAL = "manual"
#: What a token is fetched with, in the place of a password.
OAUTH = ("token_url", "client_id", "client_secret", "scope")
#: What can be connected step by step: the shipped connector, what it is, and the settings that are asked for.
KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "postgresql": ("PostgreSQL", ("url", "user", "password", "schema")),
    "mariadb": ("MariaDB or MySQL", ("url", "user", "password")),
    "sqlite": ("A SQLite file on this machine", ("url",)),
    "imap": ("A mail server (IMAP)", ("url", "user", "password", "master_user", "token", *OAUTH, "folders", "ca_file")),
    "maildir": ("A Maildir on this machine", ("url",)),
    "mbox": ("An mbox file on this machine", ("url",)),
    "eml": ("A folder of mails as files (.eml, .msg)", ("url",)),
    "s3": ("An S3 bucket", ("bucket", "prefix", "endpoint_url", "region", "access_key", "secret_key")),
    "folder": ("A folder on this machine", ("url",)),
    MANUAL: ("Something that a person looks after", ("about", "instructions", "due")),
}
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_USERINFO = re.compile(r"[a-z0-9+.-]+://[^/?#]*@")
_REFERENCES = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}|file:/[^\s\"']+|keyring:[^\s\"']+")

OpenSurveyor = Callable[[System], Surveyor | None]


@dataclass(frozen=True, slots=True)
class Place:
    """The home that is written to: its folder, the environment that its references are read from, and the connectors that it knows."""

    home: Path
    environment: Mapping[str, str]
    manifests: Mapping[str, Manifest]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to connect. `settings` hold references where a secret is meant. `is_inside`: it lies in our own network."""

    name: str
    kind: str
    settings: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    is_inside: bool = False

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Wish":
        return cls(kept["name"], kept["kind"], dict(kept["settings"]), kept["owner"], bool(kept["is_inside"]))

    def as_kept(self) -> Mapping[str, Any]:
        return {"name": self.name, "kind": self.kind, "settings": dict(self.settings), "owner": self.owner, "is_inside": self.is_inside}


def refused_secret(key: str, value: str) -> bool:
    """True for a value that must be neither kept nor shown again: somebody wrote a password out."""
    return (key in SECRETS and bool(value) and not is_reference(value)) or has_literal_password(value)


def wish_of(place: Place, name: str, kind: str, typed: Mapping[str, str], owner: str, *, is_inside: bool) -> Wish:
    """What was typed, as a wish. The bare NAME of a variable that is set counts as `${NAME}`.

    Raises `InputWrong` for a name that cannot be or is taken, `SpecWrong` for settings that `systems.yaml` would refuse (a password written out
    among them), `NotAllowed` for references to the engine's own secrets. No value is repeated.
    """
    if not is_name(name):
        raise InputWrong("a system's name has small letters, digits, - and _ only", code="connect.name", hint='for instance "web-shop"')
    if kind not in KINDS:
        raise InputWrong("nothing was chosen: what it is", code="connect.kind", hint="choose one of what the form offers")
    settings = {key: _as_reference(key, typed.get(key, "").strip(), place.environment) for key in KINDS[kind][1]}
    wish = Wish(name, kind, {key: value for key, value in settings.items() if value}, owner.strip(), is_inside)
    if _is_declared(place, name):
        raise Conflict(f"there is a system {name} already", code="connect.taken", hint="choose another name, or correct that system's map")
    _refuse_own_secrets(place, wish.settings)
    system_of(place, wish)
    return wish


def keep_wish(house: House, place: Place, wish: Wish, *, is_again: bool) -> None:
    """Keeps the wish; what was tested and drafted under this name before is gone. Raises `Conflict` where another one has begun to connect it.

    `is_again`: whoever wants this has seen what was begun.
    """
    with house.store.transaction() as tx:
        if not is_again and tx.inquiries.get(WISH, wish.name) is not None:
            raise Conflict(f"somebody has begun to connect {wish.name}", code="connect.begun", hint="go on there, or forget it first")
        for step in (TEST, DRAFT):
            tx.inquiries.drop(step, wish.name)
        tx.inquiries.keep(WISH, wish.name, house.clock.now(), wish.as_kept())
    draft_path(place, wish.name).unlink(missing_ok=True)


def _as_reference(key: str, value: str, environment: Mapping[str, str]) -> str:
    return f"${{{value}}}" if key in SECRETS and _VARIABLE.fullmatch(value) and value in environment else value


def _is_declared(place: Place, name: str) -> bool:
    text = text_of(place.home, SYSTEMS)
    if not text.strip():
        return False
    block = parse_document(text.encode(), SYSTEMS).root.get("systems")
    return isinstance(block, dict) and name in block


def _refuse_own_secrets(place: Place, settings: Mapping[str, str]) -> None:
    """A reference is revealed to the host that is connected to. The secrets of the engine and of other systems are nobody's business there."""
    taken = set(_REFERENCES.findall("\n".join(_lines_of_home(place))))
    for key, value in settings.items():
        named = set(_REFERENCES.findall(value))
        if any(text.startswith("${DSR_") or _is_ours(place, text) for text in named):
            raise NotAllowed("a reference leads to a secret of the engine itself", code="connect.secret", hint="give the system one of its own")
        if named & taken:
            hint = "give the system one of its own; if both really share it, write the entry into systems.yaml yourself"
            raise NotAllowed("a reference leads to a secret that something else in this home uses", code="connect.secret", hint=hint)
        rest = value[found.end() :] if (found := _USERINFO.match(value)) else value
        if key not in (*SECRETS, "user", "access_key") and ("${" in rest or is_reference(value)):
            raise InputWrong("a reference may only take the place of a user or a password", code="connect.reference", hint="write the rest out")


def _lines_of_home(place: Place) -> Iterator[str]:
    """What the settings files say; a reference in a comment is nobody's."""
    for path in sorted((*place.home.glob("*.toml"), *place.home.glob("*.yaml"))):
        yield from (line for line in text_of(place.home, path.name).splitlines() if not line.lstrip().startswith("#"))


def _is_ours(place: Place, reference: str) -> bool:
    """True for a file that lies in the home."""
    return reference.startswith("file:") and Path(reference.removeprefix("file:")).resolve().is_relative_to(place.home.resolve())


def system_of(place: Place, wish: Wish) -> System:
    """The system as `systems.yaml` would declare it with the connector of its kind. Raises `SpecWrong` with what that refuses."""
    manifests, connector = place.manifests, wish.kind
    if wish.kind == MANUAL:
        connector = wish.name
        manifests = {**manifests, connector: manifest_from(parse_document(task_text(wish).encode(), "what was typed"))}
    document = parse_document(entry_text("", wish, connector).encode(), "what was typed")
    systems, problems = systems_from(document, Surroundings(manifests, place.environment, place.home))
    if problems:
        raise SpecWrong(problems)
    return systems[wish.name]


def task_text(wish: Wish) -> str:
    """The connector of something that a person looks after."""
    task = {"instructions": wish.settings.get("instructions", ""), "owner": wish.owner, "due": wish.settings.get("due", "")}
    said = [(("connector",), wish.name), (("driver",), MANUAL), (("about",), wish.settings.get("about", ""))]
    text = ""
    for path, value in (*said, *((("task", key), value) for key, value in task.items())):
        text = put(text, path, scalar(value)) if value else text
    return text


def entry_text(text: str, wish: Wish, connector: str) -> str:
    """The text of `systems.yaml` with the entry of this system added."""
    settings = {} if wish.kind == MANUAL else wish.settings
    entry = {"connector": connector, **({"owner": wish.owner} if wish.owner else {}), **settings}
    for key, value in entry.items():
        text = put(text, ("systems", wish.name, key), scalar(value))
    return text


# --- the long steps ----------------------------------------------------------------------------------------------------


def ask_test(bench: Bench, house: House, place: Place, wish: Wish, resolve: Resolve = addresses_of) -> None:
    """Begins to connect: is it there, is it what it should be, and what may our account do?"""

    def question(_: Tell) -> Mapping[str, Any]:
        reach = judged(system_of(place, wish), place.home, is_inside=wish.is_inside, resolve=resolve)
        return {**check_of(told_by(reach.system, house.open_driver)), "host": reach.host, "address": reach.address}

    bench.ask(house, TEST, wish.name, question)


def ask_draft(bench: Bench, house: House, place: Place, wish: Wish, open_surveyor: OpenSurveyor, resolve: Resolve = addresses_of) -> None:
    """Begins to draft the map of a system that is being connected; the text lies beside the connectors as a draft."""

    def question(tell: Tell) -> Mapping[str, Any]:
        reach = judged(system_of(place, wish), place.home, is_inside=wish.is_inside, resolve=resolve)
        return _drafted(place, reach.system, open_surveyor, tell, lambda: _refuse_other_wish(house, wish))

    bench.ask(house, DRAFT, wish.name, question)


def _refuse_other_wish(house: House, wish: Wish) -> None:
    """A map of one database must not be saved for another: the wish may have been changed or forgotten while its map was drafted."""
    with house.store.snapshot() as tx:
        kept = tx.inquiries.get(WISH, wish.name)
    if kept is None or kept.answer is None or Wish.read(kept.answer) != wish:
        raise Conflict("the system was changed while its map was drafted", code="connect.changed", hint="draft it again")


def ask_redraft(bench: Bench, house: House, place: Place, name: str, open_surveyor: OpenSurveyor) -> None:
    """Begins to look at a declared system again: what its connector says stays, and what is new comes as questions."""
    system = house.system_named(name)
    bench.ask(house, DRAFT, name, lambda tell: _drafted(place, system, open_surveyor, tell, lambda: None))


def _drafted(place: Place, system: System, open_surveyor: OpenSurveyor, tell: Tell, refuse_other: Callable[[], None]) -> Mapping[str, Any]:
    surveyor = open_surveyor(system)
    if surveyor is None:
        raise NotSupported(
            f"a map cannot be drafted from a system of the driver {system.manifest.driver}",
            code="map.not_supported",
            hint="only databases, buckets and folders can be asked for their shape",
        )
    try:
        draft = continued(system.manifest, draft_from(surveyor, system, SAMPLE, Steps(tell)))
    finally:
        surveyor.close()
    refuse_other()
    own = own_connector(place, system)
    text = text_of(place.home, own) if own else yaml_of(draft)
    keep_text(place, system.name, put(text, ("connector",), scalar(connector_name(place, system))))
    return as_document(draft)


def own_connector(place: Place, system: System) -> str:
    """The file of the home in which this system's connector stands; empty for a shipped one."""
    name = system.manifest.source.file
    return name if name and name.startswith("connectors/") and (place.home / name).is_file() else ""


def connector_name(place: Place, system: System) -> str:
    """What the system's own connector is called: as it is, or after the system where it has none of its own."""
    return system.manifest.name if own_connector(place, system) else system.name


# --- the draft as a text -----------------------------------------------------------------------------------------------


def draft_path(place: Place, name: str) -> Path:
    if not is_name(name):
        raise InputWrong("there is no such draft", code="connect.unknown", hint="begin with the first step")
    return place.home / "connectors" / f"{name}.yaml.draft"


def draft_text(place: Place, name: str) -> str:
    """The draft as it was corrected last; empty where there is none."""
    return text_of(place.home, str(draft_path(place, name).relative_to(place.home)))


def keep_text(place: Place, name: str, text: str, before: str | None = None) -> None:
    """Keeps the draft between two steps. It holds names and reasons, and no value of any record.

    `before`: what it was when the change was made of it; `Conflict` if it is something else by now.
    """
    shown = str(draft_path(place, name).relative_to(place.home))
    write(place.home, {} if before is None else {shown: before}, {shown: text})


# --- the end -----------------------------------------------------------------------------------------------------------


def save_new(house: House, place: Place, wish: Wish, by: str) -> None:
    """Writes the connector, if one was drafted, and the entry of `systems.yaml`.

    Raises `SpecWrong` with every problem of the home with these files in it, `Conflict` where a file was changed or the name was taken meanwhile;
    nothing is written then.
    """
    if _is_declared(place, wish.name):
        raise Conflict(f"there is a system {wish.name} already", code="connect.taken", hint="choose another name")
    with house.store.snapshot() as tx:
        test = tx.inquiries.get(TEST, wish.name)
    if health_of(test, house.clock.now()).state not in ("ready", "warning"):
        raise InputWrong(f"{wish.name} was not tested, or cannot be used", code="connect.untested", hint="test it first; then save it")
    # What was judged when it was tested is judged again: the last step may come days later.
    judged(system_of(place, wish), place.home, is_inside=wish.is_inside)
    text = task_text(wish) if wish.kind == MANUAL else draft_text(place, wish.name)
    connector = f"connectors/{wish.name}.yaml"
    before = {SYSTEMS: text_of(place.home, SYSTEMS), **({connector: text_of(place.home, connector)} if text else {})}
    if text and (before[connector] or _is_used(house, wish.name)):
        raise Conflict(f"there is a connector {wish.name} already", code="connect.taken", hint="give the system another name")
    changed = {**({connector: text} if text else {}), SYSTEMS: entry_text(before[SYSTEMS], wish, wish.name if text else wish.kind)}
    _write(place, before, changed)
    _forget(house, place, wish.name, "system.connected", by, changed)


def save_map(house: House, place: Place, name: str, by: str) -> None:
    """Writes the corrected map of a declared system, and lets `systems.yaml` name it. Raises as `save_new` does."""
    system, text = house.system_named(name), draft_text(place, name)
    if not text:
        raise InputWrong("there is no draft to save", code="connect.unknown", hint="draft the map first")
    own = own_connector(place, system)
    connector = own or f"connectors/{name}.yaml"
    before = {connector: text_of(place.home, connector), SYSTEMS: text_of(place.home, SYSTEMS)}
    if not own and (before[connector] or _is_used(house, name)):
        raise Conflict(f"there is a connector {name} already", code="connect.taken", hint="write the map by hand under another name")
    changed = {connector: text}
    if not own:
        changed[SYSTEMS] = put(before[SYSTEMS], ("systems", name, "connector"), scalar(name))
    _write(place, before, changed)
    _forget(house, place, name, "system.mapped", by, changed)


def _is_used(house: House, connector: str) -> bool:
    """True where a connector of this name means something already: a file of ours would take its place in other systems."""
    return connector in KINDS or any(entry.manifest.name == connector for entry in house.systems.values())


def _write(place: Place, before: Mapping[str, str], changed: Mapping[str, str]) -> None:
    prove(place.home, place.environment, changed)
    write(place.home, before, changed)


def _forget(house: House, place: Place, name: str, kind: str, by: str, changed: Iterable[str]) -> None:
    """Takes the steps away that led here, and says in the ledger what was done."""
    now = house.clock.now()
    with house.store.transaction() as tx:
        person = tx.people.id_of(by)
        for step in (WISH, TEST, DRAFT):
            tx.inquiries.drop(step, name)
        tx.ledger.append(leaf(house.clock, kind, f"{name}:{now.isoformat()}", system=name, by=person, files=list(changed)))
    draft_path(place, name).unlink(missing_ok=True)
