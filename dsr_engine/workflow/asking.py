"""What a rule leaves to a person (`then: ask`), and what the person's answer makes of it. Pure.

An answer stands for the rule and for nothing else: what another rule of the policy keeps stays kept, and what no rule covers stays open.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from dsr_engine.domain.plan import Reason
from dsr_engine.domain.policy import Then, Treatment
from dsr_engine.workflow.judgement import Judged, Judgement

#: The record goes, as a whole.
ERASE = "erase"
#: The record stays, and the places that name the person are cut out of it.
REDACT = "redact"
#: The record stays as it is, for a reason that is told with it.
KEEP = "keep"

ANSWERS = (ERASE, REDACT, KEEP)
#: Why somebody lets a record go, or lets the person be cut out of it. Only the ledger tells it: nobody has to be told why an erasure was granted.
WEIGHED: Mapping[str, str] = MappingProxyType(
    {
        "nothing_of_others": "nothing in it is anybody else's",
        "outweighed": "what others have in it weighs less than the person's right",
        "not_needed": "nobody needs it any more",
    }
)
_TREATMENTS = {ERASE: Treatment.DELETE, REDACT: Treatment.REDACT, KEEP: Treatment.RETAIN}


def kept_for(because: str, law: str) -> str:
    """The answer `keep` with its reason, as one word: a ground or a code, and the citation of a statute (may be empty)."""
    return f"{KEEP}:{because}:{law}"


def word_of(verdict: str) -> str:
    """A verdict without its reason."""
    return verdict.partition(":")[0]


def is_answer(verdict: str) -> bool:
    return word_of(verdict) in ANSWERS


def answered(judgement: Judgement, verdict: str) -> Judgement:
    """The judgement with the answer in the place of every rule that asks."""
    return replace(judgement, judged=tuple(_answered(entry, verdict) if entry.is_asked else entry for entry in judgement.judged))


def kept_as_it_is(judgement: Judgement, verdict: str) -> Judgement:
    """The judgement where the person cannot be cut out and somebody said `keep`: all stays, for that reason. Another answer changes nothing."""
    if word_of(verdict) != KEEP:
        return judgement
    return replace(judgement, judged=tuple(entry if entry.is_kept else _answered(entry, verdict) for entry in judgement.judged))


def _answered(entry: Judged, verdict: str) -> Judged:
    word, _, reason = verdict.partition(":")
    because, _, law = reason.partition(":")
    treatment = _TREATMENTS[word]
    told = Reason(treatment, f"{entry.reason.rule} (decided by a person)", entry.reason.source, because, law)
    return replace(entry, then=Then(treatment), reason=told)
