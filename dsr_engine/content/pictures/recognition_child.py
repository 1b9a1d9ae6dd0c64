"""The child's side of reading pictures: Pillow and PDFium decode what a stranger drew, Tesseract reads it, in a process that can do nothing else.

Tesseract and its languages are loaded when the process that forks the children imports this module, so a child finds them in its memory and needs no
file. It never learns whom the words are searched for. What each frame is stands in its head under `is`:

- `text`: what stands on page or frame `number` (UTF-8); `doubtful` where words could not be read with certainty
- `gap`: a page was not read (`code`)
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, BinaryIO

import pypdfium2
from PIL import Image, ImageOps
from pypdfium2 import raw
from tesserocr import PSM, PyTessBaseAPI  # type: ignore[import-not-found,import-untyped,unused-ignore]  # an extra

from dsr_engine.content.format import Unreadable
from dsr_engine.content.pictures.languages import data_folder, wanted

Frames = Iterator[tuple[dict[str, Any], bytes]]
#: What is decoded. Every other decoder of Pillow stays out of reach.
_FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP")
#: Pixels that are decoded at all, and that are looked at.
_DECODED, _SEEN = 120_000_000, 16_000_000
#: Frames of one picture.
_FRAMES = 2_000
#: Pictures whose longer side is shorter are made larger: letters of ten pixels are read badly.
_SMALL = 1_700
#: Pixels of the sides of what can hold a word.
_WIDTH, _HEIGHT = 20, 8
#: A word of so many letters counts; below so many per cent it is not sure, and from so many on it shows that this way up is right.
_LETTERS, _UNSURE, _SURE = 3, 60, 80
#: So many words that are sure or nearly so are writing; as many unsure ones as this may be, more are noise.
_SOME, _FEW = 3, 40
#: Dots per inch of a page that is drawn, and points of an inch.
_DENSITY, _POINT = 300, 72
#: How a picture is looked at: degrees that it is turned by, and what is expected. The first ones do not turn it.
_WAYS = (
    (0, PSM.AUTO), (0, PSM.SPARSE_TEXT),
    (90, PSM.AUTO), (270, PSM.AUTO), (180, PSM.SPARSE_TEXT), (10, PSM.AUTO), (-10, PSM.AUTO), (20, PSM.AUTO), (-20, PSM.AUTO),
)  # fmt: skip
_UPRIGHT = 2
#: Milliseconds that one look at one picture may take.
_LOOK = 30_000

Image.MAX_IMAGE_PIXELS = None  # `_DECODED` is held against the size that the file says, before anything is decoded
Image.preinit()
Image.init()


def _loaded() -> PyTessBaseAPI:
    """Tesseract with its languages. What it has to say about pictures goes to where this process's errors go, and into no file."""
    api = PyTessBaseAPI(path=f"{data_folder()}{os.sep}", lang="+".join(wanted()), psm=PSM.AUTO)
    api.SetVariable("debug_file", "")
    return api


_API = _loaded()


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at a picture saw. `sure` and `unsure` are numbers of words."""

    text: str
    sure: int
    unsure: int
    faint: int

    @property
    def is_clear(self) -> bool:
        return self.sure > 0 and not self.unsure

    @property
    def is_promising(self) -> bool:
        """True if there may be words that another way up shows better: most are unsure, and not so many as only noise has."""
        return self.sure <= self.unsure + self.faint and (self.sure + self.faint >= _SOME or 0 < self.unsure <= _FEW)


def picture(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Frames:  # noqa: ARG001  # the child's protocol
    """The words of each frame. Raises `Unreadable` where the file cannot be decoded."""
    until = monotonic() + float(request["seconds"])
    try:
        with Image.open(source, formats=_FORMATS) as found:
            count = getattr(found, "n_frames", 1)
            if count > _FRAMES:
                yield _gap("ocr.too_many")
            for number in range(1, min(count, _FRAMES) + 1):
                found.seek(number - 1)
                if found.width * found.height > _DECODED:
                    yield _gap("ocr.too_large")
                    continue
                yield from _said(number, _plain(found), until)
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError):
        raise Unreadable("ocr.unreadable", "") from None


def pages(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Frames:  # noqa: ARG001  # the child's protocol
    """The words in what a PDF's pages show beside their text."""
    until = monotonic() + float(request["seconds"])
    try:
        document = pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError:
        raise Unreadable("ocr.unreadable", "") from None
    for number in range(1, len(document) + 1):
        try:
            page = document[number - 1]
            drawn = _drawn(page)
        except (pypdfium2.PdfiumError, ValueError):
            yield _gap("ocr.page")
            continue
        if drawn is not None:
            yield from _said(number, drawn, until)
        page.close()


