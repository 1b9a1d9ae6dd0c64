"""Where a private S3 server answers, whichever it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class S3Server:
    """`reader_key` may read and list only; empty where the server knows no such account."""

    endpoint: str
    access_key: str
    secret_key: str
    reader_key: str = ""
    reader_secret: str = ""
