"""An IMAP server on 127.0.0.1 that is whatever a test wants: Gmail, Exchange, a server without UIDPLUS, a broken one, an enemy.

Its mailbox is a model with real semantics (an expunge without UIDs takes what anybody marked, CLOSE does too), so that a client which does wrong is
seen doing it; every command is kept in `commands`. `Manner` says what the server announces and how it behaves. `ScriptedImap.twist` is asked before
each command and may answer in its place.

    server = ScriptedImap(folder, Manner(capabilities=GMAIL))
    server.folder("INBOX").deliver(b"From: ...")
    server.twist = lambda verb, line: b"* BYE gone\\r\\n" if verb == "UID FETCH" else None    # `{tag}` stands for the command's tag
"""

import base64
import binascii
import re
import socket
import socketserver
import ssl
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.servers.lifecycle import program, server_folder

DATE = " 4-Mar-2021 05:06:07 +0000"
_PLAIN = "IMAP4rev1 AUTH=PLAIN ID NAMESPACE UNSELECT ENABLE MOVE ESEARCH LITERAL+ CONDSTORE"
NO_UIDPLUS = _PLAIN
USUAL = f"{_PLAIN} UIDPLUS"
#: As Gmail announces itself after the login.
GMAIL = (
    "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS ENABLE MOVE CONDSTORE ESEARCH UTF8=ACCEPT LIST-EXTENDED "
    "LIST-STATUS LITERAL- SPECIAL-USE APPENDLIMIT=35651584 AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=PLAIN"
)
#: As Exchange Online announces itself.
EXCHANGE = "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"

#: Given a command's name (`UID FETCH`) and its line without tag: what is sent in its place, `None` to go on as usual.
Twist = Callable[[str, bytes], bytes | None]


@dataclass
class Letter:
    """One stored mail."""

    uid: int
    raw: bytes
    flags: set[str] = field(default_factory=set)
    date: str = DATE
    modseq: int = 1


@dataclass
class ScriptedFolder:
    """One folder. `attributes` are those of LIST, such as `\\All`; `status` is what SELECT says besides."""

    name: str
    attributes: str = "\\HasNoChildren"
    validity: int = 77
    letters: list[Letter] = field(default_factory=list)
    next_uid: int = 1
    says: str = ""

    def deliver(self, raw: bytes, *flags: str, date: str = DATE) -> Letter:
        letter = Letter(self.next_uid, raw, set(flags), date)
        self.next_uid += 1
        self.letters.append(letter)
        return letter

    @property
    def raws(self) -> list[bytes]:
        return [letter.raw for letter in self.letters]


@dataclass(frozen=True)
class Manner:
    """What the server announces and how it behaves.

    `before` are its capabilities before the login (empty: the same). `identity` is the answer to ID. `tokens` are those it takes. `master` may open
    everybody's mailbox. `is_sticky` False: UIDs do not last, and APPEND tells none. `alters` what is appended, as servers do that keep no MIME.
    """

    capabilities: str = USUAL
    before: str = ""
    greeting: str = "OK ready"
    identity: str = "NIL"
    tokens: tuple[str, ...] = ()
    password: str = "pw"
    master: str = ""
    is_sticky: bool = True
    alters: Callable[[bytes], bytes] = bytes
    namespaces: str = '(("" "/")) NIL NIL'
    tls: str = "implicit"


