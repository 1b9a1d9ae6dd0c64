"""What recipients are told, and what letters say of them, is there in every language of letters, with the same places to fill."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from dsr_engine.certificate.letter import languages
from dsr_engine.shipped import shipped


def _leaves(document: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _places(language: str) -> dict[str, set[str]]:
    text = (shipped("templates") / "notices" / f"{language}.toml").read_text(encoding="utf-8")
    return {key: set(re.findall(r"\{(\w+)\}", value)) for key, value in _leaves(tomllib.loads(text))}


@pytest.mark.parametrize("language", languages())
def test_every_language_of_letters_has_the_words_for_recipients(language: str) -> None:
    assert _places(language) == _places("en")
