"""Loads everything that a home declares, its own files before the shipped ones of the same name, and shows all mistakes of all files at once."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeVar

from dsr_engine.domain.partner import Partners
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.recipient import Recipient
from dsr_engine.domain.regime import Regime
from dsr_engine.domain.source import Source
from dsr_engine.domain.system import Manifest, System
from dsr_engine.shipped import shipped
from dsr_engine.spec.against import check_against
from dsr_engine.spec.connector_file import manifest_from
from dsr_engine.spec.document import Document
from dsr_engine.spec.fides_file import fides_from, is_fides
from dsr_engine.spec.grounds import ground_problems
from dsr_engine.spec.loader import read_document
from dsr_engine.spec.partners_file import partners_from
from dsr_engine.spec.policy_file import policy_from
from dsr_engine.spec.problems import SpecProblem, SpecWrong
from dsr_engine.spec.recipients_file import recipients_from
from dsr_engine.spec.regime_file import regimes_from
from dsr_engine.spec.systems_file import Surroundings, systems_from
from dsr_engine.spec.ties import tie_problems

SYSTEMS = "systems.yaml"
RECIPIENTS = "recipients.yaml"
PARTNERS = "partners.yaml"
#: The files that `dsr init` writes into a new home.
HOME_FILES = ("dsr.toml", SYSTEMS, RECIPIENTS, PARTNERS)


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def source(self) -> Source: ...


_N = TypeVar("_N", bound=_Named)


@dataclass(frozen=True, slots=True)
class Declared:
    """All that one home declares, by name. `warnings` are the gaps that `allow_gaps` let pass."""

    systems: Mapping[str, System]
    policies: Mapping[str, Policy]
    regimes: Mapping[str, Regime]
    manifests: Mapping[str, Manifest]
    warnings: tuple[SpecProblem, ...] = ()
    recipients: Mapping[str, Recipient] = field(default_factory=dict)
    partners: Partners = field(default_factory=Partners)


def load_home(home: Path, environment: Mapping[str, str], *, allow_gaps: bool = False) -> Declared:
    """Everything in `home` and everything shipped that it does not shadow. Raises `SpecWrong` with all problems of all files.

    Once every file is right, the home's own policies are held against its systems; a shipped one only when a case uses it (`check_against`).
    A home without `systems.yaml` has no systems.
    """
    problems: list[SpecProblem] = []
    regimes = _collect(_folders(home, "policies", "regimes"), regimes_from, problems)
    unsaid: list[SpecProblem] = []
    manifests = _collect(_folders(home, "connectors"), lambda document: (_manifest(document, unsaid),), problems)
    broken = frozenset(_broken(_folders(home, "connectors"), {problem.source.file for problem in problems}))
    systems = _systems(home, Surroundings(manifests, environment, home, broken), problems)
    recipients = _recipients(home, systems, environment, problems)
    shipped_policies, own = (_collect((folder,), lambda document: (_policy(document, regimes),), problems) for folder in _folders(home, "policies"))
    partners = _partners(home, {**shipped_policies, **own}, environment, problems)
    if problems:
        raise SpecWrong(problems)
    found = [*unsaid, *(problem for policy in own.values() for problem in check_against(policy, systems))]
    gaps = tuple(problem for problem in found if problem.is_gap) if allow_gaps else ()
    if len(found) > len(gaps):
        raise SpecWrong(problem for problem in found if problem not in gaps)
    return Declared(systems, MappingProxyType({**shipped_policies, **own}), regimes, manifests, gaps, recipients, partners)


def load_policy(path: Path, regimes: Mapping[str, Regime]) -> Policy:
    """The policy in one file. Raises `SpecWrong`."""
    shown = f"policies/{path.name}" if path.parent.name == "policies" else path.name
    return _policy(read_document(path, shown), regimes)


def load_regime(path: Path, name: str) -> Regime | None:
    """The regime of this name in one file, which may hold several; None if it has only others. Raises `SpecWrong`."""
    return next((found for found in regimes_from(read_document(path, path.name)) if found.name == name), None)


def load_regimes(*folders: Path) -> Mapping[str, Regime]:
    """Every regime in these folders; one in a later folder shadows one of the same name. Raises `SpecWrong`."""
    return _all_of(folders, regimes_from)


def load_manifests(*folders: Path) -> Mapping[str, Manifest]:
    """Every connector in these folders; one in a later folder shadows one of the same name. Raises `SpecWrong`."""
    return _all_of(folders, lambda document: (manifest_from(document),))


def home_file(name: str) -> str:
    """The commented text with which `dsr init` begins one of `HOME_FILES`."""
    return (shipped("templates") / "home" / name).read_text(encoding="utf-8")


def _folders(home: Path, *parts: str) -> tuple[Path, ...]:
    kind, *rest = parts
    return (shipped(kind).joinpath(*rest), home.joinpath(*parts))


def _all_of(folders: tuple[Path, ...], make: Callable[[Document], Iterable[_N]]) -> Mapping[str, _N]:
    problems: list[SpecProblem] = []
    found = _collect(folders, make, problems)
    if problems:
        raise SpecWrong(problems)
    return found


def _collect(folders: tuple[Path, ...], make: Callable[[Document], Iterable[_N]], problems: list[SpecProblem]) -> Mapping[str, _N]:
    found: dict[str, _N] = {}
    for folder in folders:
        in_this_folder: dict[str, _N] = {}
        for path in _files(folder):
            for thing in _made(path, make, problems):
                twin = in_this_folder.get(thing.name)
                if twin is not None:
                    problems.append(SpecProblem(thing.source, "", f"`{thing.name}` is declared in {twin.source.file} already"))
                in_this_folder[thing.name] = thing
        found |= in_this_folder
    return MappingProxyType(found)


def _made(path: Path, make: Callable[[Document], Iterable[_N]], problems: list[SpecProblem]) -> Iterator[_N]:
    try:
        yield from make(read_document(path, _shown(path)))
    except SpecWrong as wrong:
        problems.extend(wrong.problems)


def _files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])) if folder.is_dir() else ()


def _shown(path: Path) -> str:
    """How messages and certificates name a file: from `policies` or `connectors` on, never with the machine's folders."""
    parent = path.parent
    return f"{parent.parent.name}/{parent.name}/{path.name}" if parent.name == "regimes" else f"{parent.name}/{path.name}"


