"""What a supervisory authority ordered: it can order an erasure that nobody asked for (GDPR Art. 58(2)(g); CJEU C-46/23)."""

from dataclasses import dataclass
from datetime import date

from dsr_engine.domain.selector import Secret


@dataclass(frozen=True, slots=True, repr=False)
class Order:
    """`reference` is the authority's file reference, which may name people. `due` is the last day that the authority set."""

    reference: Secret
    due: date
