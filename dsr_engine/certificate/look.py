"""How certificates look: letterhead, logo, colour, further fonts. An operator's file shadows the shipped one."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from dsr_engine.domain.errors import InputWrong
from dsr_engine.shipped import shipped

_FILE = Path("certificate") / "look.toml"
_KEYS = {"lines", "logo", "accent", "fonts"}
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True)
class Look:
    """Presentation only. `lines` empty: the letterhead is the controller's name. `fonts` are TrueType files, asked after DejaVu Sans."""

    lines: tuple[str, ...] = ()
    logo: Path | None = None
    accent: str = "#1f4e79"
    fonts: tuple[Path, ...] = ()


def load_look(home: Path | None = None) -> Look:
    """Reads `templates/certificate/look.toml` of DSR_HOME, else the shipped one. Paths in it are relative to the file."""
    own = home / "templates" / _FILE if home else None
    return read_look(own if own and own.is_file() else shipped("templates") / _FILE)


def read_look(path: Path) -> Look:
    """Reads one look file; raises `InputWrong` naming the key that is wrong."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputWrong(f"{path} cannot be read: {error.strerror}", code="look.unreadable") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputWrong(f"{path} is not TOML: {error}", code="look.malformed") from None
    unknown = sorted(document.keys() - _KEYS)
    if unknown:
        raise InputWrong(f"{path} has an unknown key: {unknown[0]}", code="look.malformed", hint=f"known are {', '.join(sorted(_KEYS))}")
    accent, logo = document.get("accent", Look().accent), document.get("logo", "")
    if not isinstance(accent, str) or not _COLOUR.fullmatch(accent):
        raise InputWrong(f"{path}: accent is not a colour", code="look.malformed", hint="write it as #1f4e79")
    if not isinstance(logo, str):
        raise InputWrong(f"{path}: logo is not a file name", code="look.malformed")
    return Look(
        lines=_texts(path, document, "lines"),
        logo=_file(path, logo) if logo else None,
        accent=accent,
        fonts=tuple(_file(path, name) for name in _texts(path, document, "fonts")),
    )


def _texts(path: Path, document: dict[str, object], key: str) -> tuple[str, ...]:
    entries = document.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise InputWrong(f"{path}: {key} is not a list of texts", code="look.malformed")
    return tuple(entries)


def _file(path: Path, name: str) -> Path:
    found = path.parent / name
    if not found.is_file():
        raise InputWrong(f"{path} names a file that is not there: {found}", code="look.file")
    return found
