"""Which texts a certificate was made by: the policy, the laws and the connectors, each by the SHA-256 under which its text is kept."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dsr_engine.domain.certificate import Statement
from dsr_engine.workflow.house import House


@dataclass(frozen=True, slots=True)
class Cited:
    """One text. `what` is its kind and name; `is_kept` False: this installation does not have it any more."""

    what: str
    digest: str
    is_kept: bool


def cited_by(leaves: Iterable[bytes], statements: Iterable[Statement]) -> Mapping[str, str]:
    """What the leaves of a case and its statements cite: SHA-256 of a text, and what it is. What was named on the command line has no text."""
    cited: dict[str, str] = {}
    for data in leaves:
        cited |= {digest: what.replace(":", " ") for what, digest in json.loads(data).get("texts", {}).items()}
    for statement in statements:
        cited |= {regime["sha256"]: f"regime {regime['name']}" for regime in statement.regimes}
        cited[statement.policy["sha256"]] = f"policy {statement.policy['name']}"
    return {digest: what for digest, what in cited.items() if digest}


def kept_of(house: House, cited: Mapping[str, str]) -> tuple[Cited, ...]:
    """The cited texts by name, and whether each is still here."""
    found = (Cited(what, digest, house.text_of(digest) is not None) for digest, what in cited.items())
    return tuple(sorted(found, key=lambda text: text.what))
