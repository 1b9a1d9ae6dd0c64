"""Tells mails that a rewrite would destroy: encrypted ones, and those whose whole body is a signature's container."""

import email.policy
from collections.abc import Callable
from email.parser import BytesHeaderParser
from typing import BinaryIO

#: As much of a mail as headers are looked for in, in bytes.
_HEAD = 1024 * 1024

_PKCS7 = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})


def is_sealed(open_file: Callable[[], BinaryIO]) -> bool:
    """True for S/MIME envelopes (RFC 8551), PGP/MIME (RFC 3156) and other multipart/encrypted (RFC 1847).

    A detached signature (multipart/signed, DKIM) does not seal: the mail can be rewritten, and the signature then fails, as it should.
    """
    with open_file() as source:
        head = source.read(_HEAD)
    kind = BytesHeaderParser(policy=email.policy.compat32).parsebytes(head).get_content_type()
    return kind == "multipart/encrypted" or kind in _PKCS7
