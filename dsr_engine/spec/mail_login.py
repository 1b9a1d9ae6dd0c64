"""The keys by which a mail system logs in, and the bytes that it may move in a day."""

from collections.abc import Collection, Mapping

from dsr_engine.domain.selector import Secret
from dsr_engine.spec.pace import parse_bytes
from dsr_engine.spec.scalars import Parsed

#: What a login is made of, beside the user.
LOGIN = ("password", "master_user", "token", "token_url", "client_id", "client_secret", "scope")
#: Each of these is a way to log in by itself.
_WAYS = ("password", "token", "token_url")


def bytes_per_day() -> Parsed:
    """The key `bytes_per_day`, as a number in digits."""
    return Parsed(_bytes, "a number of bytes with its unit", "2 GB")


def _bytes(text: str) -> str | None:
    amount = None if "/" in text else parse_bytes(text)
    return None if amount is None else str(amount)


def other_login(own: Collection[str], said: Mapping[str, Secret]) -> Mapping[str, Secret]:
    """Settings that take the place of a system's own (whose keys are given) for one purpose.

    Another way to log in takes the place of the whole one, not of a part: what it does not say is emptied.
    """
    if not any(way in said for way in _WAYS):
        return said
    return {**{key: Secret("") for key in LOGIN if key in own}, **said}
