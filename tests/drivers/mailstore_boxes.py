"""Mailboxes of every kind to test on, filled and looked at by other means than the engine's: plain files and the standard library's IMAP client."""

import imaplib
import itertools
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest

from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, System
from tests.servers.dovecot import DovecotServer

KINDS = ("maildir", "mbox", "eml", "dovecot")

#: When mails of the tests were delivered.
DELIVERED = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stored:
    """One mail as other eyes see it."""

    raw: bytes
    is_seen: bool
    delivered: int


class Box(Protocol):
    """One person's mail. `eol` is the line end that mails are stored with."""

    eol: bytes

    def system(self, **settings: str) -> System: ...
    def deliver(self, folder: str, raw: bytes, *, is_seen: bool = False) -> None: ...
    def flag(self, folder: str, needle: bytes) -> None: ...
    def move(self, folder: str, needle: bytes, to: str) -> None: ...
    def alter(self, folder: str, needle: bytes, old: bytes, new: bytes) -> None: ...
    def stored(self) -> dict[str, list[Stored]]: ...


def system_of(settings: Mapping[str, str]) -> System:
    return System("mail", Manifest("mail", "mailstore"), {name: Secret(value) for name, value in settings.items()})


def box_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> Box:
    if kind == "maildir":
        return MaildirBox(folder / "Maildir")
    if kind == "eml":
        return EmlBox(folder / "exported")
    if kind == "mbox":
        return MboxBox(folder / "mail")
    return DovecotBox(request.getfixturevalue("dovecot"))


class MaildirBox:
    """A Maildir++ that no server manages."""

    eol = b"\n"

    def __init__(self, root: Path) -> None:
        self.root = root
        self._count = 0
        for name in ("INBOX", "Sent"):
            self.make(name)

    def make(self, folder: str) -> Path:
        path = self.path(folder)
        for part in ("cur", "new", "tmp"):
            (path / part).mkdir(parents=True, exist_ok=True)
        return path

    def path(self, folder: str) -> Path:
        return self.root if folder == "INBOX" else self.root / f".{folder}"

    def system(self, **settings: str) -> System:
        return system_of({"url": f"maildir:{self.root}", **settings})

    def deliver(self, folder: str, raw: bytes, *, is_seen: bool = False) -> None:
        self._count += 1
        path = self.make(folder) / "cur" / f"{1600000000 + self._count}.M{self._count}P7.host,S={len(raw)}:2,{'S' if is_seen else ''}"
        path.write_bytes(raw)
        os.utime(path, (DELIVERED.timestamp(), DELIVERED.timestamp()))

    def file(self, folder: str, needle: bytes) -> Path:
        return next(path for path in sorted((self.path(folder) / "cur").iterdir()) if needle in path.read_bytes())

    def flag(self, folder: str, needle: bytes) -> None:
        path = self.file(folder, needle)
        path.rename(path.with_name(path.name.partition(":")[0] + ":2,FRS"))

    def move(self, folder: str, needle: bytes, to: str) -> None:
        path = self.file(folder, needle)
        path.rename(self.make(to) / "cur" / path.name)

    def alter(self, folder: str, needle: bytes, old: bytes, new: bytes) -> None:
        path = self.file(folder, needle)
        path.write_bytes(path.read_bytes().replace(old, new))

    def stored(self) -> dict[str, list[Stored]]:
        found = {}
        for path in (self.root, *sorted(self.root.glob(".*"))):
            files = [file for part in ("cur", "new", "tmp") for file in (path / part).iterdir()]
            mails = [Stored(file.read_bytes(), "S" in file.name.rpartition(",")[2], int(file.stat().st_mtime)) for file in files]
            found["INBOX" if path == self.root else path.name[1:]] = sorted(mails, key=lambda mail: mail.raw)
        return found


