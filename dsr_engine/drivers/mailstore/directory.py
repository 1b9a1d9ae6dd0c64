"""Where in a directory (LDAP) the names of mailboxes stand; `directory_search.py` asks it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Directory:
    """`filter` is one of RFC 4515, `attribute` what holds the mailbox's name. Without `user` the directory is asked anonymously.

    `ldaps://` is encrypted from the first byte, `ldap://` by StartTLS before anything is said; `tls` is `off` only for a directory on this machine.
    """

    url: str
    base: str
    filter: str
    attribute: str
    user: str = ""
    password: str = ""
    ca_file: str = ""
    tls: str = ""
