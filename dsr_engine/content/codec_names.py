"""Names of charsets as mails and files give them, and which of them name a codec that can read any bytes."""

import codecs

WIDE = ("utf-16", "utf-32")
_ANY_BYTES = bytes(range(256)) * 2


def known_codec(name: str) -> str:
    """Python's name of a text codec that reads any bytes, or nothing. UTF-16 and UTF-32 without a byte order mark are big-endian (RFC 2781 §4.3)."""
    try:
        found = codecs.lookup(name.strip().strip("\"'")).name
        found = f"{found}-be" if found in WIDE else found
        " ".encode(found)
        _ANY_BYTES.decode(found, "replace")
        codecs.getincrementaldecoder(found)("replace").decode(_ANY_BYTES, final=True)
        return found
    except (LookupError, TypeError, ValueError):  # ValueError: a NUL in the name, or picky (idna); TypeError, LookupError: not a text codec
        return ""
