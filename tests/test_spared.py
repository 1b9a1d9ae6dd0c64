"""What the tests spare themselves is what the engine does: `tests/sparing.py` may not hide that it stopped."""

from argon2.profiles import RFC_9106_LOW_MEMORY

from tests.sparing import PASSWORDS, PRAGMAS


def test_an_intention_is_on_the_disk_before_its_effect_begins() -> None:
    assert [pragma for pragma, _ in PRAGMAS if "synchronous" in pragma] == ["PRAGMA synchronous = FULL"]


def test_a_password_costs_whoever_guesses_it_64_mib() -> None:
    assert PASSWORDS == RFC_9106_LOW_MEMORY
