"""Who vouches for servers: the authorities that this machine knows, or those in one file."""

import ssl
from pathlib import Path

from dsr_engine.domain.errors import InputWrong


def trust_in(ca_file: Path | str | None, code: str) -> ssl.SSLContext:
    """TLS 1.2 or newer, with certificate and name checked. Raises `InputWrong` with this code for a file that holds no certificates."""
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except OSError:  # `ssl.SSLError` is one
        hint = "a file with certificates in PEM form"
        raise InputWrong(f"{Path(ca_file or '').name} names no authority of certificates", code=code, hint=hint) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
