"""Hides the person in names that are shown: a bucket key or a folder may be called after them."""

from collections.abc import Sequence

from dsr_engine.content.digest_gate import Asks, addresses
from dsr_engine.content.match import Matcher
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.selector import Selector
from dsr_engine.store.transaction import Transaction

MASK = "•••"


class Mask:
    """Replaces every span of these selectors, scoped keys included, in text that goes to a page, a log or a certificate.

    `asks` hides addresses, too, that are only known by their digests: those of people who were forgotten.
    """

    def __init__(self, selectors: Sequence[Selector], asks: Asks | None = None) -> None:
        # Names are short: what the other engine takes to be made ready would be most of a page's time.
        self._matcher = Matcher({"": tuple(selectors)}, "ahocorasick") if selectors else None
        self._keys = frozenset(selector.value.reveal() for selector in selectors if selector.scope is not None)
        self._asks = asks

    def text(self, text: str) -> str:
        """The text with the person's spans masked."""
        if self._asks is not None:
            known = {address for _, address in addresses(text) if self._asks(address)}
            for address in sorted(known, key=len, reverse=True):
                text = text.replace(address, MASK)
        if self._matcher is None:
            return text
        shown, end = [], 0
        for span in self._matcher.spans(text):
            if span.start >= end:
                shown += [text[end : span.start], MASK]
            end = max(end, span.end)
        return "".join([*shown, text[end:]])

    def place(self, system: str, collection: str) -> str:
        """`system.collection`, masked before it is joined: in `mail.jane@…` the address would be another one. A folder's root is the system."""
        return ".".join(self.text(part) for part in (system, collection) if part not in ("", "."))

    def key(self, part: str) -> str:
        """One part of a locator's key: a number that *is* the person's key is masked as a whole, and so is the digest that names a keyless row."""
        if part.startswith("row:"):
            return "a row without a key"
        return MASK if part in self._keys else self.text(part)


def mask_of(tx: Transaction, case: Case) -> Mask:
    """The mask of this case's person; one that hides nothing once the case was forgotten, for then nothing is left to hide."""
    try:
        return Mask(tx.selectors.of(case.id))
    except DsrError:
        return Mask(())
