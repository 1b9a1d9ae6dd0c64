"""What all archives share: their members are files, their names may be in any charset and hold a person, and they must not take for ever."""

from collections.abc import Iterator
from dataclasses import replace
from math import inf

from dsr_engine.content.charset import encoded_like
from dsr_engine.content.format import Budget, Limits, Reading
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.record import Gap, Unit

#: What names in archives are written in where it is not said: zip's own code page first (APPNOTE D), then what Windows machines wrote.
_CODECS = ("cp437", "cp1252", "cp932", "gb18030", "big5", "euc_kr", "cp866", "cp1251", "cp850", "cp852", "latin-1")
#: Longer ones are texts, and no names.
_LONGEST_NAME = 65_536


def each_gap_once(found: Iterator[Unit | Gap]) -> Iterator[Unit | Gap]:
    """Thousands of members that cannot be read for one reason are told once."""
    told: set[str] = set()
    for got in found:
        if isinstance(got, Gap):
            if got.code in told:
                continue
            told.add(got.code)
        yield got


def readings_of(name: bytes) -> dict[str, str]:
    """The texts that these bytes may be, the likeliest first, each with its codec: UTF-8 where they are valid, else in every charset they fit."""
    try:
        return {name.decode(): "utf-8"}
    except UnicodeDecodeError:
        pass
    found: dict[str, str] = {}
    for codec in _CODECS:
        try:
            found.setdefault(name.decode(codec), codec)
        except UnicodeDecodeError:
            continue
    return found


def name_units(place: str, name: bytes, inside_of: str, reading: Reading) -> Iterator[Unit]:
    """A name or comment as a unit, in every charset in which the gate sees somebody; without a gate as it is likeliest meant."""
    if not name:
        return
    texts = tuple(readings_of(name[:_LONGEST_NAME]))
    seen = texts[:1] if reading.gate is None else [text for text in texts if reading.gate.passes_text(text)]
    for text in seen:
        yield Unit(reading.prefix + place, text, inside_of)


def redacted_name(name: bytes, rewriter: Rewriter) -> bytes:
    """The name without the person, in the charset in which they stood in it."""
    for text, codec in readings_of(name).items():
        now = rewriter.redacted(text)
        if now != text:
            return encoded_like(name, codec, text, now)
    return name


def step_into(reading: Reading, step: str, name: str, budget: Budget) -> Reading:
    """How the file at the place `step` inside of this one is read."""
    return replace(reading, prefix=f"{reading.prefix}{step}/", depth=reading.depth + 1, name=name, budget=budget)


def budget_of(reading: Reading) -> Budget:
    return reading.budget or Budget(reading.limits)


def unhurried(limits: Limits) -> Budget:
    """For rewriting what has been read within the limits: several passes, in the time that they take. Bombs are still none."""
    return Budget(replace(limits, seconds=inf, decoded_bytes=limits.decoded_bytes * 64))
