"""The words of `people_words.txt`: given names and other evidence that two capitalised words are a person and not a product."""

from functools import cache
from pathlib import Path

from dsr_engine.content.fold import folded


@cache
def _sections() -> dict[str, frozenset[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in Path(__file__).with_name("people_words.txt").read_text(encoding="utf-8").splitlines():
        if line.endswith(":"):
            name = line.removesuffix(":")
        elif not line.startswith("#"):
            found.setdefault(name, []).extend(line.split())
    return {section: frozenset(map(folded, words)) for section, words in found.items()}


def words_for(section: str) -> frozenset[str]:
    """The folded words of one section of the file. Raises `KeyError`."""
    return _sections()[section]


GIVEN_NAMES = frozenset().union(*(words for section, words in _sections().items() if section.startswith("given names")))
