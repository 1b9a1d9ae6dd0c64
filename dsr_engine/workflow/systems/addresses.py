"""Which addresses a system may have that somebody connects from a page, so that the page is no way into what only this machine can reach.

A name is looked up once, everything that it means is judged, and what was judged is connected to: by its address, or, where a certificate has to
match the name, under TLS that checks it (a name that means another address the second time then fails before anything was said). Link-local and
metadata addresses are refused always (CWE-918); loopback and private networks are for whoever says that it is inside, as databases mostly are.

A URL is taken apart by one strict form and refused if it is any other: two readers that disagree about a URL are the usual way around such a check.
"""

import re
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from dsr_engine.domain.errors import InputWrong, NotAllowed, Unreachable
from dsr_engine.domain.reachable import Place, place_of
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import System

#: All addresses of a host, as text. Raises `OSError` where nobody knows it.
Resolve = Callable[[str, int], Sequence[str]]

_HOST = r"(?P<host>[A-Za-z0-9][A-Za-z0-9._-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
_DATABASE = re.compile(
    r"(?P<scheme>postgresql|postgres|mysql|mariadb)://(?P<user>[^\s@:/?#\[\]]+(?::[^\s@:/?#\[\]]*)?@)?"
    + _HOST
    + r"/(?P<database>[^\s/?#@]{1,128})(?:\?(?P<query>[^\s#@]*))?"
)
_MAIL = re.compile(r"(?P<scheme>imaps?)://" + _HOST + r"/?")
_ENDPOINT = re.compile(r"(?P<scheme>https?)://" + _HOST + r"/?")
_TOKEN_URL = re.compile(r"(?P<scheme>https?)://" + _HOST + r"(?P<path>(?:/[A-Za-z0-9._~%-]*)*)")
_LOCAL = re.compile(r"(?P<scheme>sqlite:///|maildir:|mbox:|eml:|folder:)(?P<path>/[^?#\x00-\x1f]*)")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{1,62}")
#: What may stand behind the `?` of a database's URL. Others can name another host, a socket or a file (`hostaddr`, `service`, `unix_socket`).
_PARAMETERS = re.compile(r"(sslmode|sslrootcert|application_name|charset|connect_timeout)=[^&=]*")
_PORTS = {"postgresql": 5432, "postgres": 5432, "mysql": 3306, "mariadb": 3306, "imap": 143, "imaps": 993, "http": 80, "https": 443}

#: How many addresses of one host are tried, and for how many seconds each.
_TRIED, _SECONDS = 4, 1.0
_OTHER = "for other forms, write the entry into systems.yaml yourself"


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a system is: its host, and the address that was judged.

    Both are empty for files of this machine, for Amazon's own stores and for a person's task.
    """

    system: System
    host: str = ""
    address: str = ""


def addresses_of(host: str, port: int) -> Sequence[str]:
    """What this machine's resolver says."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def judged(system: System, home: Path, *, is_inside: bool, resolve: Resolve = addresses_of) -> Reach:
    """The system as it may be connected to now. Raises `NotAllowed` for an address that is refused, `InputWrong` for a URL of another form.

    `is_inside`: somebody says that it lies in our own network, or in files of this machine.
    """
    match system.manifest.driver:
        case "sql" if not system.setting("url").startswith("sqlite"):
            return _database(system, is_inside, resolve)
        case "sql":
            return _file(system, home, is_inside)
        case "mailstore" if system.setting("url").startswith("imap"):
            found = _matched(_MAIL, system.setting("url"), "imaps://HOST or imap://HOST")
            if system.setting("token_url"):  # asked under TLS that checks the name, but on this very machine (`imap_token.checked_token_url`)
                _address(_matched(_TOKEN_URL, system.setting("token_url"), "token_url: https://HOST/PATH"), is_inside, resolve)
            return Reach(system, found["host"], _address(found, is_inside, resolve))
        case "objectstore" if system.setting("bucket"):
            return _bucket(system, is_inside, resolve)
        case "manual":
            return Reach(system)
    return _file(system, home, is_inside)


