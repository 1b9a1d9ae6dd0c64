"""The one place that picks implementations and puts a house together. Doors call this; nothing below knows it."""

import gc
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from dsr_engine.certificate.keys import create_authority, load_pkcs12, load_signer
from dsr_engine.certificate.look import Look, load_look
from dsr_engine.certificate.trust import Bundle, certificates_in, write_bundle
from dsr_engine.cluster.searching import ClusterSearchers
from dsr_engine.delivery.mail import open_mail
from dsr_engine.delivery.teller import open_teller
from dsr_engine.domain.clock import Clock, SystemClock
from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.regime import Regime
from dsr_engine.domain.source import Source
from dsr_engine.domain.system import System
from dsr_engine.drivers.registry import open_driver, open_reader, open_upkeep
from dsr_engine.settings import Settings, load_settings
from dsr_engine.shipped import shipped, software
from dsr_engine.spec.home import HOME_FILES, Declared, home_file, load_home, load_policy, load_regime
from dsr_engine.store import log_key
from dsr_engine.store.store import Store
from dsr_engine.workflow.house import House, OpenDriver, Paper, Progress, Silence
from dsr_engine.workflow.law.deadlines import calendar_of
from dsr_engine.workflow.searching import Searchers, Threads
from dsr_engine.workflow.systems.health import CHECK, Told, check_of

KEYS = "keys"
CERTIFICATES = "certificates"
BUNDLE = "trust-bundle.json"
TEXTS = "texts"
#: How often Python looks for rings of garbage while a house is open. A batch is thousands of small objects without rings, and by default they are
#: all looked through every 700 of them: a quarter of the time of an erasure.
COLLECT = (20_000, 20, 10)
#: Certificates of timestamp authorities that the operator trusts, PEM, in the key folder.
TSA_FOLDER = "tsa"


@dataclass(frozen=True, slots=True)
class Home:
    """An opened DSR_HOME: its settings and what its files declare."""

    path: Path
    settings: Settings
    declared: Declared


def create_home(path: Path, controller: str, clock: Clock | None = None) -> None:
    """Makes a new DSR_HOME: commented settings, folders, keys, an empty store, the trust bundle. Refuses a folder that has one."""
    clock = clock or SystemClock()
    if (path / HOME_FILES[0]).exists():
        raise InputWrong("there is a home here already", code="home.exists", hint="choose another folder; nothing was changed")
    for folder in ("policies", "connectors", CERTIFICATES, TEXTS):
        (path / folder).mkdir(parents=True, exist_ok=True)
    keys = path / KEYS
    keys.mkdir(mode=0o700, exist_ok=True)
    create_authority(keys, controller, clock)
    log_key.create(keys, f"dsr-engine/{os.urandom(4).hex()}")
    # The settings come last: without them the folder is no home, so a creation that was killed can be repeated in a fresh folder.
    for name in reversed(HOME_FILES):
        (path / name).write_text(home_file(name).replace('name = "Example Ltd"', f"name = {json.dumps(controller)}"), encoding="utf-8")
    with opened(read_home(path, os.environ), clock) as house:
        write_bundle(path / BUNDLE, house.paper.bundle)


def read_home(path: Path, environment: Mapping[str, str], *, allow_gaps: bool = False) -> Home:
    """Reads and checks every file of a home; raises `InputWrong` with all that is wrong."""
    return Home(path, load_settings(path, environment), load_home(path, environment, allow_gaps=allow_gaps))


@contextmanager
def opened(
    home: Home,
    clock: Clock | None = None,
    *,
    systems: Iterable[System] = (),
    policy: Policy | None = None,
    progress: Progress | None = None,
    drivers: OpenDriver = open_driver,
    executor: Executor | None = None,
) -> Iterator[House]:
    """The house of this home, with systems named on the command line beside the declared ones. Closes what it opened."""
    clock = clock or SystemClock()
    store = Store(home.settings.store_url, home.path / KEYS, clock)
    store.migrate()
    own_executor = executor or ThreadPoolExecutor(max_workers=home.settings.workers, thread_name_prefix="slice")
    cluster = ClusterSearchers(home.settings.cluster) if home.settings.cluster is not None and executor is None else None
    usual = gc.get_threshold()
    gc.set_threshold(*COLLECT)
    try:
        house = _house(home, store, clock, cluster or Threads(own_executor), drivers)
        yield replace(
            house,
            systems={**house.systems, **{system.name: system for system in systems}},
            policies={**house.policies, **({policy.name: policy} if policy else {})},
            progress=progress or Silence(),
        )
    finally:
        gc.set_threshold(*usual)
        if cluster is not None:
            cluster.close()
        own_executor.shutdown(wait=True, cancel_futures=True)
        store.close()


def keep_checks(home: Home, found: Mapping[str, Iterable[Told]]) -> None:
    """Keeps what a check of systems found, for their pages. A store of another version is left as it is. Raises `Unreachable`."""
    clock = SystemClock()
    store = Store(home.settings.store_url, home.path / KEYS, clock)
    try:
        if not store.is_current():
            return
        with store.transaction() as tx:
            for system, told in found.items():
                tx.inquiries.keep(CHECK, system, clock.now(), check_of(told))
    finally:
        store.close()


