"""A case over a sample database from its opening to its certificate, with everything that people decide on the way.

Whoever carries a case through here also asserts that nothing of the person is left in the home, in the logs or in what was printed.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.certificate import Statement
from dsr_engine.domain.finding import Coverage, Finding
from dsr_engine.domain.plan import Plan, Result
from dsr_engine.drivers.registry import open_driver
from dsr_engine.workflow.decide import MENTIONED, NOT_THEIRS, STAYS, THEIRS, decide_findings, possible_findings
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House, OpenDriver
from dsr_engine.workflow.settling import SAME_PERSON, settle
from tests.samples.picture import Database, Picture
from tests.workflow.company import Company, founded
from tests.workflow.journeys import WORKER, approved, opened_for, plan_of, results_of, statement_of, waits_for, working

#: What an officer says about a possible finding, by its collection and key.
Verdict = Callable[[str, tuple[str, ...]], str]

#: Deletes what belongs to the person, cuts them out of what belongs to others.
POLICY = """\
policy: ours
about: Everything of the person goes.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: mentions
    when: {category: user, match: mentions}
    then: redact
  - name: what is theirs
    when: {category: user}
    then: delete
request: {approval: one_person, superseded: delete}
"""


@dataclass(frozen=True)
class Carried:
    """How a case ended, and what the database held before and after."""

    case: Case
    before: Picture
    after: Picture
    findings: tuple[Finding, ...]
    coverage: tuple[Coverage, ...]
    plan: Plan | None
    results: tuple[Result, ...]
    statement: Statement | None

    @property
    def obstacles(self) -> set[tuple[str, str]]:
        return {(entry.code, entry.collection) for entry in self.plan.obstacles} if self.plan else set()

    @property
    def found(self) -> dict[tuple[str, tuple[str, ...]], tuple[str, str]]:
        """(collection, key) → match and confidence of each finding of the last round."""
        return {
            (entry.locator.collection, entry.locator.key): (entry.match.value, entry.confidence.value)
            for entry in sorted(self.findings, key=lambda entry: entry.locator.inside)
        }

    @property
    def gaps(self) -> dict[str, str]:
        return {row.collection: row.reason for row in self.coverage if row.extent.value != "full"}


def keep_out(_collection: str, _key: tuple[str, ...]) -> str:
    """What is only possible is somebody else's."""
    return NOT_THEIRS


def company_of(home: Path, folder: Path, name: str, database: Database, connector: str, policy: str = POLICY) -> Company:
    """A company whose only system is the sample."""
    company = founded(home, folder, ())
    company.connector(connector)
    kind = connector.partition("\n")[0].removeprefix("connector: ")
    address = sa.make_url(database.url)
    secret = ""
    if address.password:
        (company.folder / "password").write_text(str(address.password), encoding="utf-8")
        secret = f', password: "file:{company.folder / "password"}"'
    url = address._replace(password=None).render_as_string(hide_password=False)
    company.declare(name, f'connector: {kind}, owner: dba@example.com, url: "{url}"{secret}')
    company.policy(policy)
    return company


def carry(
    company: Company,
    database: Database,
    *claims: tuple[str, str],
    verdict: Verdict = keep_out,
    accept_gaps: bool = False,
    same_person: bool = False,
    drivers: OpenDriver = open_driver,
    meanwhile: Callable[[], object] | None = None,
    most: int = 12,
) -> Carried:
    """Opens a case and carries it as far as it goes: decides what is possible by `verdict`, approves, runs.

    `same_person`: the officer has made sure that all records which one identifier leads to are the requester's.
    `meanwhile` happens once, when the first plan waits for its approval.
    """
    before = database.picture()
    with working(company, drivers=drivers) as house:
        case = run_case(house, opened_for(house, *claims).id, WORKER)
        for _ in range(most):
            if meanwhile is not None and waits_for(case) == "approval.missing":
                meanwhile()
                meanwhile = None
            if case.stage is Stage.CLOSED or not _helped(house, case, verdict, accept_gaps, same_person):
                break
            case = run_case(house, case.id, WORKER)
        return _told(house, case, before, database.picture())


