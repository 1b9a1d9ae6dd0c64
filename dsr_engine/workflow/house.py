"""What a stage may use: the store, the systems, the rules, the clock. `bootstrap.py` builds it; nothing here picks an implementation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from typing import Protocol

from dsr_engine.certificate.keys import Signer
from dsr_engine.certificate.look import Look
from dsr_engine.certificate.trust import Bundle
from dsr_engine.delivery.post import Post
from dsr_engine.delivery.teller import OpenTeller
from dsr_engine.domain.case import Case
from dsr_engine.domain.clock import Clock
from dsr_engine.domain.deadline import Calendar
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.partner import Partners
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.recipient import Recipient
from dsr_engine.domain.regime import Regime
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Driver
from dsr_engine.drivers.reading import Reader
from dsr_engine.drivers.upkeep import Upkeep
from dsr_engine.settings import Settings
from dsr_engine.store.store import Store
from dsr_engine.workflow.searching import Searchers


class Progress(Protocol):
    """Tells a person or a log how far long work is. Names of systems and collections only, never of records."""

    def begin(self, what: str, total: int | None) -> None:
        """A piece of work of `total` steps starts (None: nobody knows how many)."""

    def advance(self, what: str, steps: int = 1) -> None:
        """`steps` more are done."""

    def end(self, what: str) -> None:
        """The piece of work is over."""


class Silence:
    """Progress that nobody looks at."""

    def begin(self, what: str, total: int | None) -> None: ...

    def advance(self, what: str, steps: int = 1) -> None: ...

    def end(self, what: str) -> None: ...


class OpenDriver(Protocol):
    def __call__(self, system: System, *, read_only: bool = False) -> Driver:
        """A driver with a new connection of its own. The caller closes it."""


class OpenPost(Protocol):
    def __call__(self) -> Post | None:
        """The controller's way of sending mail; None where dsr.toml names none. The caller closes it."""


class OpenUpkeep(Protocol):
    def __call__(self, system: System) -> Upkeep | None:
        """Who tells what outlives an erasure in this system; None where its driver has nobody. The caller closes it."""


class OpenReader(Protocol):
    def __call__(self, system: System, /) -> Reader | None:
        """Who reads known records of this system again, for previews and copies; None where its driver has nobody. The caller closes it."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What certificates are made with and where they go. `tsa_url` None: the operator's own clock is the only witness of time."""

    folder: Path
    signer: Signer
    look: Look
    bundle: Bundle
    controller: Mapping[str, str]
    tsa_url: str | None = None


@dataclass(frozen=True, slots=True)
class House:
    """Everything a stage works with. `policy_text` and `regime_text` find what a case pinned by its digest, also after the file changed."""

    store: Store
    systems: Mapping[str, System]
    policies: Mapping[str, Policy]
    regimes: Mapping[str, Regime]
    clock: Clock
    open_driver: OpenDriver
    open_upkeep: OpenUpkeep
    searchers: Searchers
    paper: Paper
    policy_text: Callable[[str], Policy | None]
    software: str
    regime_text: Callable[[str, str], Regime | None] = lambda _name, _digest: None
    text_of: Callable[[str], bytes | None] = lambda _digest: None
    open_post: OpenPost = lambda: None
    open_teller: OpenTeller = lambda _recipient: None
    open_reader: OpenReader = lambda _system: None
    recipients: Mapping[str, Recipient] = field(default_factory=dict)
    partners: Partners = field(default_factory=Partners)
    settings: Settings = field(default_factory=lambda: Settings(Path(), ""))
    calendar: Calendar = field(default_factory=lambda: Calendar(UTC))
    progress: Progress = field(default_factory=Silence)
    followup_days: int = 30

    def policy_of(self, case: Case) -> Policy:
        """The policy in the version that the case was opened under."""
        digest = case.digests.get("policy", "")
        current = self.policies.get(case.policy)
        if current is not None and current.source.digest == digest:
            return current
        pinned = self.policy_text(digest)
        if pinned is None:
            raise InputWrong(
                f"policy {case.policy} is gone in the version that the case was opened under",
                code="policy.gone",
                hint=f"put the file with SHA-256 {digest[:16]}… back, or withdraw the case and open a new one",
            )
        return pinned

    def regimes_of(self, case: Case) -> tuple[Regime, ...]:
        """The laws that apply to the case, each in the version that it was opened under. Raises `InputWrong` (`regime.gone`)."""
        return tuple(self._pinned_regime(name, case.digests.get(f"regime:{name}", "")) for name in case.regimes)

    def _pinned_regime(self, name: str, digest: str) -> Regime:
        current = self.regimes.get(name)
        if current is not None and current.source.digest == digest:
            return current
        pinned = self.regime_text(name, digest)
        if pinned is None:
            raise InputWrong(
                f"regime {name} is gone in the version that the case was opened under",
                code="regime.gone",
                hint=f"put the file with SHA-256 {digest[:16]}… back; the case goes on under it",
            )
        return pinned

    def for_case(self, case_id: str) -> "House":
        """The same house, whose sessions at servers are called `dsr/CASE`, so that an administrator sees who is there and why."""
        return replace(self, systems={name: replace(system, label=f"dsr/{case_id}") for name, system in self.systems.items()})

    def origin_of(self, system: str, collection: str) -> str:
        """The collection whose rules count for records of this one: restricted records that were moved keep the rules of where they came from."""
        known = self.systems.get(system)
        return known.manifest.origin_of(collection) if known else collection

    def system_named(self, name: str) -> System:
        system = self.systems.get(name)
        if system is None:
            raise InputWrong(
                f"system {name} is not known here",
                code="system.unknown",
                hint="declare it in systems.yaml, or name it again with --in",
            )
        return system