class EmlBox:
    """A folder of mails as files."""

    eol = b"\n"

    def __init__(self, root: Path) -> None:
        self.root = root
        self._count = 0
        for name in ("INBOX", "Sent"):
            (root / name).mkdir(parents=True)

    def system(self, **settings: str) -> System:
        return system_of({"url": f"eml:{self.root}", **settings})

    def deliver(self, folder: str, raw: bytes, *, is_seen: bool = False) -> None:
        self._count += 1
        path = self.root / folder / f"{'seen' if is_seen else 'new'}-{self._count}.eml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(raw)
        os.utime(path, (DELIVERED.timestamp(), DELIVERED.timestamp()))

    def file(self, folder: str, needle: bytes) -> Path:
        return next(path for path in sorted((self.root / folder).iterdir()) if needle in path.read_bytes())

    def flag(self, folder: str, needle: bytes) -> None:
        """A file has no flags; programs that look at it change its times of reading."""
        os.utime(self.file(folder, needle), (0, DELIVERED.timestamp()))

    def move(self, folder: str, needle: bytes, to: str) -> None:
        path = self.file(folder, needle)
        (self.root / to).mkdir(exist_ok=True)
        path.rename(self.root / to / path.name)

    def alter(self, folder: str, needle: bytes, old: bytes, new: bytes) -> None:
        path = self.file(folder, needle)
        path.write_bytes(path.read_bytes().replace(old, new))

    def stored(self) -> dict[str, list[Stored]]:
        found: dict[str, list[Stored]] = {}
        for folder in sorted(path for path in self.root.rglob("*") if path.is_dir()):
            files = [path for path in folder.iterdir() if path.is_file()]
            mails = [Stored(path.read_bytes(), path.name.startswith("seen"), int(path.stat().st_mtime)) for path in files]
            found[folder.relative_to(self.root).as_posix()] = sorted(mails, key=lambda mail: mail.raw)
        return found


class MboxBox:
    """A folder of mbox files."""

    eol = b"\n"

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        for name in ("INBOX", "Sent"):
            (root / name).touch()

    def system(self, **settings: str) -> System:
        return system_of({"url": f"mbox:{self.root}", **settings})

    def deliver(self, folder: str, raw: bytes, *, is_seen: bool = False) -> None:
        head, gap, body = raw.partition(b"\n\n")
        status = b"\nStatus: RO" if is_seen else b"\nStatus: O"
        with (self.root / folder).open("ab") as file:
            file.write(b"From shop@example.com " + DELIVERED.strftime("%a %b %d %H:%M:%S %Y").encode() + b"\n" + head + status + gap + body + b"\n")

    def flag(self, folder: str, needle: bytes) -> None:
        self.rewrite(folder, [mail.replace(b"\nStatus: O", b"\nStatus: ROF") if needle in mail else mail for mail in self.mails(folder)])

    def move(self, folder: str, needle: bytes, to: str) -> None:
        going = [mail for mail in self.mails(folder) if needle in mail]
        self.rewrite(folder, [mail for mail in self.mails(folder) if needle not in mail])
        self.rewrite(to, [*self.mails(to), *going])

    def alter(self, folder: str, needle: bytes, old: bytes, new: bytes) -> None:
        self.rewrite(folder, [mail.replace(old, new) if needle in mail else mail for mail in self.mails(folder)])

    def mails(self, folder: str) -> list[bytes]:
        path = self.root / folder
        data = path.read_bytes() if path.exists() else b""
        starts = [match.start() for match in re.finditer(rb"(?m)^From .* \d{4}$", data)]
        return [data[start:end] for start, end in itertools.pairwise([*starts, len(data)])]

    def rewrite(self, folder: str, mails: list[bytes]) -> None:
        (self.root / folder).write_bytes(b"".join(mails))

    def stored(self) -> dict[str, list[Stored]]:
        found = {}
        for path in sorted(self.root.iterdir()):
            found[path.name] = sorted((self._stored(mail) for mail in self.mails(path.name)), key=lambda mail: mail.raw)
        return found

    def _stored(self, mail: bytes) -> Stored:
        envelope, _, raw = mail.partition(b"\n")
        assert envelope.endswith(DELIVERED.strftime("%Y").encode())
        return Stored(re.sub(rb"\nStatus: \w+", b"", raw.removesuffix(b"\n"), count=1), b"\nStatus: R" in raw, int(DELIVERED.timestamp()))


