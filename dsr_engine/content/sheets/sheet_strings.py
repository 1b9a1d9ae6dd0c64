"""The shared strings of a workbook (ECMA-376-1 §18.4): cells name them by number, and many cells may name the same one.

They are kept in a file without a name while the sheets are read, since a workbook may have millions; only where each one lies stays in memory.
"""

import io
import re
import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from dsr_engine.content.documents.xml_elements import stretches
from dsr_engine.content.documents.xml_runs import XmlRun
from dsr_engine.content.documents.xml_stream import End, Start, Text, events_of
from dsr_engine.content.format import Opener, Unreadable

#: More strings than this are not kept.
_MOST = 32_000_000
_SEVERAL = 500
_IN_MEMORY = 32 * 1024 * 1024
_PLAIN = re.compile(rb"<si>\s*<t(?:\s[^<>]*)?>([^<>&\r_]*)</t>\s*</si>")
#: ST_Xstring (§22.9.2.19): a character that XML cannot hold, by its number.
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class Said:
    """The texts of one string: its runs joined, and how they are spoken (furigana), each run with its bytes."""

    runs: tuple[XmlRun, ...] = ()
    phonetic: tuple[XmlRun, ...] = ()

    @property
    def text(self) -> str:
        return plain("".join(run.text for run in self.runs))

    @property
    def spoken(self) -> str:
        return plain("".join(run.text for run in self.phonetic))


def plain(text: str) -> str:
    """The text with the escapes of ST_Xstring undone."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def escaped(text: str) -> str:
    """The text so that nothing in it reads as an escape."""
    return _ESCAPE.sub(lambda found: "_x005F" + found[0], text)


def said_in(element: bytes, base: int = 0) -> Said:
    """The texts in an element whose bytes begin at `base`: a shared string, or the inline string of a cell. Raises `Unreadable`."""
    runs: list[XmlRun] = []
    phonetic: list[XmlRun] = []
    names: list[str] = []
    for event in events_of(lambda: cast(BinaryIO, io.BytesIO(element)), len(element) + 1):
        if isinstance(event, Start):
            names.append(event.name.local)
        elif isinstance(event, End):
            names.pop()
        elif isinstance(event, Text) and event.run.kind in ("text", "cdata") and names and (names[-1] == "t" or event.run.text.strip()):
            run = event.run
            (phonetic if "rPh" in names else runs).append(XmlRun(run.start + base, run.raw, run.kind, run.how, run.text))
    return Said(tuple(runs), tuple(phonetic))


class SharedStrings:
    """All strings of a workbook by their number from 0. `used` notes which of them a cell names; to be closed."""

    def __init__(self) -> None:
        self._texts = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115  # closed in `close`
        self._ends = array("Q")
        self._size = 0
        self._spoken: dict[int, str] = {}
        self._last: tuple[int, str] = (-1, "")
        self.used = bytearray()

    def close(self) -> None:
        self._texts.close()

    def __len__(self) -> int:
        return len(self._ends)

    def take(self, open_file: Opener, limit: int) -> None:
        """Reads the part. Raises `Unreadable`."""
        for number, (_, element) in enumerate(strings_of(open_file, limit)):
            if number >= _MOST:
                raise Unreadable("xlsx.too_many_strings", "a workbook has more strings than the limit; the rest was not read")
            fast = _PLAIN.fullmatch(element)
            if fast is not None:
                self._add(fast[1])
            else:
                said = said_in(element)
                self._add(said.text.encode("utf-8", "surrogatepass"))
                if said.phonetic:
                    self._spoken[number] = said.spoken
        self.used = bytearray(len(self._ends))

    def _add(self, data: bytes) -> None:
        self._texts.write(data)
        self._size += len(data)
        self._ends.append(self._size)

    def text(self, number: int) -> str:
        """The string with this number; empty where there is none."""
        if not 0 <= number < len(self._ends):
            return ""
        start = self._ends[number - 1] if number else 0
        self._texts.seek(start)
        return self._texts.read(self._ends[number] - start).decode("utf-8", "replace")

    def spoken(self, number: int) -> str:
        """How the string is spoken, where that is said."""
        return self._spoken.get(number, "")

    def use(self, number: int) -> None:
        """Notes that a cell names the string."""
        if 0 <= number < len(self.used):
            self.used[number] = 1

    def unused(self) -> Iterator[list[int]]:
        """The strings that no cell names, some at a time."""
        several: list[int] = []
        at = self.used.find(0)
        while at >= 0:
            several.append(at)
            at = self.used.find(0, at + 1)
            if at < 0 or len(several) >= _SEVERAL:
                yield several
                several = []


def strings_of(open_file: Opener, limit: int) -> Iterator[tuple[int, bytes]]:
    """Each string as its offset in the part and its element."""
    return ((found.offset, found.data) for found in stretches(open_file, "si", limit) if found.is_element)
