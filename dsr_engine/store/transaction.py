"""One transaction and everything that can be read and written in it, by noun."""

from collections.abc import Callable

from sqlalchemy import Connection

from dsr_engine.domain.clock import Clock
from dsr_engine.domain.note import LogKey, Sign
from dsr_engine.store.access import Reviews
from dsr_engine.store.aftercare import BackupEnds, Restores, Sequels
from dsr_engine.store.api_tokens import ApiTokens
from dsr_engine.store.appeals import Appeals
from dsr_engine.store.approvals import Approvals
from dsr_engine.store.assessments import Assessments
from dsr_engine.store.case_grounds import CaseGrounds
from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.case_lists import CaseLists
from dsr_engine.store.cases import Cases
from dsr_engine.store.certificate_lists import CertificateLists
from dsr_engine.store.certificates import Certificates
from dsr_engine.store.clean_records import CleanRecords
from dsr_engine.store.contacts import Contacts
from dsr_engine.store.copies import Copies
from dsr_engine.store.corrections import Corrections
from dsr_engine.store.coverage import Coverages
from dsr_engine.store.drop import Drop
from dsr_engine.store.findings import Findings
from dsr_engine.store.followups import Followups
from dsr_engine.store.holds import Holds
from dsr_engine.store.idempotency import Idempotency
from dsr_engine.store.incidents import Incidents, Withdrawals
from dsr_engine.store.inquiries import Inquiries
from dsr_engine.store.jobs import Jobs
from dsr_engine.store.kept import KeptRecords
from dsr_engine.store.ledger import Ledger
from dsr_engine.store.ledger_lists import LedgerLists
from dsr_engine.store.notices import Notices
from dsr_engine.store.orders import Orders
from dsr_engine.store.outbox import Outbox
from dsr_engine.store.own_data import OwnRows
from dsr_engine.store.partner_requests import PartnerRequests
from dsr_engine.store.passkeys import Passkeys
from dsr_engine.store.pauses import Pauses
from dsr_engine.store.people import People
from dsr_engine.store.plans import Plans
from dsr_engine.store.policy_uses import PolicyUses
from dsr_engine.store.portal import Portal
from dsr_engine.store.post_key import PostKeys
from dsr_engine.store.post_marks import PostMarks
from dsr_engine.store.remains import Remains
from dsr_engine.store.request_log import RequestLog
from dsr_engine.store.results import Results
from dsr_engine.store.selectors import Selectors
from dsr_engine.store.slices import Slices
from dsr_engine.store.stops import Stops
from dsr_engine.store.suppression import Suppression, SuppressionKey
from dsr_engine.store.sweep_counts import SweepCounts
from dsr_engine.store.sweep_marks import SweepMarks
from dsr_engine.store.sweeps import Sweeps
from dsr_engine.store.tasks import Tasks
from dsr_engine.store.throttles import Throttles
from dsr_engine.store.unread import UnreadRecords
from dsr_engine.store.users import Users
from dsr_engine.store.vault import Vault
from dsr_engine.store.verifications import Verifications
from dsr_engine.store.web_sessions import WebSessions
from dsr_engine.store.webhooks import Webhooks
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

        self.cases = Cases(connection, is_snapshot=is_snapshot)
        self.case_grounds = CaseGrounds(connection)
        self.verifications = Verifications(connection, key_of)
        self.orders = Orders(connection, key_of)
        self.selectors = Selectors(connection, key_of)
        self.findings = Findings(connection, key_of)
        self.reviews = Reviews(connection, key_of)
        self.slices = Slices(connection)
        self.clean_records = CleanRecords(connection, key_of)
        self.coverage = Coverages(connection)
        self.unread = UnreadRecords(connection, key_of)
        self.plans = Plans(connection, key_of)
        self.results = Results(connection)
        self.appeals = Appeals(connection)
        self.approvals = Approvals(connection)
        self.corrections = Corrections(connection, key_of)
        self.pauses = Pauses(connection)
        self.assessments = Assessments(connection)
        self.holds = Holds(connection)
        self.kept = KeptRecords(connection)
        self.stops = Stops(connection)
        self.people = People(connection)
        self.certificates = Certificates(connection)
        self.followups = Followups(connection)
        self.tasks = Tasks(connection)
        self.sweeps = Sweeps(connection)
        self.sweep_marks = SweepMarks(connection, key_of)
        self.sweep_counts = SweepCounts(connection)
        self.suppression = Suppression(connection, clock, suppressing)
        self._open_what_follows(connection, clock, vault)
        self._open_doors(connection)
        self.ledger = Ledger(connection, clock, signer)

    def _open_what_follows(self, connection: Connection, clock: Clock, vault: Vault) -> None:
        """What is written when a case is over, or about none."""
        self.sequels = Sequels(connection)
        self.restores = Restores(connection)
        self.backup_ends = BackupEnds(connection)
        self.incidents = Incidents(connection)
        self.withdrawals = Withdrawals(connection)
        post_keys = PostKeys(self, vault)
        self.contacts = Contacts(connection, post_keys)
        self.outbox = Outbox(connection, clock, post_keys)
        self.portal = Portal(connection, post_keys)
        self.post_marks = PostMarks(connection)
        self.request_log = RequestLog(self, vault)
        self.remains = Remains(connection)
        self.own_rows = OwnRows(connection)
        self.notices = Notices(connection)
        self.drop = Drop(connection)

    def _open_doors(self, connection: Connection) -> None:
        """What only those need who come in through the web."""
        self.case_lists = CaseLists(connection)
        self.certificate_lists = CertificateLists(connection)
        self.ledger_lists = LedgerLists(connection)
        self.users = Users(connection)
        self.inquiries = Inquiries(connection)
        self.policy_uses = PolicyUses(connection)
        self.jobs = Jobs(connection)
        self.web_sessions = WebSessions(connection)
        self.api_tokens = ApiTokens(connection)
        self.passkeys = Passkeys(connection)
        self.throttles = Throttles(connection)
        self.copies = Copies(connection)
        self.idempotency = Idempotency(connection)
        self.webhooks = Webhooks(connection)
        self.partner_requests = PartnerRequests(connection)
