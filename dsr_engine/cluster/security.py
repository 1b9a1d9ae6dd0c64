"""Who may speak with whom in a cluster: anybody on this very machine, and elsewhere only who has a certificate of the cluster's own authority.

Whoever can reach a scheduler can run any code on its workers (docs.dask.org, "Security"), and orders hold passwords and identifiers. So plain
connections are for the loopback only.
"""

from importlib import import_module
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from dsr_engine.domain.errors import InputWrong, NotSupported
from dsr_engine.settings import ClusterSettings


def distributed() -> Any:
    """The library. Raises `NotSupported` (`cluster.needs_extra`) where it is not installed."""
    try:
        return import_module("distributed")
    except ImportError:
        raise NotSupported(
            "searching on a cluster takes a library that is not installed",
            code="cluster.needs_extra",
            hint="pip install 'dsr-engine[cluster]'",
        ) from None


def refuse_open_door(cluster: ClusterSettings) -> None:
    """Raises `InputWrong` (`cluster.open`) for a plain address beyond this machine, (`cluster.keys`) for an encrypted one without all three files."""
    parsed = urlsplit(cluster.address)
    if parsed.scheme not in ("tcp", "tls") or not parsed.hostname:
        raise InputWrong("the cluster's address is not one", code="cluster.address", hint="tls://HOST:8786, or tcp://127.0.0.1:8786 on one machine")
    if parsed.scheme == "tls" and None in (cluster.ca, cluster.cert, cluster.key):
        raise InputWrong("an encrypted cluster takes an authority, a certificate and its key", code="cluster.keys", hint="give all three")
    if parsed.scheme == "tcp" and not _is_here(parsed.hostname):
        raise InputWrong(
            "plain connections to a cluster are for this very machine only", code="cluster.open", hint="use tls:// with certificates beyond it"
        )


def security_of(cluster: ClusterSettings) -> Any:
    """The library's settings for these; None for a plain cluster. Every side has to show a certificate."""
    if not cluster.address.startswith("tls://"):
        return None
    sides = {
        f"tls_{side}_{what}": str(path) for side in ("scheduler", "worker", "client") for what, path in (("cert", cluster.cert), ("key", cluster.key))
    }
    return distributed().Security(require_encryption=True, tls_ca_file=str(cluster.ca), **sides)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