class ScriptedImap:
    """A running server. `logins` are (mechanism, mailbox, by whom) of those who came in, `clear` the lines that came without encryption.

    `ahead` is said in clear behind the answer to STARTTLS; `moved` counts bytes that went out, before they were compressed.
    """

    def __init__(self, certificate: Path, manner: Manner) -> None:
        self.certificate, self.manner = certificate, manner
        self.commands: list[str] = []
        self.logins: list[tuple[str, str, str]] = []
        self.clear: list[bytes] = []
        self.lock = threading.RLock()
        self.folders = {name: ScriptedFolder(name) for name in ("INBOX", "Sent")}
        self.twist: Twist = lambda verb, line: None
        self.ahead = b""
        self.moved = 0
        self.port = 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        self.context = context

    def folder(self, name: str, attributes: str = "\\HasNoChildren") -> ScriptedFolder:
        return self.folders.setdefault(name, ScriptedFolder(name, attributes))

    @property
    def url(self) -> str:
        return f"{'imaps' if self.manner.tls == 'implicit' else 'imap'}://127.0.0.1:{self.port}"

    def settings(self, **more: str) -> dict[str, str]:
        """The settings of a system that is this mailbox."""
        return {"url": self.url, "user": "jane@example.com", "password": "pw", "ca_file": str(self.certificate), **more}

    def verbs(self) -> list[str]:
        """The names of all commands that came."""
        return [_verb(command.encode()) for command in self.commands]

    @contextmanager
    def running(self) -> Iterator["ScriptedImap"]:
        server = _Server(self)
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


