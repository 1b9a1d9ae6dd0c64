"""Which mailbox is opened at which server, and by what right: its own password, a master user's, or a token."""

from dataclasses import dataclass, replace
from enum import Enum

from dsr_engine.domain.errors import InputWrong

#: What stands between mailbox and master user in a login name, where a server (Dovecot by default) takes both in one.
SEPARATOR = "*"


class Tls(Enum):
    """WHOLE: encrypted from the first byte (imaps). STARTTLS: before the login, or not at all. OFF: loopback only."""

    WHOLE = "whole"
    STARTTLS = "starttls"
    OFF = "off"


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """Where a token is fetched for an application of its own (client credentials, RFC 6749 § 4.4).

    `ca_file` (may be empty) is trusted beside the machine's authorities.
    """

    token_url: str
    client_id: str
    client_secret: str
    scope: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """Where to log in and as whom. `ca_file` (may be empty) is trusted instead of the machine's authorities.

    `user` is the mailbox; Dovecot takes `MAILBOX*MASTER` as well. `master_user` is whose password it is where that is another one (the authentication
    identity of SASL PLAIN, RFC 4616; `user` is then the authorization identity). `token` or `grant` stand in the place of a password.
    `bytes_per_day` (0: no limit) is what this mailbox may move in any 24 hours, counted in a file below `counted_in`. `leaves_media`: of films and
    recordings only the ends are fetched.
    """

    host: str
    port: int
    user: str
    password: str
    tls: Tls
    ca_file: str = ""
    master_user: str = ""
    token: str = ""
    grant: Grant | None = None
    bytes_per_day: int = 0
    counted_in: str = ""
    leaves_media: bool = True

    @property
    def mailbox(self) -> str:
        """Whose mail it is, whoever logs in."""
        return self.user.partition(SEPARATOR)[0]

    @property
    def opens_others(self) -> bool:
        """True if this account can open mailboxes of other users."""
        return SEPARATOR in self.user or bool(self.master_user or self.token or self.grant)

    def of(self, mailbox: str) -> "Account":
        """The same right, at another user's mailbox. Raises `InputWrong` where one password opens one mailbox only."""
        if not self.opens_others:
            raise InputWrong(
                "The password of one user opens no other mailbox",
                code="mail.no_master",
                hint='set master_user: (or user: "*MASTER" with Dovecot), or token_url: for a server that takes tokens',
            )
        _, separator, master = self.user.partition(SEPARATOR)
        return replace(self, user=f"{mailbox}{separator}{master}")
