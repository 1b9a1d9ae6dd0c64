"""Where a system is said to be, looked up before anything connects: nothing is ever asked of a metadata service or another link-local address.

Whoever writes `systems.yaml`, or connects a system from a page, may name any host; a name server may say later that it means another one. So each
opening looks again. It is no proof against a name server that answers us and the connector a moment later differently; what such a connection could
ask there is a database's greeting, a TLS handshake, or the listing of a bucket, and no answer of it is ever shown.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import parse_qsl, urlsplit

from dsr_engine.domain.errors import NotAllowed
from dsr_engine.domain.reachable import Place, place_of
from dsr_engine.domain.system import System

#: All addresses of a host, as text. Raises `OSError` where nobody knows it.
Resolve = Callable[[str], Sequence[str]]


def addresses_of(host: str) -> Sequence[str]:
    """What this machine's resolver says."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def refuse_never(system: System, resolve: Resolve = addresses_of) -> None:
    """Raises `NotAllowed` for a system whose host is, or means, an address where no system can be.

    A host that nobody knows is the driver's matter.
    """
    for host in _hosts(system):
        if Place.NEVER in _places(host, resolve):
            text = f"the host of system {system.name} is link-local, a metadata service or no host's address"
            raise NotAllowed(text, code="system.never", hint="no system can be there: look at its url, and at this machine's DNS")


def _places(host: str, resolve: Resolve) -> set[Place]:
    """What the host is to us, by all that its name means; nothing where nobody knows it."""
    try:
        return {place_of(host)}
    except ValueError:
        pass
    try:
        return {place_of(address) for address in resolve(host)}
    except (OSError, ValueError):
        return set()


def _hosts(system: System) -> Iterator[str]:
    """Every host that a setting names, also where a URL names several or names them behind its `?`."""
    for key in ("url", "endpoint_url", "token_url"):
        try:
            parts = urlsplit(system.setting(key))
            named = parts.netloc.rpartition("@")[2].split(",") if parts.netloc else []
        except ValueError:  # the driver says what is wrong with it
            continue
        behind = [value for name, value in parse_qsl(parts.query) if name in ("host", "hostaddr") for value in value.split(",")]
        for text in (*named, *behind):
            host = text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0]
            if host and not host.startswith("/"):
                yield host