@pytest.fixture(scope="session")
def imap_certificate() -> Iterator[Path]:
    """A certificate for 127.0.0.1, its key beside it."""
    openssl = program("openssl", install="apt-get install openssl")
    with server_folder() as folder:
        command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
        subprocess.run([*command, *names, "-keyout", str(folder / "imap.key"), "-out", str(folder / "imap.crt")], check=True, capture_output=True)
        yield folder / "imap.crt"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, kept: ScriptedImap) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.kept = kept

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nothing to tell of."""


class _Ended(Exception):
    """The conversation is over."""


def _verb(line: bytes) -> str:
    words = line.upper().split(b" ")
    return b" ".join(words[: 2 if words[0] == b"UID" else 1]).decode()


def _word(token: bytes) -> str:
    """A string as it is meant; quoted or not."""
    text = token.decode("utf-8", "replace")
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|\((?:[^()"]|"[^"]*")*\)|[^ ]+')


class _Conversation(socketserver.BaseRequestHandler):
    """One connection."""

    server: _Server
    request: Any

    def setup(self) -> None:
        self.kept = self.server.kept
        self.manner = self.kept.manner
        self.folder: ScriptedFolder | None = None
        self.is_writing = self.is_in = self.tells_modseq = self.is_utf8 = False
        self.inflater: Any = None
        self.deflater: Any = None
        self.buffer = b""
        self.is_encrypted = self.manner.tls == "implicit"
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.is_encrypted:
            self.request = self.kept.context.wrap_socket(self.request, server_side=True)

    def handle(self) -> None:
        with suppress(_Ended, OSError, ssl.SSLError):
            self.say(f"* {self.manner.greeting}\r\n".encode())
            while True:
                self.command(self.line())

    def finish(self) -> None:
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)
        self.request.close()

    # --- the line ----------------------------------------------------------------------------------------------------

    def more(self) -> None:
        data = self.request.recv(65536)
        if not data:
            raise _Ended
        self.buffer += self.inflater.decompress(data) if self.inflater else data

    def line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            self.more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        if not self.is_encrypted:
            self.kept.clear.append(line)
        return line

    def take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self.more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def say(self, data: bytes) -> None:
        self.kept.moved += len(data)
        if self.deflater:
            data = self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        self.request.sendall(data)

    def whole(self, line: bytes) -> tuple[bytes, bytes]:
        """The command without its literal, and the literal."""
        match = re.search(rb"~?\{(\d+)(\+?)\}$", line)
        if match is None:
            return line, b""
        if not match[2]:
            self.say(b"+ go on\r\n")
        literal = self.take(int(match[1]))
        rest = self.line()
        return line[: match.start()] + rest, literal

    # --- commands ----------------------------------------------------------------------------------------------------

    def command(self, said: bytes) -> None:
        tag, _, line = said.partition(b" ")
        line, literal = self.whole(line)
        verb = _verb(line)
        self.kept.commands.append(line.decode("latin-1"))
        twisted = self.kept.twist(verb, line)
        if twisted is not None:
            self.say(twisted.replace(b"{tag}", tag))
            if b"* BYE" in twisted or not twisted:
                raise _Ended
            return
        act = getattr(self, "on_" + verb.lower().replace(" ", "_"), None)
        if act is None:
            self.say(tag + b" BAD unknown\r\n")
            return
        with self.kept.lock:
            answer = act(_TOKENS.findall(line)[2 if verb.startswith("UID") else 1 :], literal)
        self.say(b" ".join([tag, (answer or "OK done").encode()]) + b"\r\n" + (self.kept.ahead if verb == "STARTTLS" else b""))
        self.after(verb)

    def after(self, verb: str) -> None:
        if verb == "LOGOUT":
            raise _Ended
        if verb == "STARTTLS":
            self.request = self.kept.context.wrap_socket(self.request, server_side=True)
            self.is_encrypted, self.buffer = True, b""
        if verb == "COMPRESS":
            self.inflater = zlib.decompressobj(-15)
            self.deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
            self.buffer = self.inflater.decompress(self.buffer)

    def on_capability(self, words: list[bytes], literal: bytes) -> str:
        offered = self.manner.capabilities if self.is_in else self.manner.before or self.manner.capabilities
        if not self.is_encrypted and self.manner.tls == "starttls":
            offered = "IMAP4rev1 STARTTLS LOGINDISABLED"
        self.say(f"* CAPABILITY {offered}\r\n".encode())
        return ""

    def on_noop(self, words: list[bytes], literal: bytes) -> str:
        return ""

    on_starttls = on_compress = on_noop

    def on_logout(self, words: list[bytes], literal: bytes) -> str:
        self.say(b"* BYE bye\r\n")
        return ""

    def on_enable(self, words: list[bytes], literal: bytes) -> str:
        self.tells_modseq = True
        self.is_utf8 = b"UTF8=ACCEPT" in words
        self.say(b"* ENABLED " + b" ".join(words) + b"\r\n")
        return ""

    def on_id(self, words: list[bytes], literal: bytes) -> str:
        self.say(f"* ID {self.manner.identity}\r\n".encode())
        return ""

    def on_namespace(self, words: list[bytes], literal: bytes) -> str:
        self.say(f"* NAMESPACE {self.manner.namespaces}\r\n".encode())
        return ""

    def on_login(self, words: list[bytes], literal: bytes) -> str:
        return self.let_in("LOGIN", _word(words[0]), _word(words[0]), _word(words[1]) == self.manner.password)

    def let_in(self, how: str, mailbox: str, by: str, is_right: bool) -> str:
        if not is_right:
            return f"NO [AUTHENTICATIONFAILED] {by} is wrong"
        self.is_in = True
        self.kept.logins.append((how, mailbox, by))
        return ""

    def on_authenticate(self, words: list[bytes], literal: bytes) -> str:
        how = words[0].decode().upper()
        said = self.challenged(b"")
        if how == "PLAIN":
            mailbox, by, password = said.decode().split("\0")
            may = not mailbox or mailbox == by or by == self.manner.master
            return self.let_in(how, mailbox or by, by, may and password == self.manner.password)
        head, _, rest = said.decode().partition("\1")
        token = rest.partition("auth=Bearer ")[2].partition("\1")[0]
        mailbox = head.removeprefix("user=").removeprefix("n,a=").removesuffix(",").replace("=2C", ",").replace("=3D", "=")
        if token in self.manner.tokens:
            return self.let_in(how, mailbox, "", True)
        last = self.challenged(b'{"status":"invalid_token","scope":"secret-scope","schemes":"bearer"}')
        assert last == (b"\1" if how == "OAUTHBEARER" else b""), "the token was said again"
        return "NO [AUTHENTICATIONFAILED] no"

    def challenged(self, challenge: bytes) -> bytes:
        self.say(b"+ " + base64.b64encode(challenge) + b"\r\n")
        answer = self.line()
        try:
            return base64.b64decode(answer)
        except binascii.Error:
            raise _Ended from None

    # --- folders -----------------------------------------------------------------------------------------------------

    def on_list(self, words: list[bytes], literal: bytes) -> str:
        pattern = _word(words[0]) + _word(words[1])
        for folder in self.kept.folders.values():
            if re.fullmatch(pattern.replace("*", ".*").replace("[", r"\["), folder.name):
                self.say(f'* LIST ({folder.attributes}) "/" "{folder.name}"\r\n'.encode())
                if b"STATUS" in b" ".join(words[2:]):
                    self.tell_status(folder)
        return ""

    def tell_status(self, folder: ScriptedFolder) -> None:
        counts = f"MESSAGES {len(folder.letters)} UIDVALIDITY {folder.validity} UIDNEXT {folder.next_uid}"
        self.say(f'* STATUS "{folder.name}" ({counts})\r\n'.encode())

    def on_status(self, words: list[bytes], literal: bytes) -> str:
        folder = self.kept.folders.get(_word(words[0]))
        if folder is None:
            return "NO [NONEXISTENT] no such mailbox"
        self.tell_status(folder)
        return ""

    def on_select(self, words: list[bytes], literal: bytes) -> str:
        return self.opened(_word(words[0]), is_writing=True)

    def on_examine(self, words: list[bytes], literal: bytes) -> str:
        return self.opened(_word(words[0]), is_writing=False)

    def opened(self, name: str, *, is_writing: bool) -> str:
        self.folder = self.kept.folders.get(name)
        if self.folder is None:
            return "NO [NONEXISTENT] no such mailbox"
        self.is_writing = is_writing
        told = ["FLAGS (\\Seen \\Deleted)", f"{len(self.folder.letters)} EXISTS", "0 RECENT", f"OK [UIDVALIDITY {self.folder.validity}] v"]
        told += [f"OK [HIGHESTMODSEQ {max([1, *(letter.modseq for letter in self.folder.letters)])}] m"] if self.tells_modseq else []
        told += [] if self.manner.is_sticky else ["NO [UIDNOTSTICKY] no lasting UIDs"]
        self.say("".join(f"* {line}\r\n" for line in told).encode() + self.folder.says.encode())
        return "OK [READ-WRITE] done" if is_writing else "OK [READ-ONLY] done"

    def on_unselect(self, words: list[bytes], literal: bytes) -> str:
        self.folder = None
        return ""

    def on_close(self, words: list[bytes], literal: bytes) -> str:
        """Expunges without a word, as RFC 3501 § 6.4.2 has it."""
        if self.folder is not None and self.is_writing:
            self.folder.letters = [letter for letter in self.folder.letters if "\\Deleted" not in letter.flags]
        self.folder = None
        return ""

    # --- mails -------------------------------------------------------------------------------------------------------

    def chosen(self, written: bytes, *, by_uid: bool) -> list[tuple[int, Letter]]:
        """The letters of a sequence set, with their places."""
        assert self.folder is not None
        rows = list(enumerate(self.folder.letters, 1))
        top = (max((letter.uid for _, letter in rows), default=0)) if by_uid else len(rows)
        wanted: set[int] = set()
        for part in written.decode().replace("*", str(top)).split(","):
            low, _, high = part.partition(":")
            ends = sorted((int(low), int(high or low)))
            wanted.update(range(ends[0], min(ends[1], max(top, ends[0])) + 1))
        return [(place, letter) for place, letter in rows if (letter.uid if by_uid else place) in wanted]

    def on_fetch(self, words: list[bytes], literal: bytes, *, by_uid: bool = False) -> str:
        for place, letter in self.chosen(words[0], by_uid=by_uid):
            self.say(f"* {place} FETCH (UID {letter.uid}".encode() + b"".join(self.items(words[1].upper(), letter)) + b")\r\n")
        return ""

    def on_uid_fetch(self, words: list[bytes], literal: bytes) -> str:
        return self.on_fetch(words, literal, by_uid=True)

    def items(self, asked: bytes, letter: Letter) -> Iterator[bytes]:
        known = {
            b"RFC822.SIZE": str(len(letter.raw)),
            b"INTERNALDATE": f'"{letter.date}"',
            b"FLAGS": f"({' '.join(sorted(letter.flags))})",
            b"MODSEQ": f"({letter.modseq})",
        }
        yield from (b" %s %s" % (name, value.encode()) for name, value in known.items() if name in asked)
        for part in re.finditer(rb"(BODY(?:\.PEEK)?)\[(.*?)\](?:<(\d+)\.(\d+)>)?", asked):
            if part[1] == b"BODY" and self.is_writing:
                letter.flags.add("\\Seen")
            head = letter.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            data = head if part[2].startswith(b"HEADER") else letter.raw
            data = data if self.is_utf8 else data.replace("ü".encode(), b"?")
            start = int(part[3] or 0)
            data = data[start : start + int(part[4])] if part[3] else data
            origin = b"<%d>" % start if part[3] else b""
            yield b" BODY[%s]%s {%d}\r\n%s" % (part[2], origin, len(data), data)

    def on_uid_search(self, words: list[bytes], literal: bytes) -> str:
        asked = b" ".join(words)
        match = re.search(rb"UID ([0-9:,*]+)", asked)
        uids = [letter.uid for _, letter in self.chosen(match[1] if match else b"1:*", by_uid=True)]
        found = ",".join(map(str, uids))
        if b"RETURN" in asked:
            self.say(f'* ESEARCH (TAG "x") UID{" ALL " + found if found else ""}\r\n'.encode())
        else:
            self.say(f"* SEARCH{' ' if uids else ''}{found.replace(',', ' ')}\r\n".encode())
        return ""

    def on_uid_store(self, words: list[bytes], literal: bytes) -> str:
        """With UNCHANGEDSINCE (RFC 7162 § 3.1.3)."""
        since = re.search(rb"UNCHANGEDSINCE (\d+)", b" ".join(words))
        flags = set(words[-1].decode().strip("()").split())
        left: list[str] = []
        for _, letter in self.chosen(words[0], by_uid=True):
            if since and letter.modseq > int(since[1]):
                left.append(str(letter.uid))
                continue
            letter.flags = letter.flags - flags if words[-2].startswith(b"-") else letter.flags | flags
            letter.modseq += 1
        return f"OK [MODIFIED {','.join(left)}] some changed" if left else ""

    def on_uid_expunge(self, words: list[bytes], literal: bytes) -> str:
        assert self.folder is not None
        if "UIDPLUS" not in self.manner.capabilities.split():
            return "BAD unknown"
        going = {letter.uid for _, letter in self.chosen(words[0], by_uid=True) if "\\Deleted" in letter.flags}
        self.folder.letters = [letter for letter in self.folder.letters if letter.uid not in going]
        return ""

    def on_expunge(self, words: list[bytes], literal: bytes) -> str:
        """Takes whatever anybody marked, which is why nobody should say it."""
        assert self.folder is not None
        self.folder.letters = [letter for letter in self.folder.letters if "\\Deleted" not in letter.flags]
        return ""

    def on_append(self, words: list[bytes], literal: bytes) -> str:
        folder = self.kept.folders[_word(words[0])]
        if self.is_utf8 and b"UTF8" not in words and not literal.partition(b"\r\n\r\n")[0].isascii():
            return "NO [CANNOT] UTF-8 in a header that was not announced"
        day = next((_word(word) for word in words[2:] if word.startswith(b'"')), DATE)
        letter = folder.deliver(self.manner.alters(literal), *words[1].decode().strip("()").split(), date=day)
        if not self.manner.is_sticky or "UIDPLUS" not in self.manner.capabilities.split():
            return ""
        return f"OK [APPENDUID {folder.validity} {letter.uid}] done"
