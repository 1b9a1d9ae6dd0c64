"""Slices are searched by workers in other processes: they find what threads find, and a worker that is killed costs time and not truth."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from dsr_engine.bootstrap import opened, pin_policy, read_home
from dsr_engine.cluster.searching import ClusterSearchers
from dsr_engine.cluster.security import refuse_open_door, security_of
from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Slice
from dsr_engine.settings import ClusterSettings
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.looking import Look, Search
from dsr_engine.workflow.readers import Readers
from dsr_engine.workflow.searching import Hand
from tests.servers.cluster import Cluster, cluster_of
from tests.workflow.company import BOB, EMAIL, Company, founded
from tests.workflow.journeys import WORKER, carried_through, opened_for, review_holds, waits_for, working

_FOLDERS = 40


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with cluster_of(2) as running:
        yield running


@pytest.fixture
def filed(empty_home: Path, tmp_path: Path) -> Company:
    """A company with many folders, one slice each: the person is in every fourth."""
    company = founded(empty_home, tmp_path / "company", ("shop", "files"))
    for number in range(_FOLDERS):
        folder = company.files / f"branch-{number}"
        folder.mkdir()
        (folder / "guests.csv").write_text(f"number,email\n1,{EMAIL if number % 4 == 0 else BOB}\n2,{BOB}\n", encoding="utf-8")
    return company


@contextmanager
def _house(company: Company, cluster: Cluster) -> Iterator[House]:
    """The company's house, as `dsr` opens it when its settings name a cluster."""
    settings = company.home / "dsr.toml"
    text = settings.read_text(encoding="utf-8").replace("[engine]\n", f'[engine]\ncluster = "{cluster.address}"\n')
    names = ("cluster_ca", "cluster_cert", "cluster_key")
    for name, value in zip(names, cluster.files[1::2], strict=False):
        text = text.replace("[engine]\n", f'[engine]\n{name} = "{value}"\n')
    settings.write_text(text, encoding="utf-8")
    home = read_home(company.home, company.environment, allow_gaps=True)
    pin_policy(home, home.declared.policies["ours"])
    with opened(home) as house:
        assert isinstance(house.searchers, ClusterSearchers)
        review_holds(house)
        yield house


def _found(house: House, case: Case) -> list[tuple[object, ...]]:
    with house.store.snapshot() as tx:
        current = tx.cases.get(case.id)
        places = [(entry.locator, entry.match) for _, entry in tx.findings.of(case.id, current.round, "found")]
        findings: list[tuple[object, ...]] = sorted((at.system, at.collection, at.key, at.inside, match) for at, match in places)
        coverage = tx.coverage.of(case.id, current.round, "found")
        return findings + sorted((row.system, row.collection, row.extent, row.looked) for row in coverage)


def test_workers_elsewhere_find_what_threads_find_and_the_person_is_erased(filed: Company, cluster: Cluster) -> None:
    with working(filed) as house:
        by_threads = _found(house, run_case(house, opened_for(house).id, WORKER))
    before = filed.everything()
    with _house(filed, cluster) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert waits_for(case) == "approval.missing"
        assert _found(house, case) == by_threads
        assert len(by_threads) > _FOLDERS
        case = carried_through(house, case)
    assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.FULFILLED)
    after = filed.everything()
    assert not [name for name, data in after.items() if EMAIL.encode() in data]
    untouched = {name: data for name, data in before.items() if EMAIL.encode() not in data and not name.startswith(("orders 171", "customers"))}
    assert len(untouched) > _FOLDERS // 2
    assert {name: after.get(name) for name in untouched} == untouched


@dataclass
class _Interrupting:
    """Searchers of a cluster, of which one worker is killed after so many slices."""

    inner: ClusterSearchers
    cluster: Cluster
    victim: "subprocess.Popen[str]"
    after: int
    answered: list[Slice] = field(default_factory=list)

    @contextmanager
    def over(self, system: System, search: Search, readers: Readers) -> Iterator[Hand]:
        pass_: AbstractContextManager[Hand] = self.inner.over(system, search, readers)
        with pass_ as hand:

            def watched(part: Slice) -> "Future[Look]":
                order = hand(part)
                order.add_done_callback(lambda _: self._count(part))
                return order

            yield watched

    def _count(self, part: Slice) -> None:
        self.answered.append(part)
        if len(self.answered) == self.after:
            self.cluster.kill(self.victim)


