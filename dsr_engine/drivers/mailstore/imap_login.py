"""How an account proves to an IMAP server that it may open a mailbox. Nothing secret is said before the line is encrypted.

Where a token is refused, the server says so as JSON inside a challenge, which wants an answer before it says NO (RFC 7628 § 3.2.2, and Google's
description of XOAUTH2); the client library would answer with the token again. Of that JSON one word of the standards is told, and nothing else.
"""

import imaplib
import json
import re
from typing import Any

from imapclient.exceptions import LoginError

from dsr_engine.domain.errors import InputWrong, NotAllowed, NotSupported
from dsr_engine.drivers.mailstore.imap_account import Account
from dsr_engine.drivers.mailstore.imap_token import TOKENS, is_token
from dsr_engine.drivers.mailstore.imap_wire import Client, Garbled

#: What a server may call the reason (RFC 6750 § 3.1), and statuses of HTTP, which XOAUTH2 has in its place.
_REASONS = frozenset({"invalid_request", "invalid_token", "insufficient_scope", "400", "401", "403"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def refuse_preauth(client: Client) -> None:
    """Raises `NotAllowed` for a server that greets us as somebody who is in already: whoever sits on the line can say so, and stop STARTTLS."""
    if client._imap.state != "NONAUTH":
        raise NotAllowed("The mail server let us in before any login", code="mail.preauth", hint="it has to ask for a login: see its settings")


def log_in(client: Client, account: Account, offered: frozenset[str]) -> None:
    """Logs in by what the account has and the server offers. Raises `LoginError` where the server refuses, `NotSupported` where it offers no way."""
    if any(_CONTROL.search(text) for text in (account.user, account.master_user, account.password)):
        raise InputWrong("A user name or password holds a control character", code="mail.no_credentials", hint="correct user: and password:")
    if account.token or account.grant:
        _with_token(client, account, offered)
    elif "AUTH=PLAIN" in offered:
        client.plain_login(account.master_user or account.user, account.password, account.user if account.master_user else None)
    elif account.master_user:
        raise NotSupported(
            "The mail server does not take a master user (AUTH=PLAIN)", code="mail.no_master", hint='with Dovecot write user: "MAILBOX*MASTER"'
        )
    elif "LOGINDISABLED" in offered:
        raise NotSupported("The mail server takes no password", code="mail.no_login", hint="set token: or token_url:, if it takes tokens")
    else:
        _with_login(client, account)


def _with_login(client: Client, account: Account) -> None:
    if not (account.user + account.password).isascii():
        raise NotSupported(
            "The mail server takes passwords of ASCII letters only", code="mail.no_login", hint="choose another password, or turn on AUTH=PLAIN"
        )
    client.login(account.user, account.password)


def _with_token(client: Client, account: Account, offered: frozenset[str]) -> None:
    """With one more try where a token that was fetched is refused: it may have been taken back."""
    token = TOKENS.of(account.grant) if account.grant else account.token
    try:
        _bear(client, offered, account.user, token)
    except _Refused as error:
        if account.grant is None:
            raise _refusal(error.reason) from None
        try:
            _bear(client, offered, account.user, TOKENS.renewed(account.grant, token))
        except _Refused as again:
            raise _refusal(again.reason) from None


class _Refused(Exception):
    """The server does not take a token; `reason` is a word of `_REASONS`, or empty."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


def _refusal(reason: str) -> NotAllowed:
    told = f" ({reason})" if reason else ""
    return NotAllowed(
        f"The mail server does not take the token{told}",
        code="mail.token",
        hint="is it current, made for IMAP, and may its application open this mailbox?",
    )


def _bear(client: Client, offered: frozenset[str], user: str, token: str) -> None:
    if not is_token(token):
        raise InputWrong("`token` is no bearer token", code="mail.token", hint="give the token alone, without the word Bearer")
    if "AUTH=OAUTHBEARER" in offered:
        mechanism, speech = "OAUTHBEARER", _Bearer(f"n,a={user.replace('=', '=3D').replace(',', '=2C')},\1auth=Bearer {token}\1\1", b"\1")
    elif "AUTH=XOAUTH2" in offered:
        mechanism, speech = "XOAUTH2", _Bearer(f"user={user}\1auth=Bearer {token}\1\1", b"")
    else:
        raise NotSupported("The mail server takes no tokens", code="mail.no_oauth", hint="set user: and password: instead")
    try:
        client.sasl_login(mechanism, speech)
    except LoginError as error:
        if speech.reason is None and "UNAVAILABLE" in str(error).upper():
            raise
        raise _Refused(speech.reason or "") from None


class _Bearer:
    """What is said to the server's challenges: the token to the first, `end` to the second, which tells why it is refused."""

    def __init__(self, first: str, end: bytes) -> None:
        self._first, self._end, self._heard = first, end, 0
        self.reason: str | None = None

    def __call__(self, challenge: bytes) -> Any:
        self._heard += 1
        if self._heard == 1:
            return self._first
        if self._heard > 2:
            raise Garbled("the login does not end")
        self.reason = _reason(challenge)
        return self._end


def _reason(challenge: bytes) -> str:
    try:
        told = json.loads(challenge)
    except (ValueError, RecursionError):
        return ""
    status = told.get("status") if isinstance(told, dict) else None
    return status if isinstance(status, str) and status in _REASONS else ""


def capabilities_of(client: Client) -> frozenset[str]:
    """What the server offers now, asked anew: it may offer other things before a login than after it (RFC 3501 § 6.1.1)."""
    client._imap.untagged_responses.pop("CAPABILITY", None)
    client._cached_capabilities = None
    kind, answer = client._imap.capability()
    if kind != "OK" or answer == [None]:
        raise imaplib.IMAP4.abort("no capabilities")
    client._cached_capabilities = tuple(bytes(answer[-1]).upper().split())
    return frozenset(word.decode("ascii", "replace") for word in client._cached_capabilities)
