"""Who may come in through the web's doors, and what each of them may do there.

Roles follow the separation of duties that an auditor expects (ISO/IEC 27002 5.3): whoever prepares a plan does not approve it, whoever checks changes
nothing, and whoever runs the installation reads no case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    OFFICER = "officer"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """What a page, a form or an API call needs. The part before the dot is the noun, the part after it what is done with it."""

    CASE_READ = "case.read"
    CASE_WRITE = "case.write"
    CASE_PREVIEW = "case.preview"
    PLAN_APPROVE = "plan.approve"
    CERTIFICATE_READ = "certificate.read"
    LEDGER_READ = "ledger.read"
    SYSTEM_READ = "system.read"
    SYSTEM_WRITE = "system.write"
    POLICY_READ = "policy.read"
    SWEEP_READ = "sweep.read"
    SWEEP_WRITE = "sweep.write"
    HOLD_READ = "hold.read"
    HOLD_WRITE = "hold.write"
    RECIPIENT_READ = "recipient.read"
    RECIPIENT_WRITE = "recipient.write"
    INCIDENT_READ = "incident.read"
    INCIDENT_WRITE = "incident.write"
    RECORD_READ = "record.read"
    METRICS_READ = "metrics.read"
    SUPPRESSION_CHECK = "suppression.check"
    USER_WRITE = "user.write"

    @property
    def is_reading(self) -> bool:
        """True for what changes nothing, and shows nothing of a person's data."""
        return self.value.endswith(".read")


_READS = frozenset(permission for permission in Permission if permission.is_reading)

PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.OFFICER: _READS
        | {
            Permission.CASE_WRITE,
            Permission.CASE_PREVIEW,
            Permission.HOLD_WRITE,
            Permission.RECIPIENT_WRITE,
            Permission.INCIDENT_WRITE,
            Permission.SWEEP_WRITE,
            Permission.SUPPRESSION_CHECK,
        },
        Role.APPROVER: (_READS - {Permission.RECIPIENT_READ, Permission.INCIDENT_READ})
        | {Permission.CASE_PREVIEW, Permission.PLAN_APPROVE, Permission.HOLD_WRITE},
        Role.AUDITOR: _READS,
        Role.ADMINISTRATOR: frozenset(
            {
                Permission.SYSTEM_READ,
                Permission.SYSTEM_WRITE,
                Permission.POLICY_READ,
                Permission.SWEEP_READ,
                Permission.SWEEP_WRITE,
                Permission.METRICS_READ,
                Permission.USER_WRITE,
            }
        ),
    }
)


@dataclass(frozen=True, slots=True)
class User:
    """An account. `name` is what the person signs in with and acts under (`--by NAME` on the command line is the same person); `id` is random.

    `disabled_at` None: the account may be used. `is_external`: the person signs in at the identity provider, which also says their roles.
    """

    id: str
    name: str
    roles: tuple[Role, ...]
    created_at: datetime
    disabled_at: datetime | None = None
    has_password: bool = False
    has_totp: bool = False
    passkeys: int = 0
    is_external: bool = False

    @property
    def permissions(self) -> frozenset[Permission]:
        return frozenset[Permission]().union(*(PERMISSIONS[role] for role in self.roles))

    @property
    def has_second_factor(self) -> bool:
        return self.has_totp or self.passkeys > 0

    @property
    def can_sign_in(self) -> bool:
        """True if there is something that they could sign in with; False while nobody took the invitation."""
        return self.has_password or self.passkeys > 0 or self.is_external

    def may(self, permission: Permission) -> bool:
        return self.disabled_at is None and permission in self.permissions
