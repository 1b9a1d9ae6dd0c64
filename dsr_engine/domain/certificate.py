"""What a certificate says, as data. No identifier, no hash of one, no key, path or table name that tells of the person."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SystemStatement:
    """One system: how far it was searched and what happened in it. Counts are records.

    `level` is the claim level that was reached, `level_asked` the one that was to be reached. `server` says who was asked, and as whom.
    `channels` are the ways by which bytes outlive their deletion in the system's own storage, each with exactly one state (`domain.residue`).
    """

    name: str
    kind: str
    owner: str
    coverage: tuple[Mapping[str, str | int], ...]
    done: tuple[Mapping[str, str | int], ...]
    kept: tuple[Mapping[str, str | int], ...]
    residuals: tuple[Mapping[str, str], ...]
    verification: str
    level: str
    level_asked: str = "C0"
    server: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything that the page shows, in the order of the page; the page is made from it and from nothing else.

    Times are RFC 3339 in UTC. `steps` are the checks that apply to this certificate (`dsr verify` fails on one that it cannot do).
    `serial` counts certificates of one installation, so that a missing one shows.

    `grounds` say why what the person asked for was due (GDPR Art. 17(1)), by category. `holds` says when legal holds were last reviewed, and by whom.
    `recipients` are those who had received the data: told, not told, and why (Art. 19). `commitment` binds the certificate to the request by a salt
    that only the person and the request log have (hex, empty: none). `supersedes` is the id of a certificate that this one replaces.
    """

    id: str
    serial: int
    issued_at: str
    software: str
    controller: Mapping[str, str]
    subject_ref: str
    case: Mapping[str, str]
    dates: Mapping[str, str]
    regimes: tuple[Mapping[str, str], ...]
    policy: Mapping[str, str]
    plan_digest: str
    approvals: tuple[Mapping[str, str], ...]
    identity: str
    systems: tuple[SystemStatement, ...]
    exceptions: tuple[str, ...]
    verdict: str
    level: str
    claims: tuple[str, ...]
    disclaimers: tuple[str, ...]
    steps: tuple[str, ...]
    grounds: tuple[Mapping[str, str], ...] = ()
    holds: Mapping[str, str] = field(default_factory=dict)
    recipients: tuple[Mapping[str, str], ...] = ()
    commitment: str = ""
    supersedes: str = ""
    edition: str = "auditor"
    language: str = "en"
    extra: Mapping[str, str] = field(default_factory=dict)
