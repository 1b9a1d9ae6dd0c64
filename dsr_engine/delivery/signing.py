"""How a body that leaves the house is signed, and how its receiver tells that it is ours and fresh.

X-DSR-Timestamp: 1793443200
X-DSR-Signature: sha256=HEX      HMAC-SHA-256 of `TIMESTAMP.BODY` under the shared secret
"""

import hashlib
import hmac
from collections.abc import Mapping

TIMESTAMP, SIGNATURE = "X-DSR-Timestamp", "X-DSR-Signature"
#: A receiver refuses what is older or newer than so many seconds: whoever recorded a call cannot send it again later.
FRESH = 300


def signed_headers(secret: bytes, body: bytes, now: int) -> Mapping[str, str]:
    """The two headers for this body; `now` in seconds since 1970."""
    return {TIMESTAMP: str(now), SIGNATURE: f"sha256={_mark(secret, str(now), body)}"}


def verify_signature(secret: bytes, timestamp: str, body: bytes, signature: str, now: int) -> bool:
    """True if the body bears our signature and was sent within five minutes of `now`."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12) or abs(now - int(timestamp)) > FRESH:
        return False
    return hmac.compare_digest(f"sha256={_mark(secret, timestamp, body)}".encode(), signature.encode())


def _mark(secret: bytes, timestamp: str, body: bytes) -> str:
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