@dataclass
class DovecotBox:
    """A new user's mail on a real server."""

    server: DovecotServer
    eol: bytes = b"\r\n"
    user: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        self.user, self.password = self.server.new_user()
        with self.client():
            pass

    @contextmanager
    def client(self) -> Iterator[imaplib.IMAP4_SSL]:
        client = self.server.login(self.user, self.password)
        try:
            yield client
        finally:
            client.logout()

    @property
    def root(self) -> Path:
        return self.server.maildir(self.user)

    def system(self, **settings: str) -> System:
        plain = {"url": f"imap://127.0.0.1:{self.server.port}", "user": self.user, "password": self.password, "ca_file": str(self.server.certificate)}
        return system_of({**plain, **settings})

    def deliver(self, folder: str, raw: bytes, *, is_seen: bool = False) -> None:
        with self.client() as client:
            client.create(folder)
            kind, answer = client.append(folder, "(\\Seen)" if is_seen else "()", imaplib.Time2Internaldate(DELIVERED), raw)
            assert kind == "OK", answer

    def flag(self, folder: str, needle: bytes, flag: str = "\\Seen") -> None:
        with self.client() as client:
            client.select(folder)
            for uid in self.uids(client, needle):
                client.uid("STORE", uid, "+FLAGS", f"({flag})")

    def move(self, folder: str, needle: bytes, to: str) -> None:
        with self.client() as client:
            client.create(to)
            client.select(folder)
            for uid in self.uids(client, needle):
                client.uid("MOVE", uid, to)

    def alter(self, folder: str, needle: bytes, old: bytes, new: bytes) -> None:
        """Mails of IMAP never change: the changed one is appended, as a mail program does with a draft, and the old one goes."""
        with self.client() as client:
            client.select(folder)
            (uid,) = self.uids(client, needle)
            raw = client.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1]
            client.append(folder, "()", imaplib.Time2Internaldate(DELIVERED), raw.replace(old, new))
            client.uid("STORE", uid, "+FLAGS", "(\\Deleted)")
            client.uid("EXPUNGE", uid)

    def uids(self, client: imaplib.IMAP4_SSL, needle: bytes) -> list[str]:
        """UIDs in the selected folder of mails whose source has these bytes."""
        found = []
        for uid in client.uid("SEARCH", "ALL")[1][0].split():
            answer = client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1]
            if needle in answer[0][1]:
                found.append(uid.decode())
        return found

    def stored(self) -> dict[str, list[Stored]]:
        found = {}
        with self.client() as client:
            lines = [line for line in client.list()[1] if isinstance(line, bytes) and b"\\Noselect" not in line]
            for name in (line.rpartition(b" ")[2].decode().strip('"') for line in lines):
                client.select(name, readonly=True)
                uids = [uid.decode() for uid in client.uid("SEARCH", "ALL")[1][0].split()]
                found[name] = sorted((self._stored(client, uid) for uid in uids), key=lambda mail: mail.raw)
        return found

    def _stored(self, client: imaplib.IMAP4_SSL, uid: str) -> Stored:
        answer = client.uid("FETCH", uid, "(FLAGS INTERNALDATE BODY.PEEK[])")[1]
        facts, raw = answer[0]
        day = imaplib.Internaldate2tuple(facts)
        assert day is not None
        return Stored(raw, b"\\Seen" in facts, int(time.mktime(day)))


def letter(sender: str, to: str, subject: str, body: str, *, message_id: str = "", eol: bytes = b"\n") -> bytes:
    """A plain mail of one part."""
    identity = [f"Message-ID: <{message_id}>"] if message_id else []
    lines = [
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {subject}",
        *identity,
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        body,
        "",
    ]
    return "\n".join(lines).encode().replace(b"\n", eol)
