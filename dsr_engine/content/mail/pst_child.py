"""The part of reading an Outlook data file that the confined child does: libpff finds its folders and items, and says every property of each.

It knows nothing of who is looked for. What it says comes in one row of frames, the depths of which the frames `message` and `end` mark.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from dsr_engine.content.format import Unreadable

#: libpff's binding, which has no types.
pypff: Any = importlib.import_module("pypff")

Said = tuple[dict[str, Any], bytes]

_PIECE = 1024 * 1024
#: Bytes of one property; longer ones are told to be cut.
_LONGEST = 64 * 1024 * 1024
_DEEPEST, _FOLDERS = 30, 100
#: What the binding raises where the library refuses: its own errors are `OSError`, those of items of an unknown kind `MemoryError`.
_ERRORS = (OSError, ValueError, TypeError, LookupError, MemoryError, OverflowError, RuntimeError)
#: The bits of a node's number that say what it is, and those of folders and search folders (MS-PST 2.2.2.1).
_TYPE, _FOLDER_TYPES = 0x1F, (0x02, 0x03)
#: The content of an attachment, which is given as a stream.
_DATA = 0x3701
#: How something is attached (PidTagAttachMethod), and that it is a message: the binding gives the node of its properties as bytes, and no item.
_METHOD, _AS_MESSAGE = 0x3705, b"\5\0\0\0"
#: How files are encrypted as a whole: not, or with the two fixed tables that need no key (MS-PST 2.2.2.6).
_OPEN_CIPHERS = (0, 1, 2)


@dataclass
class _Walk:
    """How many items could not be had, how many are messages attached to others, and which were given: search folders show items of others."""

    lost: int = 0
    attached: int = 0
    given: set[int] = field(default_factory=set)


def read(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Iterator[Said]:  # noqa: ARG001  # the protocol's arguments
    """Folders by name, items by property. Raises `Unreadable` where the file cannot be opened."""
    archive = pypff.file()
    try:
        archive.open_file_object(source)
        cipher = archive.encryption_type
    except _ERRORS:
        raise Unreadable("pst.damaged", "") from None
    if cipher not in _OPEN_CIPHERS:
        raise Unreadable("pst.encrypted", "")
    walk = _Walk()
    root = _tried(walk, getattr, archive, "root_folder")
    if root is not None:
        yield from _folder(root, walk, 0)
    for item in _each(archive, "number_of_orphan_items", "get_orphan_item", walk):
        yield from _item(item, walk, 0)
    if walk.lost:
        yield {"kind": "lost"}, b""
    if walk.attached:
        yield {"kind": "attached"}, b""


def _folder(folder: Any, walk: _Walk, depth: int) -> Iterator[Said]:
    name = _tried(walk, getattr, folder, "name")
    if name:
        yield {"kind": "folder"}, name.encode("utf-8", "replace")
    for item in _each(folder, "number_of_sub_items", "get_sub_item", walk):
        if not _is_folder(item, walk):
            yield from _item(item, walk, 0)
        elif depth < _FOLDERS:
            yield from _folder(item, walk, depth + 1)
        else:
            walk.lost += 1


def _is_folder(item: Any, walk: _Walk) -> bool:
    """By its number, since the library takes messages without a class for folders, too."""
    identifier = _tried(walk, getattr, item, "identifier")
    return isinstance(item, pypff.folder) and identifier is not None and identifier & _TYPE in _FOLDER_TYPES


def _item(item: Any, walk: _Walk, depth: int) -> Iterator[Said]:
    """One message, contact, appointment or task with all that hangs on it."""
    if depth == 0:
        identifier = _tried(walk, getattr, item, "identifier")
        if identifier in walk.given:
            return
        walk.given.add(identifier)
    yield {"kind": "message"}, b""
    yield from _properties(item, walk)
    if isinstance(item, pypff.message):
        yield from _people_and_files(item, walk, depth)
    else:
        walk.lost += 1  # of a class that the library does not know: its recipients and attachments cannot be had
    yield {"kind": "end"}, b""


def _people_and_files(message: Any, walk: _Walk, depth: int) -> Iterator[Said]:
    recipients = _tried(walk, getattr, message, "recipients")
    if recipients is not None:
        for entries in _each(recipients, "number_of_record_sets", "get_record_set", walk):
            yield {"kind": "recipient"}, b""
            yield from _entries(entries, walk)
    for attachment in _each(message, "number_of_attachments", "get_attachment", walk):
        yield {"kind": "attachment"}, b""
        yield from _properties(attachment, walk)
        yield from _content(attachment, walk, depth)


def _content(attachment: Any, walk: _Walk, depth: int) -> Iterator[Said]:
    inner = list(_each(attachment, "number_of_sub_items", "get_sub_item", walk))
    for item in inner:
        if depth < _DEEPEST:
            yield from _item(item, walk, depth + 1)
        else:
            walk.lost += 1
    size = 0 if inner else _tried(walk, getattr, attachment, "size") or 0
    while size > 0:
        piece = _tried(walk, attachment.read_buffer, min(size, _PIECE))
        if not piece:
            walk.lost += 1
            return
        size -= len(piece)
        yield {"kind": "data"}, piece


def _properties(item: Any, walk: _Walk) -> Iterator[Said]:
    for entries in _each(item, "number_of_record_sets", "get_record_set", walk):
        yield from _entries(entries, walk)


def _entries(entries: Any, walk: _Walk) -> Iterator[Said]:
    for entry in _each(entries, "number_of_entries", "get_entry", walk):
        number, kind = _tried(walk, getattr, entry, "entry_type"), _tried(walk, getattr, entry, "value_type")
        if number is None or kind is None or number == _DATA:
            continue
        data = _tried(walk, getattr, entry, "data") or b""
        walk.attached += number == _METHOD and data[:4] == _AS_MESSAGE
        walk.lost += len(data) > _LONGEST
        yield {"kind": "property", "number": number, "type": kind}, data[:_LONGEST]


def _each(owner: Any, count: str, get: str, walk: _Walk) -> Iterator[Any]:
    """The things of one list, each by its number: one that cannot be had does not hide those behind it."""
    for index in range(_tried(walk, getattr, owner, count) or 0):
        found = _tried(walk, getattr(owner, get), index)
        if found is not None:
            yield found


def _tried(walk: _Walk, call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except _ERRORS:
        walk.lost += 1
        return None
