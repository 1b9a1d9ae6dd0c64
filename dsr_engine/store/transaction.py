"""One transaction and everything that can be read and written in it, by noun."""

from collections.abc import Callable

from sqlalchemy import Connection

from dsr_engine.domain.clock import Clock
from dsr_engine.domain.note import LogKey, Sign
from dsr_engine.store.approvals import Approvals
from dsr_engine.store.assessments import Assessments
from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.cases import Cases
from dsr_engine.store.certificates import Certificates
from dsr_engine.store.coverage import Coverages
from dsr_engine.store.findings import Findings
from dsr_engine.store.followups import Followups
from dsr_engine.store.holds import Holds
from dsr_engine.store.ledger import Ledger
from dsr_engine.store.people import People
from dsr_engine.store.plans import Plans
from dsr_engine.store.results import Results
from dsr_engine.store.selectors import Selectors
from dsr_engine.store.slices import Slices
from dsr_engine.store.stops import Stops
from dsr_engine.store.suppression import Suppression, SuppressionKey
from dsr_engine.store.sweep_counts import SweepCounts
from dsr_engine.store.sweep_marks import SweepMarks
from dsr_engine.store.sweeps import Sweeps
from dsr_engine.store.tasks import Tasks
from dsr_engine.store.vault import Vault
from dsr_engine.store.work import Work


class Transaction(Work):
    """All of a step is written through one of these: output, stage and ledger leaf are committed together or not at all."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        vault: Vault,
        signer: Callable[[], tuple[LogKey, Sign]],
        suppressing: SuppressionKey,
        *,
        is_snapshot: bool = False,
    ) -> None:
        super().__init__(connection, clock, is_snapshot=is_snapshot)
        keys: dict[str, CaseKey] = {}

        def key_of(case: str) -> CaseKey:
            if case not in keys:
                keys[case] = vault.within(self, case)
            return keys[case]

        self.cases = Cases(connection)
        self.selectors = Selectors(connection, key_of)
        self.findings = Findings(connection, key_of)
        self.slices = Slices(connection)
        self.coverage = Coverages(connection)
        self.plans = Plans(connection, key_of)
        self.results = Results(connection)
        self.approvals = Approvals(connection)
        self.assessments = Assessments(connection)
        self.holds = Holds(connection)
        self.stops = Stops(connection)
        self.people = People(connection)
        self.certificates = Certificates(connection)
        self.followups = Followups(connection)
        self.tasks = Tasks(connection)
        self.sweeps = Sweeps(connection)
        self.sweep_marks = SweepMarks(connection, key_of)
        self.sweep_counts = SweepCounts(connection)
        self.suppression = Suppression(connection, clock, suppressing)
        self.ledger = Ledger(connection, clock, signer)
