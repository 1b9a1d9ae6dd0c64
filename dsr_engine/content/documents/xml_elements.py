"""Long lists of elements in XML, one at a time: the rows of a sheet, the strings of a workbook. Millions of them are cut out of the bytes in C.

What lies around them is given as well, so that nothing is passed over. An element is whole; what is in it is for its reader to judge, and what is
around all of them together is a document that a parser can judge.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from dsr_engine.content.format import Opener, Unreadable
from dsr_engine.content.stream import BLOCK, opened


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes of the document from `offset` on: one whole element, or what lies between two of them."""

    offset: int
    data: bytes
    is_element: bool

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


def stretches(open_file: Opener, local: str, limit: int) -> Iterator[Stretch]:
    """The document as elements with this local name, and what is around them; concatenated they are the document.

    Elements inside of such an element belong to it. Raises `Unreadable` (`xml.token_too_long`) where one is longer than the limit.
    """
    begin = re.compile(rb"<((?:[A-Za-z_][\w.\-]*:)?)" + local.encode() + rb"(?=[\s/>])")
    with closing(opened(open_file)) as source:
        data, offset, is_last = b"", 0, False
        while not is_last:
            piece = source.read(BLOCK)
            is_last = not piece
            data += piece
            at = 0
            for start, end in _elements(data, begin, local.encode()):
                if start > at:
                    yield Stretch(offset + at, data[at:start], is_element=False)
                yield Stretch(offset + start, data[start:end], is_element=True)
                at = end
            # What may be the beginning of an element waits for more bytes.
            rest = begin.search(data, at)
            sure = len(data) if is_last else rest.start() if rest else max(at, len(data) - 256)
            if sure > at:
                yield Stretch(offset + at, data[at:sure], is_element=False)
            data, offset = data[sure:], offset + sure
            if len(data) > limit:
                raise Unreadable("xml.token_too_long", "an element in XML is longer than the limit; the rest was not read")


def _elements(data: bytes, begin: re.Pattern[bytes], local: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while found := begin.search(data, at):
        closed = data.find(b">", found.end())
        if closed < 0:
            return
        if data[closed - 1 : closed] == b"/":
            at = closed + 1
        else:
            closing_tag = b"</" + found[1] + local
            last = data.find(closing_tag, closed)
            stop = data.find(b">", last) if last >= 0 else -1
            if stop < 0:
                return
            at = stop + 1
        yield found.start(), at