def _house(home: Home, store: Store, clock: Clock, searchers: Searchers, drivers: OpenDriver) -> House:
    return House(
        store=store,
        systems=home.declared.systems,
        policies=home.declared.policies,
        regimes=home.declared.regimes,
        clock=clock,
        open_driver=drivers,
        open_upkeep=open_upkeep,
        searchers=searchers,
        paper=_paper(home, store),
        policy_text=lambda digest: _pinned_policy(home, digest),
        regime_text=lambda name, digest: _pinned_regime(home, name, digest),
        text_of=lambda digest: _text(home, digest),
        open_teller=open_teller,
        open_reader=open_reader,
        recipients=home.declared.recipients,
        partners=home.declared.partners,
        open_post=lambda: open_mail(home.settings, clock),
        settings=home.settings,
        software=software(),
        calendar=calendar_of(home.settings.time_zone, home.settings.holidays),
        followup_days=home.settings.follow_up_days,
    )


class Keeper:
    """A house that stays open for long: its files are read again when one of them changed.

    Files that became wrong change nothing: the house goes on with what they said last, and `problem` says what is wrong with them.
    """

    def __init__(self, house: House, home: Home, environment: Mapping[str, str]) -> None:
        self._house = house
        self._home = home
        self._environment = environment
        self._seen = _stamp(home.path)
        self._lock = threading.Lock()
        self.problem = ""

    @property
    def home(self) -> Home:
        """What the files say, as of the last look."""
        return self._home

    @property
    def environment(self) -> Mapping[str, str]:
        """Where the references of its files are read from."""
        return self._environment

    def house(self) -> House:
        """The house as its files say now. Safe to call from many threads."""
        now = _stamp(self._home.path)
        if now != self._seen:
            with self._lock:
                if now != self._seen:
                    self._read_again()
                    self._seen = now
        return self._house

    def pin(self, policy: Policy) -> None:
        """Keeps the texts of this policy and of the laws, before something is begun under them."""
        pin_policy(self._home, policy)

    def _read_again(self) -> None:
        before = self._house
        try:
            home = read_home(self._home.path, self._environment, allow_gaps=True)
            after = _house(home, before.store, before.clock, before.searchers, before.open_driver)
        except DsrError as error:
            self.problem = str(error)
            return
        # The store and the threads are those that were opened; where they are said to be elsewhere now, that counts from the next start on.
        self._house, self._home, self.problem = replace(after, progress=before.progress), home, ""


def _stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Which files a home has, how long they are and when each was written last."""
    files = [path / name for name in HOME_FILES] + [file for folder in ("policies", "connectors") for file in (path / folder).glob("*.yaml")]
    files += (path / KEYS).glob("signer-*.crt.pem")
    found = []
    for file in sorted(files):
        with suppress(OSError):
            seen = file.stat()
            found.append((str(file), seen.st_size, seen.st_mtime_ns))
    return tuple(found)


def pin_policy(home: Home, policy: Policy, path: Path | None = None) -> None:
    """Keeps the texts of a policy, of the regimes and of the connectors under their digests, so that a case can go on under them after the files
    changed, and an auditor can read what it went by.

    `path` is the file where it is not one of the home's or the shipped ones.
    """
    kept = home.path / TEXTS / f"{policy.source.digest}.yaml"
    if not kept.exists():
        own = home.path / policy.source.file
        _keep(path or (own if own.is_file() else shipped("policies").parent / policy.source.file), kept)
    _pin_sources(home, (regime.source for regime in home.declared.regimes.values()))
    _pin_sources(home, (system.manifest.source for system in home.declared.systems.values() if system.manifest.source.digest))


def _pin_sources(home: Home, sources: Iterable[Source]) -> None:
    """A case keeps the laws that it was opened under, and what was known of its systems then."""
    for source in sources:
        kept = home.path / TEXTS / f"{source.digest}.yaml"
        if not kept.exists():
            own = home.path / source.file
            _keep(own if own.is_file() else shipped("policies").parent / source.file, kept)


def _text(home: Home, digest: str) -> bytes | None:
    """The text that is kept under this SHA-256; None where none is, or where it is not that text any more."""
    path = home.path / TEXTS / f"{digest}.yaml"
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef") or not path.is_file():
        return None
    text = path.read_bytes()
    return text if hashlib.sha256(text).hexdigest() == digest else None


def _keep(path: Path, kept: Path) -> None:
    kept.parent.mkdir(exist_ok=True)
    draft = kept.with_suffix(".part")
    shutil.copyfile(path, draft)
    draft.replace(kept)


def _pinned_regime(home: Home, name: str, digest: str) -> Regime | None:
    path = home.path / TEXTS / f"{digest}.yaml"
    return load_regime(path, name) if digest and path.is_file() else None


def _pinned_policy(home: Home, digest: str) -> Policy | None:
    path = home.path / TEXTS / f"{digest}.yaml"
    return load_policy(path, home.declared.regimes) if digest and path.is_file() else None


def _paper(home: Home, store: Store) -> Paper:
    settings, keys = home.settings, home.path / KEYS
    own = load_signer(keys)
    secret = settings.pkcs12_password
    signer = load_pkcs12(settings.pkcs12, secret.reveal().encode() if secret else None) if settings.pkcs12 else own
    key, _ = store.log_key()
    folder = keys / TSA_FOLDER
    tsa = tuple(entry for path in sorted(folder.glob("*.pem")) for entry in certificates_in(path)) if folder.is_dir() else ()
    # The home's own authority stays in the bundle: what it signed before must stay verifiable.
    anchors = tuple(dict.fromkeys((signer.anchor, own.anchor)))
    bundle = Bundle(settings.controller.get("name", ""), anchors, (key,), tsa)
    return Paper(home.path / CERTIFICATES, signer, _look(settings), bundle, settings.controller, settings.tsa_url)


def _look(settings: Settings) -> Look:
    look = load_look(settings.home)
    chosen = settings.look
    return replace(look, logo=chosen.logo or look.logo, accent=chosen.accent or look.accent, fonts=look.fonts + chosen.fonts)
