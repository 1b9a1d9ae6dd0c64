"""Systems and policies over the API: what is declared, without addresses, accounts or secrets."""

from typing import Any

from dsr_engine.domain.policy import Policy
from dsr_engine.domain.system import System
from dsr_engine.domain.user import Permission
from dsr_engine.web.api import proof_schemas
from dsr_engine.web.api.cases import policy_named
from dsr_engine.web.api.noun import Noun
from dsr_engine.web.guard import house

systems = Noun("systems", "Where personal data lie.")
policies = Noun("policies", "What is to become of data, and when.")


@systems.get("/systems", Permission.SYSTEM_READ, proof_schemas.SystemListSchema())
def list_systems() -> dict[str, Any]:
    """Lists the declared systems."""
    return {"systems": [_system(system) for _, system in sorted(house().systems.items())]}


@systems.get("/systems/<name>", Permission.SYSTEM_READ, proof_schemas.SystemSchema())
def show_system(name: str) -> dict[str, Any]:
    """One system."""
    return _system(house().system_named(name))


@policies.get("/policies", Permission.POLICY_READ, proof_schemas.PolicyListSchema())
def list_policies() -> dict[str, Any]:
    """Lists the policies, the home's own and those that are shipped."""
    return {"policies": [_policy(policy) for _, policy in sorted(house().policies.items())]}


@policies.get("/policies/<name>", Permission.POLICY_READ, proof_schemas.PolicySchema())
def show_policy(name: str) -> dict[str, Any]:
    """One policy."""
    return _policy(policy_named(name))


def _system(system: System) -> dict[str, Any]:
    with house().store.snapshot() as tx:
        stopped = tx.stops.active()
    return {
        "system": system.name,
        "kind": system.manifest.driver,
        "connector": system.manifest.name,
        "is_disabled": system.is_disabled,
        "is_stopped": not stopped.isdisjoint({system.name, "*"}),
        "collections": [collection.name for collection in system.manifest.collections],
    }


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "policy": policy.name,
        "file": policy.source.file,
        "digest": policy.source.digest,
        "regimes": list(policy.regimes),
        "has_sweep": policy.sweep is not None,
        "rules": [{"rule": rule.name, "where": str(rule.source)} for rule in policy.rules],
    }
