"""Tokens that stand in the place of a password: fetched by the client credentials grant (RFC 6749 § 4.4), kept in memory, fetched again in time.

Microsoft 365 lets applications into mailboxes in this way only (scope `https://outlook.office365.com/.default`), see Microsoft's "Authenticate an
IMAP, POP or SMTP connection using OAuth". No word of the authorisation server is repeated but the error codes that its standard names.
"""

import ipaddress
import json
import re
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx

from dsr_engine.domain.errors import InputWrong, NotAllowed, Unreachable
from dsr_engine.drivers.mailstore.imap_account import Grant

#: Seconds to connect and to wait; bytes of the longest answer; statuses after which a later try may succeed.
_CONNECT, _READ, _MOST = 15.0, 30.0, 256 * 1024
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
#: Seconds before its end at which a token counts as spent; how long one lasts whose server does not say (RFC 6749 § 5.1 lets it).
_EARLY, _UNSAID, _LONGEST = 120.0, 300.0, 86_400.0
#: RFC 6750 § 2.1: nothing else can be a bearer token, and nothing else may get into a login.
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
#: RFC 6749 § 5.2.
_ERRORS = frozenset({"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"})


def is_token(text: str) -> bool:
    """True for what can be a bearer token."""
    return _TOKEN.fullmatch(text) is not None


def checked_token_url(url: str) -> str:
    """The address, if it is https (or on this very machine). Raises `InputWrong` without repeating it."""
    try:
        parts = urlsplit(url)
        is_right = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
        is_right = is_right and bool(parts.hostname) and parts.username is None and not parts.fragment
    except ValueError:
        is_right = False
    if not is_right:
        raise InputWrong(
            "`token_url` is not an https address",
            code="mail.token_url",
            hint="https://login.microsoftonline.com/TENANT/oauth2/v2.0/token",
        )
    return url


class Tokens:
    """The tokens of this process, one for each grant: connections and mailboxes share it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[Grant, tuple[str, float]] = {}

    def of(self, grant: Grant) -> str:
        """A token that still holds. Raises `Unreachable`, `NotAllowed`, `InputWrong`."""
        with self._lock:
            token, end = self._kept.get(grant, ("", 0.0))
            if not token or self._now() >= end:
                token, lasts = _fetched(grant)
                self._kept[grant] = token, self._now() + lasts - min(_EARLY, lasts / 2)
            return token

    def renewed(self, grant: Grant, token: str) -> str:
        """Another token than this one, which a server refused: it may have been taken back before its end."""
        with self._lock:
            if self._kept.get(grant, ("", 0.0))[0] == token:
                del self._kept[grant]
        return self.of(grant)


#: Those of this process.
TOKENS = Tokens()


def _fetched(grant: Grant) -> tuple[str, float]:
    """A new token and how many seconds it lasts."""
    form = {"grant_type": "client_credentials", "client_id": grant.client_id, "client_secret": grant.client_secret}
    status, content = _posted(grant, {**form, **({"scope": grant.scope} if grant.scope else {})})
    try:
        answer: Any = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    answer = answer if isinstance(answer, dict) else {}
    token = answer.get("access_token")
    is_bearer = str(answer.get("token_type", "")).lower() == "bearer"
    if status == 200 and is_bearer and isinstance(token, str) and is_token(token):
        lasts = answer.get("expires_in")
        seconds = float(lasts) if isinstance(lasts, int | str) and str(lasts).isdecimal() and len(str(lasts)) < 10 else _UNSAID
        return token, min(seconds, _LONGEST)
    if status in _BUSY:
        raise Unreachable("The authorisation server gives no token now", code="mail.token_server", hint="try again later")
    error = answer.get("error")
    why = error if isinstance(error, str) and error in _ERRORS else f"status {status}"
    raise NotAllowed(
        f"The authorisation server gives no token ({why})", code="mail.token", hint="check token_url, client_id, client_secret and scope"
    )


def _posted(grant: Grant, form: dict[str, str]) -> tuple[int, bytes]:
    url = checked_token_url(grant.token_url)
    try:
        context = ssl.create_default_context()
        if grant.ca_file:
            context.load_verify_locations(grant.ca_file)
    except OSError:
        raise InputWrong("The setting ca_file names no readable certificate", code="mail.ca_file", hint="give a PEM file") from None
    timeout = httpx.Timeout(_READ, connect=_CONNECT)
    try:
        with (
            httpx.Client(verify=context, timeout=timeout, trust_env=False, follow_redirects=False) as client,
            client.stream("POST", url, data=form, headers={"Accept": "application/json", "Accept-Encoding": "identity"}) as answer,
        ):
            content = bytearray()
            for piece in answer.iter_raw():
                content += piece
                if len(content) > _MOST:
                    break
            return answer.status_code, bytes(content)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise NotAllowed(
                "The authorisation server's certificate is not trusted", code="mail.certificate", hint="set ca_file: to its authority"
            ) from None
        raise Unreachable("The authorisation server cannot be reached", code="mail.token_server", hint="see that token_url is right") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
