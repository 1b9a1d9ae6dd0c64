"""Who calls the API: a program with a token in its Authorization header. Cookies count for nothing here, so no page can make a browser call it."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, abort, current_app, g, request

from dsr_engine.domain.errors import InputWrong, NotAllowed
from dsr_engine.domain.network import network_of
from dsr_engine.domain.user import Permission
from dsr_engine.web.guard import house
from dsr_engine.workflow.users.signing_in import throttle
from dsr_engine.workflow.users.tokens import PREFIX, Caller, caller_of

#: Which permission an operation asks for stands on its view under this name.
API_MARK = "dsr_api_needs"
#: `calls_per_minute` counts calls with one token to one process; from one address come so many times more.
MINUTE, TOKENS_OF_AN_ADDRESS = timedelta(minutes=1), 2
#: So many tokens that do not hold, from one address in a quarter of an hour, over all processes.
WRONG_TOKENS = 60
LIMITS = "dsr-api-limits"
_MOST_COUNTED = 10_000
_TOKEN = re.compile(PREFIX + "[0-9a-f]{64}")


@dataclass(slots=True)
class Limits:
    """Counts calls in the memory of this process: a row in the store for each call would cost more than the call."""

    _counts: dict[str, tuple[datetime, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_over(self, what: str, most: int, now: datetime) -> bool:
        """Counts a call; True beyond `most` in a minute."""
        with self._lock:
            if len(self._counts) >= _MOST_COUNTED:
                self._counts = {name: seen for name, seen in self._counts.items() if now - seen[0] < MINUTE}
            begun, count = self._counts.get(what, (now, 0))
            if now - begun >= MINUTE:
                begun, count = now, 0
            self._counts[what] = (begun, count + 1)
            return count + 1 > most


def count_calls(app: Flask) -> None:
    """Gives the app its counts."""
    app.extensions[LIMITS] = Limits()


def check_caller() -> None:
    """Stands before every operation: counts the call, and lets in who has the permission that the operation names."""
    view = current_app.view_functions[request.endpoint or ""]
    needed = getattr(view, API_MARK, None)
    if not isinstance(needed, Permission):
        abort(403)
    if not bearer().may(needed):
        raise NotAllowed(
            f"this token has no permission {needed.value}", code="token.permission", hint="make one that has it, on the page of your account"
        )


def bearer() -> Caller:
    """Who calls with the token of this request. Raises `NotAllowed` (`token.wrong`, `sign_in.often`), `InputWrong` (`token.in_url`)."""
    if any(_TOKEN.search(value) for values in request.args.listvalues() for value in values):
        raise InputWrong(
            "a token does not belong into an address", code="token.in_url", hint="addresses are logged on the way: revoke it, and make another"
        )
    address = network_of(request.remote_addr or "")
    count_address("api")
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not value.startswith(PREFIX):
        raise NotAllowed("a token is needed", code="token.wrong", hint="Authorization: Bearer dsr_…, from the page of your account")
    try:
        found = caller_of(house(), value.strip())
    except NotAllowed:
        throttle(house(), "api address", address, WRONG_TOKENS)
        raise
    g.caller = found
    if _limits().is_over(f"token {found.token}", house().settings.web.calls_per_minute, house().clock.now()):
        raise _often()
    return found


def count_address(door: str) -> None:
    """Counts a call at a door for programs by the address that it came from. Raises `NotAllowed` (`sign_in.often`)."""
    most = TOKENS_OF_AN_ADDRESS * house().settings.web.calls_per_minute
    if _limits().is_over(f"{door} {network_of(request.remote_addr or '')}", most, house().clock.now()):
        raise _often()


def _limits() -> Limits:
    found: Limits = current_app.extensions[LIMITS]
    return found


def caller() -> Caller:
    """Who calls; in operations only."""
    found: Caller = g.caller
    return found


def allows(permission: Permission, view: Callable[..., Any]) -> Callable[..., Any]:
    """The view, marked with the permission that it asks for."""
    setattr(view, API_MARK, permission)
    return view


def _often() -> NotAllowed:
    return NotAllowed("that was called too often", code="sign_in.often", hint="wait a minute")