def _database(system: System, is_inside: bool, resolve: Resolve) -> Reach:
    found = _matched(_DATABASE, system.setting("url"), "postgresql://USER:${NAME}@HOST/DATABASE")
    query = found["query"] or ""
    if not all(_PARAMETERS.fullmatch(part) for part in query.split("&") if part):
        raise InputWrong("the URL has parameters that are not offered here", code="connect.parameters", hint=_OTHER)
    address = _address(found, is_inside, resolve)
    host = f"[{address}]" if ":" in address else address
    port = f":{found['port']}" if found["port"] else ""
    if found["scheme"].startswith("postgres"):  # libpq checks a certificate against the host and connects to the address
        url = f"{found['scheme']}://{found['user'] or ''}{found['host']}{port}/{found['database']}?{query}{'&' if query else ''}hostaddr={address}"
    else:
        url = f"{found['scheme']}://{found['user'] or ''}{host}{port}/{found['database']}{'?' if query else ''}{query}"
    return Reach(_with(system, {"url": url}), found["host"], address)


def _bucket(system: System, is_inside: bool, resolve: Resolve) -> Reach:
    if not _BUCKET.fullmatch(system.setting("bucket")) or not _REGION.fullmatch(system.setting("region", "none")):
        raise InputWrong("that is no name of a bucket, or of a region", code="connect.url", hint="for instance acme-lake in eu-central-1")
    endpoint = system.setting("endpoint_url")
    if not endpoint:
        return Reach(system)
    found = _matched(_ENDPOINT, endpoint, "https://HOST")
    address = _address(found, is_inside, resolve)
    if found["scheme"] == "https":
        return Reach(system, found["host"], address)
    host = f"[{address}]" if ":" in address else address
    return Reach(_with(system, {"endpoint_url": f"http://{host}:{found['port'] or 80}"}), found["host"], address)


def _file(system: System, home: Path, is_inside: bool) -> Reach:
    """Files of this machine. The engine's own are never a system: its store and its keys lie there."""
    found = _matched(_LOCAL, system.setting("url"), "sqlite:////ABSOLUTE/FILE, maildir:/PATH, mbox:/PATH, eml:/PATH or folder:/PATH")
    if not is_inside:
        raise NotAllowed("these are files of this machine", code="connect.inside", hint='say so by "inside our own network" if they are meant')
    path, own = Path(found["path"]).resolve(), home.resolve()
    if path.is_relative_to(own) or own.is_relative_to(path):
        raise NotAllowed("the engine's own files cannot be a system", code="connect.own_files", hint="name another folder")
    if not path.exists():
        raise InputWrong("there is nothing at this path", code="connect.missing", hint="SQLite would make an empty file, in which nobody is found")
    return Reach(system)


def _matched(form: re.Pattern[str], url: str, example: str) -> Mapping[str, str]:
    """The parts of a URL of this form. The URL is not repeated: it may hold a password."""
    found = form.fullmatch(url)
    if found is None:
        raise InputWrong("the URL is of no form that can be connected here", code="connect.url", hint=f"{example}; {_OTHER}")
    return found.groupdict()


def _address(found: Mapping[str, str], is_inside: bool, resolve: Resolve) -> str:
    """An address of the host, after all of them were judged."""
    host = found["host"].strip("[]")
    port = int(found["port"] or _PORTS[found["scheme"]])
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError):
        addresses = ()
    if not addresses:
        raise Unreachable("nobody knows where this host is", code="connect.unknown_host", hint="look at its name, and at this machine's DNS")
    for address in addresses:
        refuse(address, is_inside=is_inside)
    return _answering(addresses, port)


def _answering(addresses: Sequence[str], port: int) -> str:
    """The first of several that lets us connect: a machine's own name often means an address of IPv6 that nobody listens at. Else the first."""
    for address in addresses[:_TRIED] if len(addresses) > 1 else ():
        with suppress(OSError), socket.create_connection((address, port), timeout=_SECONDS):
            return address
    return addresses[0]


def refuse(address: str, *, is_inside: bool) -> None:
    """Raises `NotAllowed` for an address that may not be connected to."""
    place = place_of(address)
    if place is Place.NEVER:
        raise NotAllowed("the host's address is link-local, a metadata service or no host's", code="connect.never", hint="no system can be there")
    if place is Place.INSIDE and not is_inside:
        raise NotAllowed(
            "the host lies in a private network, or on this machine",
            code="connect.inside",
            hint='say so by "inside our own network" if that is meant',
        )


def _with(system: System, settings: Mapping[str, str]) -> System:
    return replace(system, settings={**system.settings, **{key: Secret(value) for key, value in settings.items()}})
