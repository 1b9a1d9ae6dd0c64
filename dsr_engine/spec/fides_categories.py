"""Translates the data categories of fides into the engine's: newer names, names of the first taxonomy, and several for one field.

The engine's taxonomy follows fideslang (Ethyca, CC BY 4.0); what fideslang renamed in 3.2 or has beyond it is said here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from dsr_engine.spec.categories import categories

_RENAMED = {
    "user.biometrics": "user.biometric",
    "user.authorization.biometrics": "user.biometric",
    "user.authorization.biometric": "user.biometric",
    "user.children": "user.childrens",
    "user.contact.social_url": "user.contact.url",
    "user.contact.address.mailing_address": "user.contact.address",
    "user.location.coarse": "user.location.imprecise",
    "user.settings": "user.account.settings",
    "user.financial.account_number": "user.financial.bank_account",
    "user.demographic.philosophical_belief": "user.demographic.religious_belief",
    "user.demographic.citizenship_or_immigration_status": "user.demographic",
    "user.demographic.union_membership": "user.demographic",
    "user.demographic.protected_classifications": "user.demographic",
    "user.user_sensor": "user.sensor",
    "user.government_id.immigration": "user.government_id",
    "user.government_id.vehicle_registration": "user.vehicle",
}
#: The first taxonomy said how data came to be: `user.provided.identifiable.contact.email`.
_FIRST = tuple(f"user.{how}.{what}." for how in ("provided", "derived") for what in ("identifiable", "nonidentifiable"))


@dataclass(frozen=True, slots=True)
class Translated:
    """`category` is None for data that is nobody's (`system.operations`). `reason` says what was done where it is not one to one.

    `is_unknown`: nobody here knows the category; what is below `user` is personal all the same.
    """

    category: str | None
    reason: str = ""
    is_unknown: bool = False


def translated(name: str) -> Translated:
    """One category of fides. What lies below a known one is that one."""
    if name == "system" or name.startswith("system."):
        return Translated(None)
    plain = next(("user." + name.removeprefix(first) for first in _FIRST if name.startswith(first)), name)
    known = _nearest(plain)
    if known is None or (known == "user" and plain != "user"):
        return Translated(known, is_unknown=True)
    return Translated(known, "" if known == name else f"{name} of fides")


def _nearest(name: str) -> str | None:
    """The category itself, what it is called here, or the nearest above it."""
    while name:
        found = _RENAMED.get(name, name)
        if found in categories():
            return found
        name = name.rpartition(".")[0]
    return None


def joined(names: Iterable[str]) -> str | None:
    """The one category for several: the deepest where each covers the next, else the deepest that covers all. None for none."""
    found = sorted(set(names), key=lambda name: (name.count("."), name))
    if not found:
        return None
    deepest = found[-1]
    if all(deepest == name or deepest.startswith(f"{name}.") for name in found):
        return deepest
    parts = [name.split(".") for name in found]
    shared = []
    for steps in zip(*parts, strict=False):
        if len(set(steps)) > 1:
            break
        shared.append(steps[0])
    return ".".join(shared) or None