def _gap(code: str) -> tuple[dict[str, Any], bytes]:
    return {"is": "gap", "code": code}, b""


def _said(number: int, shown: Image.Image, until: float) -> Frames:
    """What stands in the picture. Raises `Unreadable` where no time is left."""
    if monotonic() > until:
        raise Unreadable("ocr.too_long", "")
    looks = _looks(shown)
    if looks is None:
        yield _gap("ocr.too_long")
        return
    text = "\n".join(dict.fromkeys(look.text for look in looks if look.text.strip()))
    best = max(looks, key=lambda look: (look.sure, -look.unsure), default=_Look("", 0, 0, 0))
    is_doubtful = best.unsure > 0 or (not best.sure and any(look.unsure + look.faint for look in looks))
    yield {"is": "text", "number": number, "doubtful": is_doubtful}, text.encode("utf-8", "replace")


def _looks(shown: Image.Image) -> list[_Look] | None:
    """The picture read upright; where that is not clear, in every other way. None where it took too long.

    A page finds no words in a photograph, and single words find only noise there: then it is not turned, which would take ten times as long.
    """
    if shown.width < _WIDTH or shown.height < _HEIGHT:
        return []
    looks: list[_Look] = []
    for turned, mode in _WAYS:
        look = _look(shown.rotate(turned, expand=True, fillcolor=255) if turned else shown, mode)
        if look is None:
            return None
        looks.append(look)
        if look.is_clear or (len(looks) == _UPRIGHT and not any(each.is_promising for each in looks)):
            break
    return looks


def _look(shown: Image.Image, mode: int) -> _Look | None:
    _API.SetPageSegMode(mode)
    _API.SetImageBytes(shown.tobytes(), shown.width, shown.height, 1, shown.width)
    _API.SetSourceResolution(_DENSITY)
    if not _API.Recognize(_LOOK):
        return None
    text = _API.GetUTF8Text()
    words: list[tuple[str, int]] = []
    if text.strip():
        with contextlib.suppress(RuntimeError):  # raised where the text is nothing but spaces
            words = _API.MapWordConfidences()
    counted = [sure for word, sure in words if sum(sign.isalnum() for sign in word) >= _LETTERS]
    return _Look(
        text,
        sum(sure >= _SURE for sure in counted),
        sum(sure < _UNSURE for sure in counted),
        sum(_UNSURE <= sure < _SURE for sure in counted),
    )


def _plain(found: Image.Image) -> Image.Image:
    """The picture upright, in grey on white, in a size in which letters are read well."""
    shown = ImageOps.exif_transpose(found)
    if shown.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in shown.info:
        clear = shown.convert("RGBA")
        shown = Image.new("RGB", clear.size, "white")
        shown.paste(clear, mask=clear.getchannel("A"))
    if shown.mode.startswith("I") or shown.mode == "F":
        shown = _stretched(shown)
    return _sized(shown.convert("L"))


def _stretched(shown: Image.Image) -> Image.Image:
    """More than eight bits for each dot, brought to eight."""
    plain = shown.convert("F")
    low, high = plain.getextrema()
    assert isinstance(low, float)
    assert isinstance(high, float)
    return plain.point(lambda dot: dot * (255.0 / max(high - low, 1e-9)) - low * 255.0 / max(high - low, 1e-9)).convert("L")


def _sized(shown: Image.Image) -> Image.Image:
    dots, side = shown.width * shown.height, max(shown.size)
    factor = (_SEEN / dots) ** 0.5 if dots > _SEEN else 2 if side < _SMALL else 1
    if factor == 1 or not dots:
        return shown
    return shown.resize((max(1, int(shown.width * factor)), max(1, int(shown.height * factor))), Image.Resampling.LANCZOS)


# ---- PDF


def _drawn(page: pypdfium2.PdfPage) -> Image.Image | None:
    """What the page shows without its text. None where there is nothing else on it that could be words."""
    objects = list(page.get_objects())
    texts = [found for found in objects if found.type == raw.FPDF_PAGEOBJ_TEXT]
    if not any(found.type == raw.FPDF_PAGEOBJ_IMAGE for found in objects) and (texts or not objects):
        return None
    for found in reversed(texts):
        page.remove_obj(found)
    width, height = page.get_size()
    scale = min(_DENSITY / _POINT, (_SEEN / max(1.0, width * height)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True, may_draw_forms=False)
    shown: Image.Image = bitmap.to_pil()
    return shown.convert("L")
