"""Holds what a policy gives as reasons against what its regimes accept."""

from collections.abc import Iterator, Mapping

from dsr_engine.domain.policy import Policy, Rule
from dsr_engine.domain.regime import Regime
from dsr_engine.spec.document import Document
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.problems import SpecProblem


def ground_problems(document: Document, policy: Policy, regimes: Mapping[str, Regime]) -> Iterator[SpecProblem]:
    """Regimes that are not there, grounds that one of the policy's regimes does not know, and legal grounds without their statute."""
    for index, name in enumerate(policy.regimes):
        if name not in regimes:
            is_list = isinstance(document.root["regimes"], list)
            yield document.problem(("regimes", index) if is_list else ("regimes",), f"no such regime{did_you_mean(name, regimes)}")
    for index, rule in enumerate(policy.rules):
        if rule.keep is not None and not rule.keep.is_purpose:
            yield from _of_rule(document, ("rules", index, "keep"), rule, policy, regimes)


def _of_rule(document: Document, path: tuple[str | int, ...], rule: Rule, policy: Policy, regimes: Mapping[str, Regime]) -> Iterator[SpecProblem]:
    assert rule.keep is not None
    word = rule.keep.because
    own = [regimes[name] for name in policy.regimes if name in regimes]
    knowing = [regime for regime in own if regime.ground_named(word)]
    lacking = [regime.name for regime in own if not regime.ground_named(word)]
    if not knowing and len(own) == len(policy.regimes):
        yield document.problem((*path, "because"), _unknown(word, own, regimes))
    elif knowing and lacking:
        # A case lies under one regime: there the data would be kept on a ground that its law does not have.
        names = ", ".join(regime.name for regime in knowing)
        yield document.problem((*path, "because"), f"a ground of {names}, but not of {', '.join(lacking)}: write a policy for each regime")
    cites = dict.fromkeys(ground.cite for regime in knowing if (ground := regime.ground_named(word)) and ground.needs_law)
    if cites and not rule.keep.law:
        yield document.problem(path, f"`{word}` needs `law`: the statute that obliges you ({', '.join(cites)})")


def _unknown(word: str, own: list[Regime], regimes: Mapping[str, Regime]) -> str:
    names = [ground.name for regime in own for ground in regime.grounds]
    elsewhere = [regime.name for regime in regimes.values() if regime.ground_named(word)]
    if elsewhere:
        return f"a ground of {', '.join(elsewhere)}, which this policy does not name in `regimes`: it cannot be used here"
    return f"not `purpose` and not a ground of this policy's regimes{did_you_mean(word, names) or ': ' + ', '.join(dict.fromkeys(names))}"
