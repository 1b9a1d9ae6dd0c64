"""Roles, permissions and what happens with accounts in words, for whoever gives or has them; and which permissions a program can use at all."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from flask import Flask

from dsr_engine.domain.user import Permission, Role
from dsr_engine.web.api.callers import API_MARK

#: What each role is for.
ROLE_WORDS: Mapping[Role, str] = MappingProxyType(
    {
        Role.OFFICER: "works on requests: opens cases, searches, plans, decides about findings, holds and letters",
        Role.APPROVER: "approves plans that somebody else made",
        Role.AUDITOR: "reads everything that proves what was done, and changes nothing",
        Role.ADMINISTRATOR: "runs the installation: systems, sweeps and accounts; reads no case",
    }
)
PERMISSION_WORDS: Mapping[Permission, str] = MappingProxyType(
    {
        Permission.CASE_READ: "see cases, their plans and how they stand",
        Permission.CASE_WRITE: "open cases and move them on",
        Permission.CASE_PREVIEW: "look at single findings, masked",
        Permission.PLAN_APPROVE: "approve plans",
        Permission.CERTIFICATE_READ: "see certificates",
        Permission.LEDGER_READ: "read the ledger",
        Permission.SYSTEM_READ: "see systems and their health",
        Permission.SYSTEM_WRITE: "connect, change and stop systems",
        Permission.POLICY_READ: "read policies and laws",
        Permission.SWEEP_READ: "see sweeps and their runs",
        Permission.SWEEP_WRITE: "run sweeps and other jobs",
        Permission.HOLD_READ: "see legal holds",
        Permission.HOLD_WRITE: "place, review and lift legal holds",
        Permission.RECIPIENT_READ: "see whom data were passed on to",
        Permission.RECIPIENT_WRITE: "enter what recipients answered",
        Permission.INCIDENT_READ: "see incidents",
        Permission.INCIDENT_WRITE: "open and close incidents",
        Permission.RECORD_READ: "see the request log, reports and records of processing",
        Permission.METRICS_READ: "read the technical figures at /metrics",
        Permission.SUPPRESSION_CHECK: "ask whether somebody was erased or objected",
        Permission.USER_WRITE: "add, change and disable accounts",
    }
)
#: What the ledger tells of accounts.
HAPPENING_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "user.added": "Account made",
        "user.invited": "Link to choose a password made",
        "user.password": "New password",
        "user.roles": "Other roles",
        "user.disabled": "Disabled",
        "user.enabled": "Enabled again",
        "factor.added": "Second factor added",
        "factor.removed": "Second factor removed",
        "factor.recovery_made": "Recovery codes made",
        "factor.recovery_used": "Recovery code used",
        "factor.reset": "Second factors taken away",
        "token.made": "Token made",
        "token.revoked": "Token revoked",
    }
)


def sorted_by_weight(permissions: Iterable[Permission]) -> tuple[Permission, ...]:
    """Those that only read first, in the order in which they are declared."""
    given = frozenset(permissions)
    return tuple(sorted((each for each in Permission if each in given), key=lambda each: not each.is_reading))


def for_programs(app: Flask) -> frozenset[Permission]:
    """What a token is good for: what some operation of the API asks for, and the figures. Whatever else it had, a thief would have, too."""
    asked = (getattr(view, API_MARK, None) for view in app.view_functions.values())
    return frozenset({Permission.METRICS_READ, *(each for each in asked if isinstance(each, Permission))})
