"""A low hurdle for programs that fill in every form they find, in place of a puzzle: a field that people leave empty, and a little time.

Whoever falls over it sees the form again with what they wrote; nobody is turned away, and nobody else is asked (no CAPTCHA of a third party).
"""

import hmac
from datetime import timedelta

from dsr_engine.workflow.house import House

#: Nobody reads and fills in the form in less.
LEAST = timedelta(seconds=2)
_PURPOSE = "portal form"


def begun(house: House) -> str:
    """When the form was shown, in a way that nobody can make up."""
    at = str(int(house.clock.now().timestamp()))
    return f"{at}.{house.store.web_key.digest(_PURPOSE, at).hex()}"


def is_too_quick(house: House, text: str) -> bool:
    """True for a form that was shown a moment ago, or never."""
    at, _, mark = text.partition(".")
    if not at.isascii() or not at.isdigit() or not hmac.compare_digest(mark.encode(), house.store.web_key.digest(_PURPOSE, at).hex().encode()):
        return True
    return house.clock.now().timestamp() - int(at) < LEAST.total_seconds()
