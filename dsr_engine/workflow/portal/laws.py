"""Which laws apply to somebody who says where they live.

The controller's own law, which is the first one of the default policy, always applies. The law of the place is added to it and never replaces it:
of several laws the shortest limit and the strictest demand count. Where the place's law cannot be added (it is not in force, or the policy keeps data
on grounds that it does not know), the officer is told so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dsr_engine.domain.case import CaseKind
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.portal import Asked
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.applying import refuse_unfit

_STATES = ("co", "ct", "de", "fl", "ia", "in", "ky", "md", "mn", "mt", "ne", "nh", "nj", "or", "ri", "tn", "tx", "ut", "va")
#: Place → the law there, as regimes are named; empty where none is shipped, and the controller's own law stands alone.
PLACES: Mapping[str, str] = MappingProxyType(
    {
        "eu": "gdpr",
        "uk": "uk-gdpr",
        "ch": "",
        "us-ca": "ccpa",
        **{f"us-{state}": f"us-{state}" for state in _STATES},
        "us": "",
        "ca-qc": "quebec-25",
        "ca": "",
        "br": "lgpd",
        "cn": "pipl",
        "in": "india-dpdp",
        "other": "",
    }
)


@dataclass(frozen=True, slots=True)
class Laws:
    """`regimes` apply, the controller's own first. `left_out` is the law of the place where it could not be added; empty: none was left out."""

    regimes: tuple[str, ...]
    left_out: str = ""


def laws_for(house: House, policy: Policy, place: str) -> Laws:
    """The laws for a request that arrives now from somebody in this place (empty or unknown: the controller's own)."""
    own = policy.regimes[:1]
    law = PLACES.get(place, "")
    if not law or law in own:
        return Laws(own)
    try:
        refuse_unfit(CaseKind.REQUEST, policy, [house.regimes[law]], house.calendar.day_of(house.clock.now()))
    except (InputWrong, KeyError):
        return Laws(own, law)
    return Laws((*own, law))


def is_unverified(house: House, policy: Policy, asked: Asked) -> bool:
    """True if a law of the request lets nobody be asked to verify themselves for this right (11 CCR § 7060(b))."""
    return any(asked.right in house.regimes[name].verification.unverified for name in laws_for(house, policy, asked.place).regimes)


def default_policy(house: House) -> Policy:
    """The policy of dsr.toml. Raises `InputWrong` (`policy.unknown`) where there is no such policy."""
    found = house.policies.get(house.settings.policy)
    if found is None:
        raise InputWrong("the policy that dsr.toml names does not exist", code="policy.missing", hint="mend `policy` in [defaults]")
    return found
