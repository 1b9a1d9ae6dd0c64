"""Puts together what the child says of one item of an Outlook data file, until it is a message as `content.mail.mapi` reads them."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from dsr_engine.content.apart import Frame
from dsr_engine.content.containers.held import view_of
from dsr_engine.content.format import Opener, Unreadable
from dsr_engine.content.mail.mapi import Attachment, Message, Property

#: Bytes of properties of one message that are held; and of one attachment, which lies in a file without a name from then on.
_LARGEST = 256 * 1024 * 1024
_IN_MEMORY = 4 * 1024 * 1024
_SUBJECTS = (0x0037, 0x0E1D)


@dataclass
class _Part:
    """A message, or an attachment, while it is put together."""

    properties: list[Property] = field(default_factory=list)
    recipients: list[list[Property]] = field(default_factory=list)
    attachments: "list[_Part]" = field(default_factory=list)
    content: BinaryIO | None = None
    message: Message | None = None

    def finished(self) -> Message:
        attachments = tuple(Attachment(tuple(one.properties), one.opener, one.message) for one in self.attachments)
        return Message(tuple(self.properties), tuple(map(tuple, self.recipients)), attachments)

    @property
    def opener(self) -> Opener | None:
        content = self.content
        return None if content is None else lambda: view_of(content)

    @property
    def last(self) -> list[Property]:
        """What a property that comes now belongs to."""
        if self.attachments:
            return self.attachments[-1].properties
        return self.recipients[-1] if self.recipients else self.properties

    def write(self, data: bytes) -> None:
        if self.content is None:
            self.content = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115  # closed with the message
        self.content.write(data)

    def close(self) -> None:
        for one in self.attachments:
            if one.content is not None:
                one.content.close()


class Assembly:
    """Takes frames until the message that they began has ended. `close` gives back the files of its attachments."""

    def __init__(self) -> None:
        self._open: list[_Part] = [_Part()]
        self._all = list(self._open)
        self._held = 0

    def taken(self, frames: Iterable[Frame]) -> Message:
        """The message. Raises `Unreadable` where the frames end before it, or hold more than a message may."""
        for frame in frames:
            kind = frame.head.get("kind")
            part = self._open[-1]
            if kind == "end":
                self._open.pop()
                if not self._open:
                    return part.finished()
                if self._open[-1].attachments:
                    self._open[-1].attachments[-1].message = part.finished()
            elif kind == "message":
                self._open.append(_Part())
                self._all.append(self._open[-1])
            else:
                self._take(part, str(kind), frame)
        raise Unreadable("pst.damaged", "an Outlook data file is damaged; it was not read to its end")

    def close(self) -> None:
        for part in self._all:
            part.close()

    def _take(self, part: _Part, kind: str, frame: Frame) -> None:
        if kind == "recipient":
            part.recipients.append([])
        elif kind == "attachment":
            part.attachments.append(_Part())
        elif kind == "data" and part.attachments:
            part.attachments[-1].write(frame.body)
        elif kind == "property":
            self._held += len(frame.body)
            if self._held > _LARGEST:
                raise Unreadable("pst.too_large", "a message of an Outlook data file is larger than the limit; the rest of the file was not read")
            part.last.append(_property(frame))


def _property(frame: Frame) -> Property:
    """The property of a frame. A subject may begin with two characters that say how long its `RE:` is (MS-PST 2.5.3.1.1.1)."""
    number, kind, data = int(frame.head.get("number", 0)), int(frame.head.get("type", 0)), frame.body
    if number in _SUBJECTS:
        for width, start in ((2, b"\x01\0"), (1, b"\x01")):
            if kind & 0xFFF == (0x1F if width == 2 else 0x1E) and data.startswith(start):
                data = data[2 * width :]
    return Property(number, kind, data)
