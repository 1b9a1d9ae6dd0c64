"""The words of a copy in the requester's language (`templates/copies/`), which a home may shadow."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsr_engine.certificate.letter import Words, words_of
from dsr_engine.domain.errors import InputWrong
from dsr_engine.settings import Settings
from dsr_engine.shipped import shipped

_FOLDER = "copies"
#: The language in which everything has words.
_ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class CopyWords:
    """`texts` by their names in the file, `reasons` by their codes; `words` are those of the letters: categories and days."""

    language: str
    texts: Mapping[str, str]
    reasons: Mapping[str, str]
    words: Words

    def __getitem__(self, name: str) -> str:
        return self.texts[name]


def copy_languages(home: Path) -> tuple[str, ...]:
    folders = (shipped("templates") / _FOLDER, home / "templates" / _FOLDER)
    return tuple(sorted({path.stem for folder in folders for path in folder.glob("*.toml")}))


def copy_words(settings: Settings, language: str) -> CopyWords:
    """The words of this language; English where it has none. Raises `InputWrong` (`copy.words`) for a file that lacks some."""
    chosen = language if language in copy_languages(settings.home) else _ENGLISH
    own = settings.home / "templates" / _FOLDER / f"{chosen}.toml"
    english = _read(shipped("templates") / _FOLDER / f"{_ENGLISH}.toml")
    found = _read(own if own.is_file() else shipped("templates") / _FOLDER / f"{chosen}.toml")
    missing = sorted({*(set(english) - set(found)), *(set(english["reasons"]) - set(found.get("reasons", {})))})
    if missing:
        raise InputWrong(f"templates/copies/{chosen}.toml does not say {missing[0]}", code="copy.words", hint="compare it with the shipped one")
    texts = {name: text for name, text in found.items() if isinstance(text, str)}
    return CopyWords(chosen, texts, found["reasons"], words_of(chosen, settings.home))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise InputWrong(f"templates/copies/{path.name} cannot be read", code="copy.words", hint="compare it with the shipped one") from None
