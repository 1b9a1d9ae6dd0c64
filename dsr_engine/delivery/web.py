"""HTTPS to strangers: nothing is followed, nothing is believed, and nobody can keep us waiting or fill our memory.

The address is looked up once, judged, and connected to as it is, so that a name cannot point elsewhere the second time. Redirects are refused:
what we send holds identifiers and is meant for one host. Proxies of the environment are not used.
"""

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from dsr_engine.delivery.trust import trust_in
from dsr_engine.domain.errors import InputWrong, NotAllowed, NotSupported, NotVerified, Unreachable
from dsr_engine.domain.reachable import Place, place_of

#: No answer that we have a use for is longer.
MOST_BYTES = 256 * 1024
#: A whole exchange, from the connection to the last byte, may take so many seconds.
SECONDS = 30.0
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
#: All addresses of a host, as text. Raises `OSError` where nobody knows it.
Resolve = Callable[[str, int], Sequence[str]]


def addresses_of(host: str, port: int) -> Sequence[str]:
    """What this machine's resolver says."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True, repr=False)
class Answered:
    """An answer whose status is 2xx, or 4xx where the caller asked for it. Header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> Mapping[str, Any]:
        """The body as a JSON object. Raises `NotVerified` for anything else; what it held is not repeated."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise NotVerified("the answer is not a JSON object", code="web.answer", hint="ask the recipient whether the address is right")
        return found


@dataclass(frozen=True, slots=True)
class Web:
    """How strangers are spoken to. `ca_file`: who vouches for them instead of the usual authorities.

    `internal`: private networks and this machine are allowed; link-local addresses and metadata services never are.
    """

    ca_file: str = ""
    internal: bool = False
    seconds: float = SECONDS
    accepted: frozenset[int] = field(default_factory=frozenset)
    resolve: Resolve = addresses_of

    def ask(self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answered:
        """One exchange. Statuses outside 2xx and `accepted` are errors.

        Raises `Unreachable` where a later try may succeed, `NotAllowed` where the host is refused or refuses, `NotVerified` for a certificate that
        does not hold and `NotSupported` for an answer that is too long. No message names more than the host.
        """
        parts = checked_url(url)
        host = parts.hostname or ""
        connection = _Connection(host, parts.port or 443, trust_in(self.ca_file, "web.ca_file"), self._address(host, parts.port or 443), self.seconds)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {"User-Agent": "dsr-engine", "Accept": "application/json", "Connection": "close", **(headers or {})}
        with _translated(host), _bounded(connection, self.seconds):
            try:
                connection.request(method, target, body=body, headers=sent)
                with connection.getresponse() as answer:
                    content = answer.read(MOST_BYTES + 1)
                    named = {key.lower(): value for key, value in answer.getheaders()}
                    if len(content) <= MOST_BYTES and answer.length:
                        raise http.client.IncompleteRead(b"")  # `read` with a limit does not tell that the line ended early
            finally:
                connection.close()
        if len(content) > MOST_BYTES:
            raise NotSupported(f"{host} answers with more than {MOST_BYTES // 1024} KiB", code="web.too_long", hint="ask the recipient why")
        self._refuse(answer.status, host)
        return Answered(answer.status, named, content)

    def reach(self, url: str) -> None:
        """Connects, checks the certificate, and says nothing. Raises as `ask` does."""
        parts = checked_url(url)
        host, port = parts.hostname or "", parts.port or 443
        connection = _Connection(host, port, trust_in(self.ca_file, "web.ca_file"), self._address(host, port), self.seconds)
        with _translated(host), _bounded(connection, self.seconds):
            try:
                connection.connect()
            finally:
                connection.close()

    def _refuse(self, status: int, host: str) -> None:
        if 200 <= status < 300 or status in self.accepted:
            return
        if status in _BUSY:
            raise Unreachable(f"{host} answers with status {status}", code="web.busy")
        if 300 <= status < 400:
            raise NotAllowed(f"{host} sends us elsewhere (status {status})", code="web.redirect", hint="write its final address where it is declared")
        raise NotAllowed(f"{host} refuses (status {status})", code="web.refused", hint="ask the recipient what it wants")

    def _address(self, host: str, port: int) -> str:
        """An address of the host that may be spoken to, after all of them were judged."""
        try:
            found = self.resolve(host, port)
        except (OSError, UnicodeError):
            found = ()
        if not found:
            raise Unreachable(f"nobody knows where {host} is", code="web.unknown_host", hint="look at its address where it is declared")
        places = set(map(place_of, found))
        if Place.NEVER in places:
            raise NotAllowed(
                f"{host} is link-local, a metadata service or no host", code="web.never", hint="nobody who is told anything can be there"
            )
        if Place.INSIDE in places and not self.internal:
            raise NotAllowed(
                f"{host} lies in a private network", code="web.private", hint="say `internal: true` where it is declared if that is meant to be"
            )
        return found[0]


def checked_url(url: str) -> SplitResult:
    """The parts of an address that may be used. Raises `InputWrong` without repeating it."""
    try:
        parts = urlsplit(url)
        is_right = parts.scheme == "https" and bool(parts.hostname) and parts.username is None and not parts.fragment and (parts.port or 1) > 0
    except ValueError:
        is_right = False
    if not is_right or any(character <= " " or character > "~" for character in url):
        raise InputWrong("not an address that begins with https://", code="web.url", hint="for instance https://privacy.example.com/erasures")
    return parts


class _Connection(http.client.HTTPSConnection):
    """A connection to an address that was looked up and judged before; the certificate is checked against the name."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, address: str, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds, context=context)
        self._tls, self._address, self._seconds = context, address, seconds
        self.raw: ssl.SSLSocket | None = None

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self._seconds)
        # The handshake comes after `raw` is known, so that a host which is slow in it is cut off like any other.
        self.sock = self.raw = self._tls.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        self.raw.do_handshake()


@contextlib.contextmanager
def _bounded(connection: _Connection, seconds: float) -> Iterator[None]:
    """Cuts the line when the time is over: a time-out of a socket alone starts anew with every byte that drips in."""
    is_over = threading.Event()

    def cut() -> None:
        is_over.set()
        line = connection.raw
        if line is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, ValueError, http.client.HTTPException):
        if is_over.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
    if is_over.is_set():
        raise TimeoutError


@contextlib.contextmanager
def _translated(host: str) -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError:
        raise NotVerified(
            f"the certificate of {host} does not hold",
            code="web.certificate",
            hint="nothing was sent; name `ca_file` if its authority is its own",
        ) from None
    except TimeoutError:
        raise Unreachable(f"{host} took too long", code="web.slow") from None
    except (http.client.HTTPException, ValueError):
        raise Unreachable(f"{host} answers with something that is not HTTP", code="web.garbled") from None
    except OSError as error:
        raise Unreachable(f"{host} cannot be reached ({type(error).__name__})", code="web.down") from None
