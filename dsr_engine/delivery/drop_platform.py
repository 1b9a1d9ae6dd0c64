"""Speaks to California's Delete Request and Opt-out Platform (DROP Data Broker API 1.2.0), one exchange at a time.

Who waits, repeats and remembers is `workflow/dropping`. The key goes into one header and nowhere else; redirects are refused, proxies of the
environment are not used, and no answer is longer than we let it be.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from dsr_engine.delivery.drop_archive import MOST_ARCHIVE
from dsr_engine.delivery.trust import trust_in
from dsr_engine.domain.errors import Conflict, InputWrong, NotAllowed, NotSupported, Unreachable
from dsr_engine.domain.selector import Secret

#: Seconds for a connection, and for each piece of an answer.
_CONNECT, _READ = 20.0, 120.0
#: Bytes of a JSON answer that are read, and seconds of waiting that are believed.
_MOST_JSON = 1024**2
_LONGEST_WAIT = 3600
_ZIP_NAME = re.compile(r'filename="?([0-9]{8}_[A-Za-z0-9]{1,16}_DROP\.zip)"?')
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, repr=False)
class Downloaded:
    """An archive. `name` is what the platform calls it."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class NothingNew:
    """There are no new identifiers and no removed ones."""


@dataclass(frozen=True, slots=True)
class Preparing:
    """The platform puts an archive together, or asks for patience. Seconds until it is to be asked again."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The previous batch has items without a status."""


Download = Downloaded | NothingNew | Preparing | Unfinished


@dataclass(frozen=True, slots=True)
class Taken:
    """The file was accepted and queued; rows are judged later, and the platform tells of that by mail."""


@dataclass(frozen=True, slots=True)
class TakenBefore:
    """A file of this name is there already, or nothing is waited for any more. Which of the two: `is_same_name`."""

    is_same_name: bool


class Platform(Protocol):
    """What the workflow needs of the platform."""

    def download(self) -> Download:
        """Asks for the current archive, once."""

    def upload(self, name: str, content: bytes) -> Taken | TakenBefore | Preparing:
        """Hands in a file of answers."""

    def amend(self, name: str, content: bytes) -> Taken | TakenBefore | Preparing:
        """Corrects answers that were handed in."""


class DropPlatform:
    """The platform behind `url`. Nothing is retried.

    Raises `NotAllowed` (`drop.refused`), `Unreachable` (`drop.down`), `Conflict` (`drop.rejected`), `InputWrong` and `NotSupported`.
    """

    def __init__(self, url: str, key: Secret, ca_file: str = "") -> None:
        self._url = checked_url(url)
        self._key = key
        self._ca_file = ca_file

    def download(self) -> Download:
        with self._client() as client, _translated(), client.stream("GET", "/data/download") as answer:
            if answer.status_code == 200 and answer.headers.get("content-type", "").startswith(("application/zip", "application/octet-stream")):
                name = _ZIP_NAME.search(answer.headers.get("content-disposition", ""))
                return Downloaded(name[1] if name else "DROP.zip", _bounded(answer, MOST_ARCHIVE))
            _bounded(answer, _MOST_JSON)
        match answer.status_code:
            case 200:
                return NothingNew()
            case 202:
                return Preparing(_seconds(answer))
            case 409:
                return Unfinished()
        return self._wait_or_refuse(answer)

    def upload(self, name: str, content: bytes) -> Taken | TakenBefore | Preparing:
        return self._post("/data/upload", name, content)

    def amend(self, name: str, content: bytes) -> Taken | TakenBefore | Preparing:
        return self._post("/data/amend", name, content)

    def _post(self, path: str, name: str, content: bytes) -> Taken | TakenBefore | Preparing:
        with self._client() as client, _translated(), client.stream("POST", path, files={"files": (name, content, "text/csv")}) as answer:
            told = _bounded(answer, _MOST_JSON)
        if answer.status_code in (202, 400):
            return _judged(_document(told), name)
        if answer.status_code == 409:
            return TakenBefore(is_same_name=False)
        return self._wait_or_refuse(answer)

    def _wait_or_refuse(self, answer: httpx.Response) -> Preparing:
        status = answer.status_code
        if status == 429:
            return Preparing(_seconds(answer))
        if status in (401, 403):
            raise NotAllowed(
                f"the platform refuses (status {status})",
                code="drop.refused",
                hint="is the key right and current, the registration in force, the fee paid, a list selected? The platform's portal tells",
            )
        if status == 404 or 300 <= status < 400:
            raise InputWrong(
                f"there is no such service at {self._url} (status {status})", code="drop.url", hint="look at `url` in [drop] of dsr.toml"
            )
        if status >= 500 or status == 408:
            raise Unreachable(
                f"the platform has an error (status {status})",
                code="drop.down",
                hint="it is closed from 1 to 3 at night, Pacific time; try again later, or fetch the archive by hand: `dsr drop pull --zip FILE`",
            )
        raise NotSupported(
            f"the platform answers with status {status}, which this version does not know", code="drop.answer", hint="is it up to date?"
        )

    def _client(self) -> httpx.Client:
        headers = {
            "X-API-KEY": self._key.reveal(),
            "Accept": "application/zip, application/json",
            "User-Agent": "dsr-engine",
            "Accept-Encoding": "identity",
        }
        timeout = httpx.Timeout(_READ, connect=_CONNECT)
        return httpx.Client(
            base_url=self._url,
            headers=headers,
            timeout=timeout,
            verify=trust_in(self._ca_file, "drop.ca"),
            trust_env=False,
            follow_redirects=False,
            http2=False,
        )