def test_a_worker_that_is_killed_in_the_middle_costs_time_and_no_truth(filed: Company) -> None:
    with working(filed) as house:
        by_threads = _found(house, run_case(house, opened_for(house).id, WORKER))
    with cluster_of(1) as own:
        victim = own.worker()
        with _house(filed, own) as house:
            assert isinstance(house.searchers, ClusterSearchers)
            killing = _Interrupting(house.searchers, own, victim, after=10)
            house = replace(house, searchers=killing)
            case = run_case(house, opened_for(house).id, WORKER)
            assert waits_for(case) == "approval.missing"
            assert victim.poll() is not None
            assert len(killing.answered) > 10
            assert _found(house, case) == by_threads


@pytest.mark.slow
def test_a_cluster_that_is_down_is_waited_for(filed: Company) -> None:
    with cluster_of(0) as own, _house(filed, own) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert case.wait is not None
        assert "no workers" in case.wait.reason
        own.worker()
        assert waits_for(run_case(house, case.id, WORKER)) == "approval.missing"


@pytest.mark.slow
def test_no_process_of_a_cluster_writes_anything_about_the_person(filed: Company, cluster: Cluster) -> None:
    with _house(filed, cluster) as house:
        assert waits_for(run_case(house, opened_for(house).id, WORKER)) == "approval.missing"
    written = [path for path in cluster.scratch.rglob("*") if path.is_file()]
    assert not [path for path in written if EMAIL.encode() in path.read_bytes()]


def _certified(folder: Path) -> tuple[str, ...]:
    """An authority, and a certificate that it made; as the options of `dsr cluster`."""
    ca, ca_key, cert, key = (folder / name for name in ("ca.pem", "ca.key", "cert.pem", "cert.key"))
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _openssl("req", "-x509", *new, "-subj", "/CN=cluster", "-days", "2", "-keyout", ca_key, "-out", ca)
    _openssl("req", *new, "-subj", "/CN=node", "-keyout", key, "-out", folder / "csr.pem")
    _openssl("x509", "-req", "-in", folder / "csr.pem", "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2", "-out", cert)
    return ("--ca", str(ca), "--cert", str(cert), "--key", str(key))


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


@pytest.mark.slow
def test_an_encrypted_cluster_searches_for_those_with_a_certificate_of_its_authority_only(filed: Company, tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    files, foreign = _certified(tmp_path / "ours"), _certified(tmp_path / "theirs")
    with cluster_of(1, "tls://127.0.0.1:0", files) as own:
        assert own.address.startswith("tls://")
        with _house(filed, replace(own, files=(files[0], foreign[1], *foreign[2:]))) as house:
            case = run_case(house, opened_for(house).id, WORKER)
            assert case.wait is not None
            assert "cluster does not answer" in case.wait.reason
        text = (filed.home / "dsr.toml").read_text(encoding="utf-8").replace("/theirs/", "/ours/")
        (filed.home / "dsr.toml").write_text(text, encoding="utf-8")
        home = read_home(filed.home, {}, allow_gaps=True)
        with opened(home) as house:
            assert waits_for(run_case(house, case.id, WORKER)) == "approval.missing"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("tcp://10.0.0.5:8786", "cluster.open"),
        ("tcp://search.example.com:8786", "cluster.open"),
        ("tcp://[2001:db8::1]:8786", "cluster.open"),
        ("tls://search.example.com:8786", "cluster.keys"),
        ("http://127.0.0.1:8786", "cluster.address"),
        ("127.0.0.1:8786", "cluster.address"),
    ],
)
def test_an_open_door_is_refused(address: str, code: str) -> None:
    with pytest.raises(InputWrong) as refused:
        refuse_open_door(ClusterSettings(address))
    assert refused.value.code == code


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786"])
def test_this_very_machine_needs_no_certificate(address: str) -> None:
    refuse_open_door(ClusterSettings(address))
    assert security_of(ClusterSettings(address)) is None
