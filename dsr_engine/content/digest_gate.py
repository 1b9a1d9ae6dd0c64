"""The cheap first look of a search that knows digests only: every e-mail address in a buffer is asked about, and nothing else of it is kept.

Who was forgotten is known by keyed digests. No automaton can look for those, so here the addresses are picked out of the bytes and each is asked
about; the answer is a lookup. Identifiers of other kinds have no shape of their own, so a collection that has them passes as a whole.
"""

import re
from collections.abc import Callable, Iterator, Sequence

#: Asks whether an address, as it was written, is of somebody who is looked for.
Asks = Callable[[str], bool]

#: What ends a word that may be the first half of an address: white space, control characters, and what quotes or lists.
_END = r"\s\x00-\x1f\"<>()\[\],;:\\@＠﹫"
#: What may stand between an address and the next one in one word, as columns are written with bars between them; also inside of an address.
_JOINS = r"=|{}/&?'"
#: `@` has three shapes (NFKC). A domain is letters, digits, dots and hyphens, with marks and invisible characters that NFKC would level.
_ADDRESS = re.compile(
    rf"(?<![^{_END}{_JOINS}])[^{_END}]{{1,96}}+[@＠﹫][\w.\-．。｡\u00ad\u0300-\u036f\u200b-\u200d\ufeff]{{1,253}}+",
)
#: Signs that an `@` may be hidden: escapes of JSON, entities, percent signs, quoted-printable. What has one passes: the format decodes it.
_HIDDEN = re.compile(rb"\\u|&#|&commat|%40|=40", re.IGNORECASE)
_AT = (b"@", "＠".encode(), "﹫".encode())
#: What may stand around an address without being part of it.
_AROUND = ".!?*_=~'`"
#: What may stand between a name and its address in one word: `to=jane@example.org`.
_GLUE = re.compile(f"[{_JOINS}]")
#: Long enough for any address with its surroundings.
REACH = 1024


class DigestGate:
    """Implements `content.gate.Gate`."""

    def __init__(self, asks: Asks) -> None:
        self._asks = asks

    @property
    def reach(self) -> int:
        return REACH

    def passes(self, data: bytes) -> bool:
        if _HIDDEN.search(data):
            return True
        return any(at in data for at in _AT) and self.passes_text(data.decode("utf-8", "replace"))

    def passes_text(self, text: str) -> bool:
        return any(self._asks(address) for _, address in addresses(text))

    def hits(self, data: bytes) -> Sequence[int]:
        found = {match.end() for match in _HIDDEN.finditer(data)}
        if any(at in data for at in _AT):
            text = data.decode("utf-8", "surrogateescape")
            ends = [end for end, address in addresses(text) if self._asks(address)]
            found |= {end if text.isascii() else len(text[:end].encode("utf-8", "surrogateescape")) for end in ends}
        return sorted(found)


class OpenGate:
    """A gate that refuses nothing: for collections whose identifiers have no shape that bytes could be searched for."""

    @property
    def reach(self) -> int:
        return REACH

    def passes(self, data: bytes) -> bool:
        return bool(data)

    def passes_text(self, text: str) -> bool:
        return bool(text)

    def hits(self, data: bytes) -> Sequence[int]:
        lines = (match.end() for match in re.finditer(rb"\n", data))
        return sorted({*lines, *range(REACH, len(data), REACH), len(data)} - {0})


def addresses(text: str) -> Iterator[tuple[int, str]]:
    """Everything in a text that may be an e-mail address, with where it ends. One that touches other signs comes in each of its readings."""
    for match in _ADDRESS.finditer(text):
        raw = match.group()
        yield match.end(), raw
        trimmed = raw.strip(_AROUND)
        if trimmed != raw:
            yield match.end(), trimmed
        for glue in _GLUE.finditer(trimmed):
            yield match.end(), trimmed[glue.end() :]
