"""Which languages words in pictures are recognised in: those whose data is installed, and of them those that the home names."""

import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from dsr_engine.domain.errors import InputWrong

#: Names the languages (`eng+deu`), or says `off`. What Tesseract itself asks where its data is.
LANGUAGES, DATA = "DSR_OCR", "TESSDATA_PREFIX"
#: Where systems keep the data of Tesseract 5.
_FOLDERS = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tessdata",
    "/usr/share/tesseract/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
#: Each language takes its time for each word, so where nobody names them no more than so many are taken, English first.
_UNNAMED = 3
#: Data that is no language.
_NONE = frozenset({"osd", "equ", "snum"})


def data_folder() -> Path | None:
    """Where the data of languages is. None where there is none."""
    named = os.environ.get(DATA)
    folders = [named, f"{named}/tessdata"] if named else [*_FOLDERS, f"{sys.prefix}/share/tessdata"]
    return next((folder for folder in map(Path, folders) if any(folder.glob("*.traineddata"))), None)


def wanted() -> Sequence[str]:
    """The languages, by the names of Tesseract. Raises `InputWrong` (`ocr.language`) where one is named whose data is not installed."""
    folder = data_folder()
    there = {path.name.removesuffix(".traineddata") for path in folder.glob("*.traineddata")} - _NONE if folder else set()
    said = os.environ.get(LANGUAGES, "").strip()
    if not said:
        return sorted(there, key=lambda name: (name != "eng", name))[:_UNNAMED]
    if said.lower() == "off":
        return ()
    named = tuple(dict.fromkeys(said.split("+")))
    if missing := [name for name in named if name not in there]:
        raise InputWrong(
            f"words in pictures cannot be recognised in {', '.join(missing)}: the data of this language is not installed",
            code="ocr.language",
            hint=f"install it (on Debian: apt install tesseract-ocr-{missing[0]}), or change {LANGUAGES}",
        )
    return named


@cache
def is_installed() -> bool:
    """True if words in pictures can be recognised here, and nobody turned it off."""
    return find_spec("tesserocr") is not None and find_spec("PIL") is not None and bool(wanted())