def _policy(document: Document, regimes: Mapping[str, Regime]) -> Policy:
    policy = policy_from(document)
    problems = [*ground_problems(document, policy, regimes), *tie_problems(document, policy)]
    if problems:
        raise SpecWrong(problems)
    return policy


def _manifest(document: Document, unsaid: list[SpecProblem]) -> Manifest:
    """The manifest of a connector file, or of a fides dataset file; `unsaid` takes what the latter says and a manifest cannot."""
    if not is_fides(document):
        return manifest_from(document)
    found = fides_from(document)
    unsaid.extend(found.gaps)
    return found.manifest


def _broken(folders: Iterable[Path], files: Container[str]) -> Iterator[str]:
    """What the connectors in these files, which are wrong, are called: by their names as far as they can be read, and by their files."""
    for path in (path for folder in folders for path in _files(folder) if _shown(path) in files):
        yield path.stem
        with suppress(SpecWrong):
            name = read_document(path, _shown(path)).root.get("connector")
            if isinstance(name, str):
                yield name


def _systems(home: Path, around: Surroundings, problems: list[SpecProblem]) -> Mapping[str, System]:
    path = home / SYSTEMS
    if not path.exists():
        return {}
    try:
        systems, found = systems_from(read_document(path, SYSTEMS), around)
    except SpecWrong as wrong:
        problems.extend(wrong.problems)
        return {}
    problems.extend(found)
    return MappingProxyType(dict(systems))


def _recipients(home: Path, systems: Mapping[str, System], environment: Mapping[str, str], problems: list[SpecProblem]) -> Mapping[str, Recipient]:
    """The register of recipients. It names systems, so it is read once those, and their connectors, are right."""
    path = home / RECIPIENTS
    if not path.exists() or any(problem.source.file == SYSTEMS or problem.source.file.startswith("connectors/") for problem in problems):
        return {}
    try:
        recipients, found = recipients_from(read_document(path, RECIPIENTS), systems, environment, home)
    except SpecWrong as wrong:
        problems.extend(wrong.problems)
        return {}
    problems.extend(found)
    return recipients


def _partners(home: Path, policies: Mapping[str, Policy], environment: Mapping[str, str], problems: list[SpecProblem]) -> Partners:
    """The programs outside. A home without the file has none."""
    path = home / PARTNERS
    if not path.exists():
        return Partners()
    try:
        partners, found = partners_from(read_document(path, PARTNERS), policies, environment, home)
    except SpecWrong as wrong:
        problems.extend(wrong.problems)
        return Partners()
    problems.extend(found)
    return partners
