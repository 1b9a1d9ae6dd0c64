"""What is seen in pictures and on scanned pages, as texts: recognised by Tesseract where it is installed (`dsr-engine[ocr]`), else a gap.

A recognised text may be wrong, so what is found in it is *likely* at best, and what is found only after letters were corrected is *possible*. Nothing
can be cut out of a picture: such places are fixed. Recognition has a time of its own for each file, because it takes far longer than reading does.
"""

from collections.abc import Generator, Iterator
from math import ceil
from time import monotonic

from dsr_engine.content.apart import Bounds, Frame, spoken
from dsr_engine.content.containers.members import budget_of
from dsr_engine.content.format import Opener, Reading, Unreadable
from dsr_engine.content.pictures.confusions import readings
from dsr_engine.content.pictures.languages import is_installed
from dsr_engine.content.places import inside
from dsr_engine.domain.record import Doubt, Gap, Unit

_CHILD = "dsr_engine.content.pictures.recognition_child"
_PIXELS = "what is seen in a picture was not read: that takes dsr-engine[ocr]"
_REASONS = {
    "ocr.doubtful": "words in a picture could not be read with certainty",
    "ocr.page": "what a page of a PDF shows could not be drawn; pictures on it were not read",
    "ocr.too_large": "a picture has more dots than the limit; what is seen in it was not read",
    "ocr.too_long": "recognising words in the pictures of a file took too long; the rest of them was not read",
    "ocr.too_many": "a picture has more frames than the limit; the rest was not read",
    "ocr.unreadable": "a picture could not be decoded; what is seen in it was not read",
}
#: Seconds beyond its own bounds in which the child can still say that it had too few.
_GRACE = 40.0


def seen_in_picture(open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
    """The words of a picture (places `ocr:N`, by its frames). A gap where they were not read."""
    if reading.is_drawn:
        return
    if reading.gate is None or not is_installed():
        yield Gap(reading.collection, "image.pixels", _PIXELS)
        return
    yield from _recognised("picture", "ocr:{}", open_file, reading)


def seen_on_pages(open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
    """The words in pictures on a PDF's pages (places `page:N/ocr`), and on pages whose letters are shapes. To be asked where `sees_pages`."""
    yield from _recognised("pages", "page:{}/ocr", open_file, reading)


def sees_pages(reading: Reading) -> bool:
    """True if pages are looked at."""
    return reading.gate is not None and is_installed()


def _recognised(work: str, place: str, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
    told: set[str] = set()
    try:
        for frame in _timed(work, open_file, reading):
            if frame.head.get("is") == "gap":
                codes = [str(frame.head.get("code"))]
            else:
                codes = ["ocr.doubtful"] if frame.head.get("doubtful") else []
                yield from _units(frame, place, reading)
            for code in codes:
                if code not in told:
                    told.add(code)
                    yield _gap(code, reading)
    except Unreadable as unreadable:
        yield _gap(unreadable.code, reading) if unreadable.code in _REASONS else Gap(reading.collection, unreadable.code, unreadable.reason)


def _gap(code: str, reading: Reading) -> Gap:
    code = code if code in _REASONS else "ocr.unreadable"
    return Gap(reading.collection, code, _REASONS[code])


def _units(frame: Frame, place: str, reading: Reading) -> Iterator[Unit]:
    number = frame.head.get("number")
    if reading.gate is None or not isinstance(number, int) or not 0 < number < 10**6:
        return
    text = frame.body.decode("utf-8", "replace")
    where = reading.prefix + place.format(number)
    if reading.gate.passes_text(text):
        yield Unit(where, text, inside(reading), is_opaque=True, doubt=Doubt.RECOGNISED)
    guessed = readings(text)
    if guessed and reading.gate.passes_text(guessed):
        yield Unit(f"{where}/alike", guessed, inside(reading), is_opaque=True, doubt=Doubt.GUESSED)


def _timed(work: str, open_file: Opener, reading: Reading) -> Generator[Frame, None, None]:
    """What the child says. The time that it takes is counted apart from that of the file."""
    budget = budget_of(reading)
    left = budget.limits.recognising - budget.recognised
    if left <= 0:
        raise Unreadable("ocr.too_long", _REASONS["ocr.too_long"])
    bounds = Bounds(cpu=ceil(left + _GRACE), seconds=left + _GRACE)
    said = spoken(f"{_CHILD}:{work}", open_file, {"seconds": left}, reasons=_REASONS, bounds=bounds)
    while True:
        begun = monotonic()
        try:
            frame = next(said, None)
        finally:
            budget.recognised += monotonic() - begun
            budget.idle += monotonic() - begun
        if frame is None:
            return
        yield frame
