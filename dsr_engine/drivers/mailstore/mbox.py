"""mbox: many mails in one file, which is rewritten as a whole and put in place at once.

A mail is named by its content's digest, a count among equal ones, and what ties it to a rewritten successor: its place in the file says
nothing, since every removal shifts it. Killed before the new file is put in place: the old one stands, and a draft beside it is replaced by
the next try (and is searched like any other file). Killed after it: the new one stands.
"""

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from dsr_engine.domain.errors import ManifestWrong, NotSupported, Unreachable
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Drifted, Failed, Outcome, Problem, Traits
from dsr_engine.drivers.mailstore.disk import disk_errors, dress, identity, open_plain, sync_folder
from dsr_engine.drivers.mailstore.mbox_file import Envelope, Span, StateSink, begins_like_mbox, spans, window
from dsr_engine.drivers.mailstore.mbox_lock import locked
from dsr_engine.drivers.mailstore.store import BLOCK, Folder, Key, Mail, Order, Rewriting, Sighting, short

#: What a draft of a new file is called, beside the old one.
_DRAFT = ".dsr-draft"

#: The one part of any file.
_WHOLE = ("whole",)

#: Folders of Dovecot's indexes; they are no mail, and the connector lists them as a residual.
_INDEXES = ".imap"


@dataclass(frozen=True, slots=True, repr=False)
class _Seen:
    """One mail of a file that was read: where it is, its key and its state."""

    span: Span
    key: Key
    state: bytes