def _helped(house: House, case: Case, verdict: Verdict, accept_gaps: bool, same_person: bool) -> bool:
    code = waits_for(case)
    if code == "identity_shared" and same_person:
        settle(house, case.id, SAME_PERSON, "officer")
        return True
    with house.store.snapshot() as tx:
        open_ = possible_findings(tx, case, FOUND) if code in ("coverage.gap", "finding.undecided") else []
    if open_:
        decide_findings(house, case.id, [(id_, verdict(finding.locator.collection, finding.locator.key)) for id_, finding in open_], "officer")
        return True
    if code == "approval.missing" or (code == "coverage.gap" and accept_gaps):
        undecided = [entry for entry in plan_of(house, case).obstacles if entry.code != "coverage.gap"]
        if undecided:
            return False
        approved(house, case, accept_gaps=accept_gaps)
        return True
    return False


def _told(house: House, case: Case, before: Picture, after: Picture) -> Carried:
    with house.store.snapshot() as tx:
        rounds = range(1, case.round + 1)
        findings = [finding for number in rounds for _, finding in tx.findings.of(case.id, number, FOUND)]
        coverage = tuple(tx.coverage.of(case.id, case.round, FOUND))
        plan = tx.plans.latest(case.id)
    is_over = case.stage is Stage.CLOSED and case.outcome is not None
    statement = statement_of(house, case) if is_over else None
    results = results_of(house, case) if plan is not None else ()
    return Carried(case, before, after, tuple(findings), coverage, plan, results, statement)


def assert_closed(carried: Carried) -> None:
    """The case came to its end; a failure says what it waits for."""
    plan = carried.plan
    why = [f"{entry.code} {entry.collection}: {entry.message}" for entry in plan.obstacles] if plan else []
    done = {item.id: f"{item.collection} {item.treatment}" for item in plan.items} if plan else {}
    bad = sorted({(done.get(entry.item, ""), entry.state.value, entry.code) for entry in carried.results if entry.state.value != "done"})
    assert carried.case.stage is Stage.CLOSED, (carried.case.wait, why, bad)


def traces_in(data: bytes, texts: Sequence[str]) -> list[str]:
    """Which of the person's texts stand in the data, as they are, in UTF-16, or as the digests that advertising systems use."""
    folded = data.lower()
    return [f"{number} {how}" for number, text in enumerate(texts) for how, form in _forms(text) if form in data or form in folded]


def _forms(text: str) -> list[tuple[str, bytes]]:
    bare = re.sub(r"\s", "", text)
    forms = [("plain", text.lower().encode()), ("bare", bare.lower().encode()), ("UTF-16", text.encode("utf-16-le"))]
    for variant in {text, text.lower(), bare.lower()}:
        for name in ("md5", "sha1", "sha256"):
            digest = hashlib.new(name, variant.encode(), usedforsecurity=False)
            forms += [(name, digest.digest()), (f"{name} hex", digest.hexdigest().encode())]
            forms.append((f"{name} base64", base64.b64encode(digest.digest()).rstrip(b"=")))
    return forms


def assert_forgotten(company: Company, texts: Sequence[str], *said: str) -> None:
    """Nothing of the person is in any file of the home, or in what was said."""
    leaks = {
        str(path.relative_to(company.home)): found
        for path in company.home.rglob("*")
        if path.is_file() and (found := traces_in(path.read_bytes(), texts))
    }
    assert leaks == {}
    assert [traces_in(text.encode(), texts) for text in said] == [[] for _ in said]


def assert_gone_from(text: str, texts: Sequence[str]) -> None:
    """Nothing of the person stands in a text that was printed."""
    assert traces_in(text.encode(), texts) == []


__all__ = [
    "MENTIONED",
    "NOT_THEIRS",
    "POLICY",
    "STAYS",
    "THEIRS",
    "Carried",
    "assert_closed",
    "assert_forgotten",
    "assert_gone_from",
    "carry",
    "company_of",
]
