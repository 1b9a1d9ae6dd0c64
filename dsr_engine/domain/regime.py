"""A law as data (`policies/regimes/`): what a case under it may rely on, and when its answer is due."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from dsr_engine.domain.deadline import Clocks
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.source import NOWHERE, Source


@dataclass(frozen=True, slots=True)
class Ground:
    """An exemption that lets data stay although its person asked. `needs_law` says that a rule must cite a statute."""

    name: str
    cite: str
    about: str = ""
    needs_law: bool = True


@dataclass(frozen=True, slots=True)
class Regime:
    """`version`, `valid_from` and the file's digest are stored on every case that is opened under it. `clocks` None: the file sets no limit.

    `letters` names what each letter must say: element → where the law demands it.
    """

    name: str
    title: str
    version: str
    valid_from: date
    checked_on: date
    sources: tuple[str, ...]
    grounds: tuple[Ground, ...]
    log_keep_months: int
    letters: Mapping[LetterKind, Mapping[str, str]] = field(default_factory=dict)
    clocks: Clocks | None = None
    source: Source = NOWHERE

    def ground_named(self, name: str) -> Ground | None:
        return next((ground for ground in self.grounds if ground.name == name), None)
