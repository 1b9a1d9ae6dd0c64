"""How fast and how surely personal data of unknown people is found in texts: `python -m tests.benchmarks.bench_discovery [--megabytes 40]`.

Compares the discovery with presidio's recognizers that need no language model (its patterns and its telephone numbers, as it loads them for English):
the time for sparse text (prose with years and amounts, one line in five hundred with an address and a number), and recall and precision on sentences
that presidio-research's own generator makes with labels. Both run in this process, one after the other. The two packages are no part of the
project; without them the comparison is skipped, and said:

    python -m venv --system-site-packages /tmp/presidio && /tmp/presidio/bin/pip install presidio-analyzer presidio-evaluator
"""

import argparse
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from dsr_engine.content.discovery.discovering import CLEAR, LEAST, discovered, tallied
from tests.benchmarks.bench_scan import prose

#: presidio's labels, and the kinds that they are here.
KINDS = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "United States social security number",
    "IP_ADDRESS": "ip",
}
_OWN = {kind: label for label, kind in KINDS.items()}
#: Sparse text for presidio, which takes a second for less than a megabyte.
_PRESIDIO_CHARACTERS = 400_000
_SKIPPED = """skipped: {missing} is not installed. To compare:
    python -m venv --system-site-packages /tmp/presidio
    /tmp/presidio/bin/pip install presidio-analyzer presidio-evaluator
    /tmp/presidio/bin/python -m tests.benchmarks.bench_discovery"""

#: Label, start and end of a place in a text.
Span = tuple[str, int, int]
Find = Callable[[str], Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Labelled:
    text: str
    spans: tuple[Span, ...]


def sparse(characters: int) -> str:
    """Prose with years and amounts in it, and one line in five hundred with an address and a telephone number."""
    chance = random.Random(4)
    lines = prose(random.Random(3), umlauts=False)
    parts: list[str] = []
    size = number = 0
    while size < characters:
        line = next(lines)
        if number % 10 == 0:
            line = f"{line[:-2]} in {chance.randint(1900, 2030)}.\n"
        if number % 25 == 0:
            line = f"{line[:-2]} of {chance.randint(1, 5000)} items, 12.50.\n"
        if number % 500 == 250:
            line = f"Please write to jane.roe{number}@example.com or call +49 30 90{chance.randint(1000, 9999)}.\n"
        parts.append(line)
        size += len(line)
        number += 1
    return "".join(parts)


def ours(least: float) -> Find:
    return lambda text: [(_OWN[found.kind], found.start, found.end) for found in discovered(text) if found.kind in _OWN and found.confidence >= least]


def presidio() -> Find:
    """Its recognizers without a model, one by one, as its engine would run them. Raises `ImportError`."""
    analyzer: Any = import_module("presidio_analyzer")
    tldextract: Any = import_module("tldextract")
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())  # it would ask the network for a list that it ships as well
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    registry = analyzer.RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    chosen = [found for found in registry.recognizers if isinstance(found, analyzer.PatternRecognizer) or found.name == "PhoneRecognizer"]

    def find(text: str) -> list[Span]:
        found = (one for recognizer in chosen for one in recognizer.analyze(text, recognizer.supported_entities, None))
        return [(one.entity_type, one.start, one.end) for one in found if one.entity_type in KINDS]

    return find


def labelled(count: int, seed: int) -> list[Labelled]:
    """Sentences of presidio-research's generator. Raises `ImportError`."""
    generator: Any = import_module("presidio_evaluator.data_generator")
    made = generator.PresidioSentenceFaker("en_US", lower_case_ratio=0.05, random_seed=seed).generate_new_fake_sentences(num_samples=count)
    return [
        Labelled(one.full_text, tuple((span.entity_type, span.start_position, span.end_position) for span in one.spans if span.entity_type in KINDS))
        for one in made
    ]


def scored(find: Find, texts: Sequence[Labelled]) -> Iterator[str]:
    """Recall and precision by kind and together; a place counts as found if one of the same kind overlaps it."""
    wanted: Counter[str] = Counter()
    met: Counter[str] = Counter()
    given: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for one in texts:
        found = find(one.text)
        for label, start, end in one.spans:
            wanted[label] += 1
            met[label] += any(other == label and first < end and start < last for other, first, last in found)
        for label, start, end in found:
            given[label] += 1
            right[label] += any(other == label and first < end and start < last for other, first, last in one.spans)
    for label in (*KINDS, ""):
        told = [sum(counter.values()) if not label else counter[label] for counter in (met, wanted, right, given)]
        yield f"    {label or 'all':14} recall {told[0]:4}/{told[1]:<4} {_share(*told[:2])}   precision {told[2]:4}/{told[3]:<4} {_share(*told[2:])}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "  –  "


def _seconds(work: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(times):
        before = time.process_time()
        work()
        best = min(best, time.process_time() - before)
    return best


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--megabytes", type=int, default=40)
    options.add_argument("--sentences", type=int, default=3000)
    options.add_argument("--seed", type=int, default=2026)
    chosen = options.parse_args()
    data = sparse(chosen.megabytes * 1_000_000).encode()
    tallied(data[:1000])
    speed = len(data) / _seconds(lambda: tallied(data), 3) / 1e6
    print(f"discovery, sparse text: {speed:.0f} MB/s of a processor")
    try:
        other = presidio()
        small = sparse(_PRESIDIO_CHARACTERS)
        other(small[:1000])
        theirs = len(small) / _seconds(lambda: other(small), 2) / 1e6
        print(f"presidio, sparse text: {theirs:.2f} MB/s of a processor; discovery is {speed / theirs:.0f} × as fast (target 300)")
        texts = labelled(chosen.sentences, chosen.seed)
    except ImportError as missing:
        print(_SKIPPED.format(missing=missing.name))
        sys.exit(0)
    for name, find in (("presidio", other), ("discovery", ours(LEAST)), (f"discovery, clear ones only (≥ {CLEAR})", ours(CLEAR))):
        print(f"  {name}, {len(texts)} sentences:")
        print("\n".join(scored(find, texts)))


if __name__ == "__main__":
    main()
