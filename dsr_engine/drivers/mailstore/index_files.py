"""Index files that lie among mails on a disk: what of them keeps words of mails that are gone, and whether it was written anew since.

Only headers of files and names are looked at, never a value. Dovecot counts in its cache which file it is (`file_seq`) and how many records of it
belong to expunged mails; a purge writes another file (dovecot 2.3, src/lib-index/mail-cache-private.h; measured on 2.3.19). A mail that was taken
out of a Maildir behind Dovecot's back stays in its cache until the folder was opened and the cache purged; `doveadm mailbox cache purge` does both.
So does `doveadm fts rescan` for the words of Xapian and Lucene (measured); what it does for other indexes is not known.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dsr_engine.domain.residue import ResidueState
from dsr_engine.drivers.mailstore.residuals import PURGE_CACHE, REBUILD_WORDS, Kept

_CACHE = "dovecot.index.cache"
#: Where Dovecot keeps the indexes of mbox files: `.imap/FOLDER/` beside the file.
_MBOX_INDEXES = ".imap"
#: major and minor version, indexid, file_seq, three numbers, deleted records.
_HEADER = struct.Struct("<BBBxIIIIII")
_MAJOR = 1
#: Full-text indexes by how they begin: Lucene and Xapian, of which it is known what empties them, then Squat and Flatcurve.
_SCANNED_ANEW = ("lucene-indexes", "xapian-indexes")
_WORDS = (*_SCANNED_ANEW, "dovecot.index.search", "fts-flatcurve")
_NONE = "none"


@dataclass(frozen=True, slots=True)
class Found:
    """What lies among the mails. `marks` are what the next look compares with; they name no folder."""

    kept: tuple[Kept, ...]
    marks: Mapping[str, str]


def look(root: Path, folders: Mapping[str, Path], marks: Mapping[str, str]) -> Found:
    """Looks around the touched folders (name → where its mails are: a folder, or an mbox file). Raises `OSError`."""
    caches = {name: _cache_of(path) for name, path in folders.items()}
    now = {_mark(name): _stamp(path) for name, path in caches.items()}
    # An old answer stays the mark: what was done since then shows in comparison with it.
    kept_marks = {key: marks.get(key, stamp) for key, stamp in now.items()}
    tops = (root, *folders.values(), *(path.parent for path in caches.values()))
    around = dict.fromkeys(path if path.is_dir() else path.parent for path in tops)
    return Found((_caches(caches, marks), _words(around), *_summaries(folders.values())), kept_marks)


def _cache_of(path: Path) -> Path:
    return path / _CACHE if path.is_dir() else path.parent / _MBOX_INDEXES / path.name / _CACHE


def _mark(name: str) -> str:
    return f"cache:{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"


def _header(path: Path) -> tuple[int, int, int] | None:
    """Version, number of the file and count of deleted records; None where there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(_HEADER.size)
    except FileNotFoundError:
        return None
    if len(data) < _HEADER.size:
        return (0, 0, 0)
    fields = _HEADER.unpack(data)
    return fields[0], fields[4], fields[8]


def _stamp(path: Path) -> str:
    header = _header(path)
    return _NONE if header is None else f"{header[1]:08x}"


def _caches(caches: Mapping[str, Path], marks: Mapping[str, str]) -> Kept:
    what = "index caches beside the mails (dovecot.index.cache)"
    headers = {name: _header(path) for name, path in caches.items()}
    there = {name: header for name, header in headers.items() if header is not None}
    if not there:
        return Kept("disk.index_cache", what, ResidueState.VERIFIED_ABSENT, "none lies beside the folders that were changed", is_seen=True)
    stale = [name for name, header in there.items() if not _is_clean(header, marks.get(_mark(name), f"{header[1]:08x}"))]
    if not stale:
        return Kept(
            "disk.index_cache", what, ResidueState.ERASED, "every one was written anew after the change, and has no deleted records", is_seen=True
        )
    detail = f"{len(stale)} of {len(there)} are as old as the change or have deleted records: they keep Subject, From and To of mails that are gone"
    return Kept("disk.index_cache", what, ResidueState.RETAINED, detail, commands=(PURGE_CACHE,), is_seen=True)


def _is_clean(header: tuple[int, int, int], before: str) -> bool:
    major, sequence, deleted = header
    return major == _MAJOR and deleted == 0 and before != f"{sequence:08x}"


def _words(places: Iterable[Path]) -> Kept:
    """Full-text indexes lie at the top of a store or in its folders, never among the mails of one."""
    found = [path.name for place in places if place.is_dir() for path in place.iterdir() if path.name.startswith(_WORDS)]
    if found:
        can_be_ended = all(name.startswith(_SCANNED_ANEW) for name in found)
        way = "`doveadm fts rescan` takes out what is gone" if can_be_ended else "which command takes out what is gone is not known here"
        detail = f"{len(found)} files or folders of full-text indexes lie among the mails and keep words; {way}"
        commands = REBUILD_WORDS if can_be_ended else ()
        return Kept("disk.full_text", "full-text indexes beside the mails", ResidueState.RETAINED, detail, commands=commands)
    return Kept("disk.full_text", "full-text indexes beside the mails", ResidueState.VERIFIED_ABSENT, "none lies among the mails")


def _summaries(paths: Iterable[Path]) -> Iterator[Kept]:
    """Thunderbird's summaries (`INBOX.msf`) lie beside mbox files."""
    files = [path for path in paths if path.is_file()]
    if files:
        count = sum(path.with_name(path.name + ".msf").exists() for path in files)
        what = "summaries of Thunderbird beside the mails (.msf)"
        if count:
            detail = (
                f"{count} lie beside files that were changed and keep Subject and sender; delete them while Thunderbird is closed, it makes them anew"
            )
            yield Kept("disk.summaries", what, ResidueState.RETAINED, detail)
        else:
            yield Kept("disk.summaries", what, ResidueState.VERIFIED_ABSENT, "none lies beside the files that were changed", is_seen=True)
