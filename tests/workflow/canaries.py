"""What must not be left of a person anywhere, in every form that is worth a search, and the search for it."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pypdfium2

from tests.workflow.company import EMAIL, NAME, PHONE

PERSON = (EMAIL, NAME, PHONE, "ida.lindqvist", "lindqvist", re.sub(r"\D", "", PHONE), "30901820")


def _canaries() -> dict[str, bytes]:
    """What must not be found: the identifiers, and what advertising systems make of them. By name, for the message."""
    found = {}
    for number, text in enumerate(PERSON):
        for how, variant in (("plain", text), ("lower", text.lower()), ("upper", text.upper()), ("bare", "".join(text.split()))):
            found[f"{number} {how}"] = variant.encode()
            found[f"{number} {how} in UTF-16"] = variant.encode("utf-16-le")
            for name in ("md5", "sha1", "sha256"):
                digest = hashlib.new(name, variant.encode(), usedforsecurity=False)
                found[f"{number} {how} {name}"] = digest.digest()
                found[f"{number} {how} {name} in hex"] = digest.hexdigest().encode()
                found[f"{number} {how} {name} in base64"] = base64.b64encode(digest.digest()).rstrip(b"=")
    return found


_CANARIES = _canaries()


def leaks_in(data: bytes) -> list[str]:
    """Which canaries are in these bytes, by name."""
    folded = data.lower()
    return [name for name, canary in _CANARIES.items() if canary in data or (b"sha" not in name.encode() and canary.lower() in folded)]


def _texts_of(pdf: Path) -> Iterator[bytes]:
    """Every object of a PDF: streams decompressed, sealed statements opened, the strings of all others, and the pages as people read them."""
    with pikepdf.open(pdf) as document:
        for entry in document.objects:
            if isinstance(entry, pikepdf.Stream):
                data = entry.read_bytes() if _is_readable(entry) else entry.read_raw_bytes()
                yield data
                if data.startswith(b"{") and b'"payload"' in data:
                    yield base64.b64decode(json.loads(data)["payload"])
            yield repr(entry).encode()
    pages = pypdfium2.PdfDocument(pdf)
    try:
        texts = [page.get_textpage().get_text_bounded() for page in pages]
    finally:
        pages.close()
    assert "Example Ltd" in "".join(texts)
    yield "\n".join(texts).encode()


def _is_readable(stream: pikepdf.Stream) -> bool:
    return "/DCTDecode" not in repr(stream.get("/Filter"))


def assert_forgotten(*folders: Path) -> None:
    """No file below, its name and its PDFs' insides included, holds anything of the person."""
    looked = 0
    for folder in folders:
        for path in folder.rglob("*"):
            assert not leaks_in(str(path.relative_to(folder)).encode()), f"a name in {folder.name}"
            if not path.is_file():
                continue
            looked += 1
            texts = [path.read_bytes(), *(_texts_of(path) if path.suffix == ".pdf" else ())]
            assert [leak for text in texts for leak in leaks_in(text)] == [], path.name
    assert looked


def assert_empty(folder: Path) -> None:
    """Nothing temporary was left behind."""
    assert [path for path in folder.rglob("*") if path.is_file()] == []
