"""A realistic statement, for the tests of this room and of others."""

from collections.abc import Mapping
from dataclasses import replace

from dsr_engine.certificate.statement import steps
from dsr_engine.domain.certificate import Statement, SystemStatement

_POLICY = "0c5f2f4f9a1c6de0f9ce6a4a1f5d3b6a2d8c8a1b0f6b7a0c4f8d2e1a9b3c7d5e"
_REGIME = "7d1a54127b222502f5b79b5fb0803061152a44f92b37e23c6527baf665d4da9a"
_PLAN = "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c"

_DATABASE = SystemStatement(
    name="shop",
    kind="postgresql",
    owner="Team Commerce",
    coverage=(
        {"collection": "customers", "extent": "full", "searched": 48211, "found": 1},
        {"collection": "orders", "extent": "full", "searched": 190412, "found": 7},
        {"collection": "support_tickets", "extent": "full", "searched": 20771, "found": 3},
        {"collection": "exports", "extent": "partial", "searched": 12, "found": 0, "reason": "two files are encrypted and were not read"},
    ),
    done=(
        {"collection": "customers", "treatment": "delete", "result": "done", "records": 1, "rule": "policies/eu-shop.yaml:14"},
        {"collection": "orders", "treatment": "anonymize", "result": "done", "records": 4, "rule": "policies/eu-shop.yaml:27"},
        {"collection": "support_tickets", "treatment": "redact", "result": "done", "records": 2, "rule": "policies/eu-shop.yaml:41"},
        {"collection": "support_tickets", "treatment": "delete", "result": "already_absent", "records": 1, "rule": "policies/eu-shop.yaml:44"},
    ),
    kept=(
        {
            "collection": "orders",
            "records": 3,
            "because": "legal obligation",
            "law": "§ 147(3) AO with § 147(1) no. 4 AO",
            "until": "2034-12-31",
            "rule": "policies/eu-shop.yaml:33",
        },
    ),
    residuals=(
        {"what": "dead row versions in the heap until the table is rewritten", "gone_by": "not known"},
        {"what": "write-ahead log on the primary and its archive", "gone_by": "2026-12-05"},
        {"what": "nightly base backups, kept for 35 days", "gone_by": "2026-12-26"},
    ),
    verification="other_credential",
    level="C0",
    level_asked="C1",
    server={
        "server": "postgresql:7710784431596621555:16538",
        "product": "PostgreSQL 15.8",
        "looked_as": "dsr_verify",
        "erased_as": "dsr",
        "rows_hidden": "possible: columns are hidden in payroll",
    },
    channels=(
        {"channel": "dead rows in table files", "state": "retained", "until": "", "level": "C1", "detail": "3 dead rows until written anew"},
        {"channel": "server log", "state": "expires-on", "until": "2026-12-01", "level": "C2", "detail": "files come round after 7 day(s)"},
        {"channel": "replication slots", "state": "verified-absent", "until": "", "level": "C2", "detail": "there are no slots"},
        {"channel": "standbys and subscribers", "state": "not-assessed", "until": "", "level": "C2", "detail": "pg_monitor needed"},
    ),
)

_MAIL = SystemStatement(
    name="support-mail",
    kind="imap",
    owner="Team Support",
    coverage=(
        {"collection": "INBOX", "extent": "full", "searched": 8120, "found": 5},
        {"collection": "Archive", "extent": "full", "searched": 90114, "found": 2},
        {"collection": "Drafts", "extent": "full", "searched": 3, "found": 0},
    ),
    done=({"collection": "INBOX", "treatment": "delete", "result": "done", "records": 5, "rule": "policies/eu-shop.yaml:52"},),
    kept=(),
    residuals=(
        {"what": "header cache of the mail server (dovecot.index.cache); IMAP has no command that clears it", "gone_by": "not known"},
        {"what": "copies in the mailboxes of recipients", "gone_by": "outside our control"},
    ),
    verification="self_check",
    level="C0",
)

_BUCKET = SystemStatement(
    name="exports",
    kind="s3",
    owner="Team Data",
    coverage=(
        {"collection": "*", "extent": "none", "searched": 0, "found": 0, "reason": "the system did not answer for 14 days", "code": "unreachable"},
    ),
    done=(),
    kept=(),
    residuals=(),
    verification="none",
    level="C0",
)


def sample(
    *,
    identifier: str = "5f0c1c0e-6f0b-4a3e-9d55-0c1b7a4f1f11",
    issued_at: str = "2026-11-21T20:31:07Z",
    controller: str = "Nordwind Handels GmbH",
    is_timestamped: bool = False,
    has_exceptions: bool = True,
    more_rows: int = 0,
) -> Statement:
    """Three systems, one of them not reached. `more_rows` makes the first table as long as a test wants."""
    extra: tuple[Mapping[str, str | int], ...] = tuple(
        {"collection": f"archive_{number:03}", "extent": "full", "searched": number, "found": 0} for number in range(more_rows)
    )
    database = replace(_DATABASE, coverage=_DATABASE.coverage + extra)
    return Statement(
        id=identifier,
        serial=17,
        issued_at=issued_at,
        software="dsr-engine 0.1.0",
        controller={"name": controller, "address": "Speicherstraße 4, 20457 Hamburg", "contact": "privacy@nordwind.example"},
        subject_ref="c1f0a2d6-7f61-4f0b-8f0e-3f6f8b1f9a77",
        case={"id": "2a6f6c0b-40f5-4a35-8a0a-9d0c3b7b5e21", "kind": "request"},
        dates={
            "received": "2026-11-02T09:14:00Z",
            "deadline": "2026-12-02T22:59:59Z",
            "executed": "2026-11-21T20:12:44Z",
            "verified": "2026-11-21T20:30:58Z",
        },
        regimes=({"name": "gdpr", "version": "2026.1", "sha256": _REGIME},),
        policy={"name": "eu-shop", "file": "policies/eu-shop.yaml", "sha256": _POLICY},
        plan_digest=_PLAN,
        approvals=(
            {"person": "person-4f1e90", "at": "2026-11-20T14:02:11Z", "kind": "first approval"},
            {"person": "person-b2c771", "at": "2026-11-20T15:40:29Z", "kind": "second approval"},
        ),
        identity="vouched_by_operator",
        systems=(database, _MAIL, _BUCKET) if has_exceptions else (_MAIL,),
        exceptions=(
            "exports: the system was not reached; person-b2c771 accepted the gap on 2026-11-21.",
            "shop.exports: two encrypted files were not read.",
        )
        if has_exceptions
        else (),
        verdict="fulfilled_with_exceptions" if has_exceptions else "fulfilled",
        level="C0",
        claims=(
            "Every system named below was searched as far as its table says, and what was found was treated under the rule that stands beside it.",
            "After the last change every place was read again; nothing was found that should have been gone.",
            "Each effect stands in the ledger exactly once, under the plan whose digest is given below.",
        ),
        disclaimers=(
            "It does not claim that storage media hold no recoverable trace.",
            "It says nothing about systems that are not named in it.",
            "What an erasure does not reach is listed for each system with the date on which it ends, where one is known.",
        ),
        steps=steps(is_timestamped=is_timestamped),
    )
