"""What was done to verify requesters, the codes that they may answer, and the papers that they showed until somebody decided."""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from dsr_engine.domain.verification import Verified
from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.upsert import upsert
from dsr_engine.store.verification_tables import codes, evidence, verifications

_CODE = "one-time code"
_PAPER = "signed paper"
_EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was sent. `selector` is the id of the claimed address that it went to, `tries` how often it was answered wrongly."""

    selector: str
    sent_at: datetime
    until: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A paper that is kept while somebody has to look at it. `doubt` says why it was asked for, `by` who put it in."""

    id: str
    doubt: str
    at: datetime
    by: str


class Verifications:
    """Needs the case's key where a digest is made or a paper is opened."""

    def __init__(self, connection: Connection, key_of: Callable[[str], CaseKey]) -> None:
        self._connection = connection
        self._key_of = key_of

    def add(self, case: str, done: Verified, paper: bytes | None = None) -> None:
        """Writes down what was done; of a signed paper only a digest under the case's key stays."""
        row = {
            "id": secrets.token_hex(8),
            "case_id": case,
            "method": done.method,
            "kinds": sorted(set(done.kinds)),
            "document": None if paper is None else self._key_of(case).mac(paper, purpose=_PAPER),
            "signed_on": done.signed_on,
            "verified_by": done.by,
            "at": done.at,
        }
        self._connection.execute(insert(verifications), row)

    def of(self, case: str) -> tuple[Verified, ...]:
        """What was done for the case, oldest first."""
        rows = self._connection.execute(select(verifications).where(verifications.c.case_id == case).order_by(verifications.c.at, verifications.c.id))
        return tuple(Verified(row.method, row.verified_by, row.at, tuple(row.kinds), row.signed_on) for row in rows)

    # --- codes -------------------------------------------------------------------------------------------------------

    def put_code(self, case: str, code: str, selector: str, sent_at: datetime, until: datetime) -> None:
        """Keeps a keyed digest of the code; an earlier one of the case does not count any more."""
        digest = self._key_of(case).mac(code.encode(), purpose=_CODE)
        row = {"case_id": case, "selector": selector, "digest": digest, "sent_at": sent_at, "until": until, "tries": 0}
        upsert(self._connection, codes, [row])

    def code_of(self, case: str) -> Code | None:
        row = self._connection.execute(select(codes).where(codes.c.case_id == case)).one_or_none()
        return None if row is None else Code(row.selector, row.sent_at, row.until, row.tries)

    def is_code(self, case: str, text: str) -> bool:
        """True if the text is the code; a wrong one is counted."""
        digest = self._key_of(case).mac(text.encode(), purpose=_CODE)
        known = self._connection.scalar(select(codes.c.digest).where(codes.c.case_id == case)) or b""
        if hmac.compare_digest(known, digest):
            return True
        self._connection.execute(update(codes).where(codes.c.case_id == case).values(tries=codes.c.tries + 1))
        return False

    def drop_code(self, case: str) -> None:
        self._connection.execute(delete(codes).where(codes.c.case_id == case))

    # --- papers ------------------------------------------------------------------------------------------------------

    def show(self, case: str, paper: bytes, doubt: str, by: str, at: datetime) -> str:
        """Seals the paper under the case's key and gives its id."""
        paper_id = secrets.token_hex(6)
        sealed = self._key_of(case).seal(paper, purpose=_EVIDENCE, row=paper_id)
        row = {"case_id": case, "id": paper_id, "doubt": doubt, "added_at": at, "added_by": by, "sealed": sealed}
        self._connection.execute(insert(evidence), row)
        return paper_id

    def shown(self, case: str) -> tuple[Shown, ...]:
        """The papers that are still there, oldest first; works without the key."""
        wanted = select(evidence.c.id, evidence.c.doubt, evidence.c.added_at, evidence.c.added_by).where(evidence.c.case_id == case)
        rows = self._connection.execute(wanted.order_by(evidence.c.added_at, evidence.c.id))
        return tuple(Shown(row.id, row.doubt, row.added_at, row.added_by) for row in rows)

    def paper(self, case: str, paper_id: str) -> bytes | None:
        """What was shown; None if it is not there any more."""
        sealed = self._connection.scalar(select(evidence.c.sealed).where(evidence.c.case_id == case, evidence.c.id == paper_id))
        return None if sealed is None else self._key_of(case).unseal(sealed, purpose=_EVIDENCE, row=paper_id)

    def drop_papers(self, case: str) -> int:
        """Deletes every paper of the case; gives how many. `Store.scrub` after the commit takes the last bytes."""
        count = self._connection.scalar(select(func.count()).where(evidence.c.case_id == case)) or 0
        self._connection.execute(delete(evidence).where(evidence.c.case_id == case))
        return int(count)
