"""The portal's texts in each language: `templates/portal/LANGUAGE.toml`, which a home may shadow text by text."""

import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dsr_engine.domain.errors import InputWrong
from dsr_engine.shipped import shipped

#: The language whose texts stand in where a home's own file has none, and how each calls itself.
FIRST = "en"
LANGUAGES: Mapping[str, str] = MappingProxyType({"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "zh": "中文"})


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language by dotted key."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The text, filled. Raises `InputWrong` (`portal.text`) for a key or a value that there is not."""
        try:
            return self.texts[key].format_map(values) if values else self.texts[key]
        except (KeyError, ValueError, IndexError, AttributeError):
            raise InputWrong(
                f"templates/portal/{self.language}.toml: {key} is missing or names a value that there is not", code="portal.text"
            ) from None

    def has(self, key: str) -> bool:
        return key in self.texts


def texts_of(language: str, home: Path) -> Texts:
    """The texts of a language: the home's own before the shipped ones. Raises `InputWrong` for an unknown language or a bad file."""
    if language not in LANGUAGES:
        raise InputWrong("the portal does not speak this language", code="language.unknown", hint=f"languages are {', '.join(LANGUAGES)}")
    known = _read(shipped("templates") / "portal" / f"{language}.toml", 0)
    own = home / "templates" / "portal" / f"{language}.toml"
    if own.is_file():
        known = MappingProxyType({**known, **_read(own, own.stat().st_mtime_ns)})
    return Texts(language, known)


@functools.lru_cache(maxsize=32)
def _read(path: Path, _changed: int) -> Mapping[str, str]:
    try:
        return MappingProxyType(dict(_flat(tomllib.loads(path.read_text(encoding="utf-8")), "")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise InputWrong(f"templates/portal/{path.name} cannot be read", code="portal.text", hint="compare it with the shipped one") from None


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