class Mbox:
    """The store behind `mbox:PATH`: one file, or all files under a folder."""

    traits = Traits()

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._open_file: BinaryIO | None = None
        self._held: dict[Key, _Seen] = {}

    def server(self) -> str:
        with disk_errors():
            return identity("mbox", self._root, self._root if self._root.is_dir() else self._root.parent)

    def check(self) -> Iterator[Problem]:
        for folder in self.folders():
            path = self._path(folder.name)
            if folder.reason:
                yield Problem("mail.folder_unreadable", f"Folder {folder.name}: {folder.reason}", "give access to it or move it away", is_fatal=False)
            elif not (os.access(path, os.R_OK | os.W_OK, effective_ids=True) and os.access(path.parent, os.W_OK, effective_ids=True)):
                yield Problem("mail.read_only", f"Folder {folder.name} or the folder around it may not be written", "run as the owner of the mail")
            elif path.stat().st_nlink > 1:
                yield Problem(
                    "mail.hard_link", f"Folder {folder.name} has a second name on disk, which would keep the old mail", "remove the other link"
                )

    def folders(self) -> Sequence[Folder]:
        if not self._root.exists():
            raise ManifestWrong("There is no mbox at the given path", code="mail.no_store", hint="see that the path is right and mounted")
        if self._root.is_file():
            draft = self._root.with_name(self._root.name + _DRAFT)
            paths = [self._root, *([draft] if draft.exists() else [])]
        else:
            with disk_errors():
                paths = sorted(self._walk(self._root))
        if not paths:
            raise ManifestWrong("There is no mbox under the given folder", code="mail.no_store", hint="see that the path is right and mounted")
        return tuple(Folder(self._name(path), None, _fault(path)) for path in paths)

    def parts(self, folder: str) -> Sequence[tuple[str, ...]]:  # noqa: ARG002 -- the same for every folder
        """One part: equal mails are told apart by their count in the whole file."""
        return (_WHOLE,)

    def mails(self, folder: str, part: tuple[str, ...]) -> Iterator[Mail | Gap]:  # noqa: ARG002 -- there is one part
        with disk_errors(), self._opened(folder) as file:
            before = os.fstat(file.fileno())
            mark, at = b"", 0
            for seen in _seen(file, before.st_size):
                at = seen.span.start
                mark = os.pread(file.fileno(), seen.span.content - at, at)
                yield _sighting(file, seen).mail
            now = self._path(folder).stat()
            if now.st_ino != before.st_ino or now.st_size < before.st_size or os.pread(file.fileno(), len(mark), at) != mark:
                raise Unreachable("An mbox was rewritten while it was read", code="mail.busy", hint="it is searched again")

    def locate(self, folder: str, keys: Sequence[Key]) -> Sequence[Sighting | None]:
        file = self._hold(folder)
        with disk_errors():
            there = list(_seen(file, os.fstat(file.fileno()).st_size))
        self._held = by_key = {seen.key: seen for seen in there}
        successors = {seen.key[2]: seen for seen in there if seen.key[2] and seen.key not in keys}
        return tuple(_found(file, key, by_key, successors) for key in keys)

    def becomes(self, sighting: Sighting, rewriting: Rewriting) -> bytes:
        return _state_written(sighting.mail, self._held[sighting.key].span.envelope, rewriting)

    def change(self, folder: str, orders: Sequence[Order]) -> Sequence[Outcome]:
        self.close()
        path = self._sound(folder)
        with disk_errors(), locked(path) as file:
            facts = os.fstat(file.fileno())
            there = list(_seen(file, facts.st_size))
            outcomes, chosen = _judge(file, there, orders)
            if facts.st_nlink > 1:
                return tuple(Failed("mail.hard_link", "the file has a second name, which would keep the old mail") for _ in orders)
            if chosen and not self._replace(path, file, facts, there, chosen):
                return tuple(Drifted("changed") if isinstance(outcome, Done) else outcome for outcome in outcomes)
            return outcomes

    def close(self) -> None:
        if self._open_file is not None:
            self._open_file.close()
            self._open_file, self._held = None, {}

    # --- files -------------------------------------------------------------------------------------------------------

    def _walk(self, folder: Path) -> Iterator[Path]:
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                if entry.name != _INDEXES:
                    yield from self._walk(Path(entry.path))
            elif not entry.name.endswith(".lock"):
                yield Path(entry.path)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix() if self._root.is_dir() else path.name

    def _path(self, folder: str) -> Path:
        path = self._root / folder if self._root.is_dir() else self._root.with_name(folder)
        if ".." in path.parts or not path.exists() or not path.resolve().is_relative_to(self._root if self._root.is_dir() else self._root.parent):
            raise ManifestWrong("A mail folder of this name is not there", code="mail.no_folder", hint="search again: it was removed or renamed")
        return path

    @contextlib.contextmanager
    def _opened(self, folder: str) -> Iterator[BinaryIO]:
        with open_plain(self._sound(folder)) as file:
            yield file

    def _sound(self, folder: str) -> Path:
        """The path of a folder that is an mbox; anything else must not look like an empty one."""
        path = self._path(folder)
        fault = _fault(path)
        if fault:
            raise NotSupported(f"A mail folder cannot be read: {fault}", code="mail.folder_unreadable")
        return path

    def _hold(self, folder: str) -> BinaryIO:
        """The folder's file, kept open for the mails that are handed out until the next call."""
        self.close()
        with disk_errors():
            self._open_file = open_plain(self._sound(folder))
        return self._open_file

    def _replace(self, path: Path, file: BinaryIO, facts: os.stat_result, there: list[_Seen], chosen: dict[int, Rewriting | None]) -> bool:
        """Puts a new file in place; False where somebody changed the old one in spite of the locks."""
        draft = path.with_name(path.name + _DRAFT)
        draft.unlink(missing_ok=True)
        with draft.open("x+b") as new:
            _write_new(file, new, there, chosen)
            new.flush()
            left = len(there) - sum(rewriting is None for rewriting in chosen.values())
            is_whole = sum(1 for _ in spans(new.fileno(), new.tell())) == left
            dress(new.fileno(), facts)
            os.fsync(new.fileno())
        now = path.stat()
        if not is_whole or (now.st_ino, now.st_size, now.st_mtime_ns) != (facts.st_ino, facts.st_size, facts.st_mtime_ns):
            draft.unlink()
            return False
        draft.replace(path)
        sync_folder(path.parent)
        return True


def _fault(path: Path) -> str:
    """Why a file cannot be searched as an mbox; empty: it can."""
    try:
        with open_plain(path) as file:
            is_mbox = os.fstat(file.fileno()).st_size == 0 or begins_like_mbox(file.fileno())
    except NotSupported:
        return "it is a symbolic link or no file, which is not followed"
    except OSError:
        return "it may not be read"
    return "" if is_mbox else "it is no mbox file"


