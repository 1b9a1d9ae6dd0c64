"""How fast the gate looks at bytes: `python -m tests.benchmarks.bench_scan [--megabytes 1000]`.

Compares one subject with twelve identifiers, in all their forms and encodings, with ripgrep looking for the twelve canonical texts only
(`rg -F -i -f`), and with 10,000 subjects in one pass. Compiling is timed apart. The text is made from a seed, so that two runs compare.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dsr_engine.content.match import Matcher
from dsr_engine.domain.selector import Secret, Selector

CHUNK = 4 * 1024 * 1024
IDENTIFIERS = (
    ("email", "jane.roe@example.com"),
    ("email", "j.roe@corp.example.net"),
    ("email", "jroe77@mail.example.org"),
    ("phone", "+49 170 1234567"),
    ("phone", "+33 6 12 34 56 78"),
    ("name", "Jane Roe"),
    ("name", "Janet Roe-Miller"),
    ("iban", "DE89370400440532013000"),
    ("customer_no", "CUST-8842107"),
    ("username", "janeroe77"),
    ("address", "221B Baker Street"),
    ("passport", "C01X00T478"),
)
_ONSETS = ("b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "br", "st", "tr")
_SYLLABLES = tuple(onset + vowel + coda for onset in _ONSETS for vowel in "aeiou" for coda in ("", "", *"lmnrst"))


def words(count: int, chance: random.Random, *, umlauts: bool = False) -> list[str]:
    """Made-up words of one to four syllables; with umlauts in one of ten if wanted."""
    made = ["".join(chance.choices(_SYLLABLES, k=chance.choice((1, 1, 2, 2, 3, 4)))) for _ in range(count)]
    return [word.replace("a", "ä") if umlauts and index % 10 == 0 else word for index, word in enumerate(made)]


def prose(chance: random.Random, *, umlauts: bool) -> Iterator[str]:
    known = words(20_000, chance, umlauts=umlauts)
    while True:
        yield " ".join(chance.choices(known, k=14)).capitalize() + ".\n"


def csv(chance: random.Random) -> Iterator[str]:
    known = words(20_000, chance)
    for number in range(10**9):
        first, last = chance.choice(known), chance.choice(known)
        phone, amount = chance.randrange(10**9, 10**10), chance.randrange(10**7) / 100
        yield (
            f"{number},{first}.{last}@example.{chance.choice(('com', 'org', 'net'))},+49 {phone},{first.title()} {last.title()},{amount},"
            f"2024-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02} 12:{chance.randrange(60):02}:00,{chance.randrange(10**12)}\n"
        )


def make(path: Path, lines: Iterator[str], megabytes: int) -> None:
    """Writes a file of this size: 32 MB of fresh lines, repeated."""
    part, size = [], 0
    for line in lines:
        part.append(line)
        size += len(line)
        if size >= min(megabytes, 32) * 1_000_000:
            break
    block = "".join(part).encode()
    with path.open("wb") as sink:
        while sink.tell() < megabytes * 1_000_000:
            sink.write(block)


def subjects(count: int) -> dict[str, tuple[Selector, ...]]:
    """So many people with five identifiers each."""
    chance = random.Random(7)  # test data
    names = words(5_000, chance)
    people = {}
    for number in range(count):
        first, last = chance.choice(names) + chance.choice(names), chance.choice(names) + chance.choice(names)
        values = (
            ("email", f"{first}.{last}{number}@gmail.com"),
            ("email", f"{last}{number}@example.com"),
            ("phone", f"+49 151 {chance.randrange(10**7, 10**8)}"),
            ("name", f"{first} {last}"),
            ("customer_no", f"K{chance.randrange(10**9, 10**10)}"),
        )
        people[f"case-{number}"] = selectors(values)
    return people


def selectors(values: tuple[tuple[str, str], ...]) -> tuple[Selector, ...]:
    return tuple(Selector(f"s{index}", kind, Secret(value), verified=True) for index, (kind, value) in enumerate(values))


def scan(matcher: Matcher, path: Path, threads: int) -> int:
    """How many buffers pass the gate."""
    size = path.stat().st_size
    step = CHUNK - matcher.gate.reach
    with path.open("rb") as source, ThreadPoolExecutor(threads) as pool:
        handle = source.fileno()
        return sum(pool.map(lambda at: matcher.gate.passes(os.pread(handle, CHUNK, at)), range(0, size, step)))


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ripgrep(path: Path, patterns: Path) -> None:
    subprocess.run(["rg", "-F", "-i", "-c", "-f", str(patterns), str(path)], check=False, capture_output=True)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000, help="size of each file")
    parser.add_argument("--engine", choices=("hyperscan", "ahocorasick"), default=None)
    parser.add_argument("--subjects", type=int, default=10_000)
    options = parser.parse_args(arguments)
    threads = os.cpu_count() or 1
    one = Matcher({"case": selectors(IDENTIFIERS)}, options.engine)
    compile_seconds = timed(lambda: Matcher(subjects(options.subjects), options.engine))
    many = Matcher(subjects(options.subjects), options.engine)
    sys.stdout.write(f"{threads} threads, compiling {options.subjects} subjects took {compile_seconds:.1f} s\n")
    sys.stdout.write(f"{'text':<16}{'rg MB/s':>10}{'one MB/s':>10}{'one/rg':>8}{'many MB/s':>11}{'many time/one':>15}\n")
    with tempfile.TemporaryDirectory() as folder:
        patterns = Path(folder, "patterns")
        patterns.write_text("".join(value + "\n" for _, value in IDENTIFIERS))
        chance = random.Random(1)  # test data
        for name, lines in (("prose", prose(chance, umlauts=False)), ("csv", csv(chance)), ("prose, umlauts", prose(chance, umlauts=True))):
            path = Path(folder, "text")
            make(path, lines, options.megabytes)
            compare(name, path, patterns, one, many)


def compare(name: str, path: Path, patterns: Path, one: Matcher, many: Matcher) -> None:
    """Prints one line; rivals take turns, so that a busy machine slows all of them."""
    threads = os.cpu_count() or 1
    megabytes = path.stat().st_size / 1e6
    rivals: tuple[Callable[[], object], ...] = (
        lambda: ripgrep(path, patterns),
        lambda: scan(one, path, threads),
        lambda: scan(many, path, threads),
    )
    turns = [[timed(rival) for rival in rivals] for _ in range(3)]
    rival, alone, crowd = (min(column) for column in zip(*turns, strict=True))
    speeds = f"{megabytes / rival:>10.0f}{megabytes / alone:>10.0f}{rival / alone:>8.2f}{megabytes / crowd:>11.0f}"
    sys.stdout.write(f"{name:<16}{speeds}{crowd / alone:>15.1f}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
