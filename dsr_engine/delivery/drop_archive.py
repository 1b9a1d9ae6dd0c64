"""Reads the archive that the Delete Request and Opt-out Platform hands out, as if it came from a stranger.

Hashes in it are unsalted and so personal data: the archive is read in memory and never written to a disk.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, NoReturn

from dsr_engine.domain.drop import DropList, Listed
from dsr_engine.domain.errors import InputWrong

#: Bytes of the largest archive that is read, and of all that may come out of it. A row is 58 bytes.
MOST_ARCHIVE = 1024**3
_MOST_UNPACKED = 4 * 1024**3
#: Bytes out of one byte in, above which an archive is a bomb: hashes hardly shrink at all.
_MOST_RATIO = 50
_MOST_FILES = 16
_LONGEST_LINE = 256

_NAME = re.compile(r"(?P<date>[0-9]{8})_(?P<broker>[A-Za-z0-9]{1,16})_(?P<list>[A-Za-z]{3,8})\.csv")
_ID = re.compile(r"[A-Za-z0-9]{12}")
_HASH = re.compile(r"[A-Za-z0-9+/]{43}=")
_REMOVED = "Removed"
_LISTS = {entry.value: entry for entry in DropList}
_HEADER, _REMOVED_HEADER = ["ID", "Hash"], ["ID", "Hash", "ListType"]


@dataclass(frozen=True, slots=True)
class DropFile:
    """One file of the archive. `list` None: the identifiers that consumers took back, of all lists."""

    name: str
    list: DropList | None


class DropArchive:
    """One archive. Everything in it is looked through once before anything of it is believed; the second reading gives the rows.

    Raises `InputWrong` (`drop.archive`) for whatever is not as the platform describes it, with the file and line and never a value.
    """

    def __init__(self, data: bytes, broker: str = "") -> None:
        if len(data) > MOST_ARCHIVE:
            _refuse(f"it is larger than {MOST_ARCHIVE // 1024**2} MiB")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            _refuse("it is no ZIP archive")
        self.files = self._files(broker)
        self.items = sum(self._counted(file) for file in self.files if file.list is not None)
        self.name = "_".join((*self.files[0].name.split("_")[:2], "DROP.zip"))
        self.removed = sum(1 for _ in self.removals())

    def listed(self) -> Iterator[Listed]:
        """Every row of every list."""
        for file in self.files:
            if file.list is not None:
                yield from self._rows(file)

    def removals(self) -> Iterator[Listed]:
        """The rows that consumers took back."""
        for file in self.files:
            if file.list is None:
                yield from self._rows(file)

    def _files(self, broker: str) -> tuple[DropFile, ...]:
        members = self._zip.infolist()
        if not 0 < len(members) <= _MOST_FILES:
            _refuse(f"it holds {len(members)} files")
        size, packed = sum(member.file_size for member in members), sum(member.compress_size for member in members)
        if size > _MOST_UNPACKED or size > max(packed, 1024) * _MOST_RATIO:
            _refuse("it would unpack to far more than lists of hashes can be")
        found = [self._file(member, broker) for member in members]
        lists = [file.list for file in found]
        if len(set(lists)) != len(lists):
            _refuse("it holds one list twice")
        return tuple(found)

    def _file(self, member: zipfile.ZipInfo, broker: str) -> DropFile:
        name = _NAME.fullmatch(member.filename)
        if name is None or member.flag_bits & 1:
            _refuse("a file in it is encrypted, or is not called like <YYYYMMDD>_<broker>_<list>.csv")
        if broker and name["broker"] != broker:
            _refuse(f"it was made for broker {name['broker']}, and [drop] in dsr.toml says {broker}")
        if name["list"] == _REMOVED:
            return DropFile(member.filename, None)
        if name["list"] not in _LISTS:
            _refuse(f"it holds a list that this version does not know ({name['list']})")
        return DropFile(member.filename, _LISTS[name["list"]])

    def _rows(self, file: DropFile) -> Iterator[Listed]:
        header = _REMOVED_HEADER if file.list is None else _HEADER
        number = 1
        try:
            with self._zip.open(file.name) as raw:
                rows = csv.reader(_lines(raw, file.name), strict=True)
                if next(rows, None) != header:
                    _refuse(f"{file.name} does not begin with the line {','.join(header)}")
                for number, row in enumerate(rows, start=2):
                    if row:
                        yield _listed(row, file, number)
        except (zipfile.BadZipFile, zlib.error, EOFError, csv.Error, UnicodeDecodeError, NotImplementedError, RuntimeError):
            _refuse(f"{file.name} cannot be read from line {number} on")

    def _counted(self, file: DropFile) -> int:
        ids = [row.id for row in self._rows(file)]
        if len(set(ids)) != len(ids):
            _refuse(f"{file.name} names a work item twice")
        return len(ids)


def _lines(raw: IO[bytes], name: str) -> Iterator[str]:
    """Lines of bounded length; a mark of byte order is passed over."""
    is_first = True
    while line := raw.readline(_LONGEST_LINE + 1):
        if len(line) > _LONGEST_LINE:
            _refuse(f"{name} has a line that is longer than any row can be")
        yield line.decode("utf-8-sig" if is_first else "utf-8")
        is_first = False


def _listed(row: Sequence[str], file: DropFile, number: int) -> Listed:
    wanted = 3 if file.list is None else 2
    if len(row) != wanted or not _ID.fullmatch(row[0]) or not _HASH.fullmatch(row[1]) or (wanted == 3 and row[2] not in _LISTS):
        _refuse(f"{file.name}: line {number} is not a work item and a hash")
    return Listed(row[0], file.list or _LISTS[row[2]], row[1])


def _refuse(why: str) -> NoReturn:
    raise InputWrong(
        f"the archive is not taken: {why}",
        code="drop.archive",
        hint="nothing was changed; download it again from the platform, and if it stays like this ask the agency's support",
    ) from None