def _seen(file: BinaryIO, size: int) -> Iterator[_Seen]:
    counts: Counter[bytes] = Counter()
    for span in spans(file.fileno(), size):
        sink = StateSink(span.envelope)
        with window(file.fileno(), span.content, span.stop) as content:
            shutil.copyfileobj(content, sink, BLOCK)
        state = sink.state()
        counts[state] += 1
        yield _Seen(span, (short(state), str(counts[state]), sink.link()), state)


def _sighting(file: BinaryIO, seen: _Seen, is_same: bool = True) -> Sighting:
    span = seen.span
    mail = Mail(
        span.envelope.created,
        lambda: window(file.fileno(), span.content, span.stop),
        lambda: Sighting(mail, seen.key, seen.state, is_same),
        span.envelope.sender.decode("utf-8", "surrogateescape"),
    )
    return Sighting(mail, seen.key, seen.state, is_same)


def _found(file: BinaryIO, key: Key, by_key: dict[Key, _Seen], successors: dict[str, _Seen]) -> Sighting | None:
    if key in by_key:
        return _sighting(file, by_key[key])
    if key[2] in successors and successors[key[2]].key[0] != key[0]:  # an equal mail is a copy, never what a rewrite made
        return _sighting(file, successors[key[2]], is_same=False)
    return None


def _judge(file: BinaryIO, there: list[_Seen], orders: Sequence[Order]) -> tuple[tuple[Outcome, ...], dict[int, Rewriting | None]]:
    """What becomes of each order, and the mails to touch by their position."""
    positions = {seen.key: index for index, seen in enumerate(there)}
    links = {seen.key[2] for seen in there if seen.key[2]}
    outcomes: list[Outcome] = []
    chosen: dict[int, Rewriting | None] = {}
    for order in orders:
        index = positions.get(order.key)
        if index is None:
            outcomes.append(Drifted("changed" if order.key[2] in links else "absent"))
        elif there[index].state != order.expect:
            outcomes.append(Drifted("changed"))
        else:
            outcome = _foretold(file, there[index], order.rewriting)
            outcomes.append(outcome)
            if isinstance(outcome, Done) and outcome.state != order.expect:
                chosen[index] = order.rewriting
    return tuple(outcomes), chosen


def _foretold(file: BinaryIO, seen: _Seen, rewriting: Rewriting | None) -> Outcome:
    if rewriting is None:
        return Done(None)
    try:
        return Done(_state_written(_sighting(file, seen).mail, seen.span.envelope, rewriting))
    except NotSupported as error:
        return Failed(error.code, error.message)


def _state_written(mail: Mail, envelope: Envelope, rewriting: Rewriting) -> bytes:
    sink = StateSink(_rewritten(envelope, mail, rewriting))
    rewriting.write(mail, sink)  # type: ignore[arg-type]  # a raw sink is all that writing needs
    return sink.state()


def _rewritten(envelope: Envelope, mail: Mail, rewriting: Rewriting) -> Envelope:
    """The envelope with its new sender, which may hold no spaces."""
    sender = rewriting.sender(mail.sender)
    if sender == mail.sender:
        return envelope
    return replace(envelope, sender="".join(sender.split()).encode("utf-8", "surrogateescape") or b"MAILER-DAEMON")


def _write_new(file: BinaryIO, new: BinaryIO, there: list[_Seen], chosen: dict[int, Rewriting | None]) -> None:
    for index, seen in enumerate(there):
        span = seen.span
        if index not in chosen:
            with window(file.fileno(), span.start, span.end) as source:
                shutil.copyfileobj(source, new, BLOCK)
            continue
        rewriting = chosen[index]
        if rewriting is None:
            continue
        mail = _sighting(file, seen).mail
        new.write(_rewritten(span.envelope, mail, rewriting).line)
        rewriting.write(mail, new)
        new.flush()
        if os.pread(new.fileno(), 1, new.tell() - 1) != b"\n":
            new.write(span.envelope.end)
        new.write(span.envelope.end)
