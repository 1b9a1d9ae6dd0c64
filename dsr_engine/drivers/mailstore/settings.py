"""Which store the settings of a system mean."""

import ipaddress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.system import System
from dsr_engine.drivers.mailstore.imap import Imap
from dsr_engine.drivers.mailstore.imap_session import Account, Tls
from dsr_engine.drivers.mailstore.maildir import Maildir
from dsr_engine.drivers.mailstore.mbox import Mbox
from dsr_engine.drivers.mailstore.store import Store


def store_of(system: System) -> Store:
    """The store behind a system's `url`. Raises `InputWrong`; nothing is opened yet."""
    url = system.setting("url")
    kind, _, rest = url.partition(":")
    if kind in ("maildir", "mbox") and rest:
        path = Path(unquote(rest.removeprefix("//")) if rest.startswith("//") else rest).expanduser()
        return Maildir(path) if kind == "maildir" else Mbox(path)
    if kind in ("imap", "imaps"):
        return Imap(_account(system, url))
    raise InputWrong(
        f"The url of system {system.name} is of no kind of mail store",
        code="mail.url",
        hint="maildir:PATH, mbox:PATH, imap://HOST or imaps://HOST",
    )


def _account(system: System, url: str) -> Account:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
        parts = urlsplit("imap:")
    if not host:
        raise InputWrong(f"The url of system {system.name} names no host", code="mail.url", hint="imaps://HOST or imaps://HOST:PORT")
    tls = Tls.WHOLE if parts.scheme == "imaps" else Tls.STARTTLS
    if system.setting("tls") == "off":
        if tls is Tls.WHOLE or not _is_loopback(host):
            raise InputWrong(
                f"System {system.name} asks for mail without encryption over the network",
                code="mail.cleartext",
                hint="tls: off is for imap:// to this machine only; leave it out",
            )
        tls = Tls.OFF
    user = system.setting("user") or unquote(parts.username or "")
    password = system.setting("password") or unquote(parts.password or "")
    if not user or not password:
        raise InputWrong(f"System {system.name} needs a user and a password", code="mail.no_credentials", hint="set user: and password:")
    return Account(host, port or (993 if tls is Tls.WHOLE else 143), user, password, tls, system.setting("ca_file"))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