def checked_url(url: str) -> str:
    """The address without a slash at its end. Raises `InputWrong` unless it is https; on this very machine http will do, for rehearsals."""
    try:
        parts = urlsplit(url)
        is_right = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        is_right = is_right and bool(parts.hostname) and parts.username is None and not parts.query and not parts.fragment
    except ValueError:
        is_right = False
    if not is_right:
        raise InputWrong("`url` in [drop] is not an https address", code="drop.url", hint="https://api.drop.privacy.ca.gov")
    return url.rstrip("/")


def _judged(document: dict[str, Any], name: str) -> Taken | TakenBefore:
    """What the platform says of the one file that it was sent."""
    accepted, rejected = document.get("accepted"), document.get("rejected")
    if isinstance(accepted, list) and any(isinstance(entry, dict) and entry.get("fileName") == name for entry in accepted):
        return Taken()
    reasons = [str(entry.get("message", "")) for entry in rejected if isinstance(entry, dict)] if isinstance(rejected, list) else []
    if any("already uploaded" in reason.lower() for reason in reasons):
        return TakenBefore(is_same_name=True)
    why = re.sub(r"[^A-Za-z0-9 .,:;'_-]", "", reasons[0])[:200] if reasons else "no reason is given"
    raise Conflict(f"the platform does not take {name}: {why}", code="drop.rejected", hint="nothing is lost; `dsr drop status` tells what is open")


@contextmanager
def _translated() -> Iterator[None]:
    """Errors of the line as ours, without the words of others."""
    try:
        yield
    except httpx.HTTPError as error:
        what = "its certificate is not trusted" if "CERTIFICATE_VERIFY_FAILED" in str(error) else type(error).__name__
        raise Unreachable(
            f"the platform cannot be reached ({what})",
            code="drop.down",
            hint="try again later, or fetch the archive by hand in the platform's portal: `dsr drop pull --zip FILE`",
        ) from None


def _bounded(answer: httpx.Response, most: int) -> bytes:
    taken = bytearray()
    for piece in answer.iter_bytes():
        taken += piece
        if len(taken) > most:
            raise NotSupported(f"the platform answers with more than {most // 1024**2} MiB", code="drop.too_long", hint="ask the agency's support")
    return bytes(taken)


def _document(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _seconds(answer: httpx.Response) -> int:
    told = answer.headers.get("retry-after", "")
    return max(1, min(int(told), _LONGEST_WAIT)) if told.isdecimal() and len(told) < 10 else 60
