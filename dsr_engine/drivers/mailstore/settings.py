"""Which store the settings of a system mean."""

import ipaddress
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.system import COUNTED_IN, System
from dsr_engine.drivers.mailstore.eml import Eml
from dsr_engine.drivers.mailstore.imap import Imap
from dsr_engine.drivers.mailstore.imap_account import Account, Grant, Tls
from dsr_engine.drivers.mailstore.imap_token import checked_token_url, is_token
from dsr_engine.drivers.mailstore.maildir import Maildir
from dsr_engine.drivers.mailstore.mbox import Mbox
from dsr_engine.drivers.mailstore.store import Store

_ON_DISK: Mapping[str, Callable[[Path], Store]] = {"maildir": Maildir, "mbox": Mbox, "eml": Eml}


def store_of(system: System) -> Store:
    """The store behind a system's `url`. Raises `InputWrong`; nothing is opened yet."""
    url = system.setting("url")
    kind, _, rest = url.partition(":")
    if kind in _ON_DISK and rest:
        return _ON_DISK[kind](Path(unquote(rest.removeprefix("//")) if rest.startswith("//") else rest).expanduser())
    if kind in ("imap", "imaps"):
        return imap_of(account_of(system))
    raise InputWrong(
        f"The url of system {system.name} is of no kind of mail store",
        code="mail.url",
        hint="maildir:PATH, mbox:PATH, eml:PATH, imap://HOST or imaps://HOST",
    )


def imap_of(account: Account) -> Store:
    """The store behind one IMAP account; nothing is opened yet."""
    return Imap(account)


def account_of(system: System) -> Account:
    """Where the settings of a system log in, and as whom. Raises `InputWrong`."""
    url = system.setting("url")
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
    token, master, ca_file = system.setting("token"), system.setting("master_user"), system.setting("ca_file")
    grant = _grant(system, ca_file)
    _refuse_odd_login(system, user, password=password, token=token, master=master, grant=grant)
    most = int(system.setting("bytes_per_day", "0"))
    port = port or (993 if tls is Tls.WHOLE else 143)
    leaves_media = system.setting("attachments", "text") != "all"
    return Account(host, port, user, password, tls, ca_file, master, token, grant, most, system.setting(COUNTED_IN), leaves_media)


def _grant(system: System, ca_file: str) -> Grant | None:
    """Where a token is fetched; None: nowhere."""
    said = {key: system.setting(key) for key in ("token_url", "client_id", "client_secret")}
    if not any(said.values()):
        return None
    missing = [f"{key}:" for key, value in said.items() if not value]
    if missing:
        raise InputWrong(f"System {system.name} cannot fetch a token", code="mail.no_credentials", hint=f"set {' and '.join(missing)}")
    return Grant(checked_token_url(said["token_url"]), said["client_id"], said["client_secret"], system.setting("scope"), ca_file)


def _refuse_odd_login(system: System, user: str, *, password: str, token: str, master: str, grant: Grant | None) -> None:
    """Raises `InputWrong` unless there is exactly one way to log in."""
    ways = sum(map(bool, (password, token, grant)))
    if not ways or not (user or system.setting("mailboxes")):
        raise InputWrong(
            f"System {system.name} needs a user and a password", code="mail.no_credentials", hint="set user: and password:, token: or token_url:"
        )
    if ways > 1 or (master and not password):
        raise InputWrong(
            f"System {system.name} has more than one way to log in",
            code="mail.no_credentials",
            hint="set one of password:, token: and token_url:; master_user: goes with a password only",
        )
    if token and not is_token(token):
        raise InputWrong(f"The token of system {system.name} is none", code="mail.token", hint="give the token alone, without the word Bearer")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
