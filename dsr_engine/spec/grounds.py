"""Holds what a policy gives as reasons against what its regimes accept."""

from collections.abc import Iterable, Iterator, Mapping

from dsr_engine.domain.policy import Keep, Policy, Rule
from dsr_engine.domain.regime import Ground, Regime
from dsr_engine.spec.document import Document
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.problems import SpecProblem
from dsr_engine.spec.regime_parts import pattern


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
    yield from _laws_that_do_not_count(document, (*path, "law"), rule.keep, knowing)
    cites = dict.fromkeys(ground.cite for regime in knowing if (ground := regime.ground_named(word)) and ground.needs_law)
    if cites and not rule.keep.law:
        yield document.problem(path, f"`{word}` needs `law`: the statute that obliges you ({', '.join(cites)})")


def unfit(policy: Policy, regime: Regime) -> Iterator[str]:
    """Why data that this policy keeps could not stay under this regime, one line for each rule: for a law that the policy was not written for."""
    for rule in policy.rules:
        if rule.keep is None or rule.keep.is_purpose:
            continue
        ground = regime.ground_named(rule.keep.because)
        if ground is None:
            yield f"{rule.source} keeps data on the ground `{rule.keep.because}`, which {regime.name} does not know"
        elif ground.needs_law and not rule.keep.law:
            yield f"{rule.source} names no statute, which `{ground.name}` needs under {regime.name} ({ground.cite})"
        elif _never(ground, rule.keep):
            yield f"{rule.source} names a law that does not count as `{ground.name}` under {regime.name} ({ground.cite})"


def _never(ground: Ground, keep: Keep) -> bool:
    return any(pattern(text).search(keep.law) for text in ground.never)


def _laws_that_do_not_count(document: Document, path: tuple[str | int, ...], keep: Keep, regimes: Iterable[Regime]) -> Iterator[SpecProblem]:
    """A statute that a regime does not accept under this ground: a tax rule of another country is no obligation under Art. 17(3)(b) GDPR."""
    for regime in regimes:
        ground = regime.ground_named(keep.because)
        if keep.law and ground is not None and _never(ground, keep):
            why = f"{ground.about[0].lower()}{ground.about[1:]}" if ground.about else "its file names it as one that does not"
            yield document.problem(path, f"no law that counts as `{ground.name}` under {regime.name} ({ground.cite}): {why}{_rather(regime, ground)}")


def _rather(regime: Regime, ground: Ground) -> str:
    """The way out that the law itself leaves: a duty abroad may still be a claim that has to be defended."""
    claims = regime.ground_named("legal_claims")
    return f"; if a claim depends on the data, the ground is `legal_claims` ({claims.cite})" if claims and claims is not ground else ""


def _unknown(word: str, own: list[Regime], regimes: Mapping[str, Regime]) -> str:
    names = [ground.name for regime in own for ground in regime.grounds]
    elsewhere = [regime.name for regime in regimes.values() if regime.ground_named(word)]
    if elsewhere:
        more = f" and {len(elsewhere) - 3} more" if len(elsewhere) > 3 else ""
        return f"a ground of {', '.join(elsewhere[:3])}{more}, which this policy does not name in `regimes`: it cannot be used here"
    return f"not `purpose` and not a ground of this policy's regimes{did_you_mean(word, names) or ': ' + ', '.join(dict.fromkeys(names))}"
