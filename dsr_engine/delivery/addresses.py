"""E-mail addresses as they may stand in a message: one address, on one line, in the form that mail servers speak."""

from dataclasses import dataclass
from email.utils import parseaddr

from email_validator import EmailNotValidError, validate_email

from dsr_engine.domain.errors import InputWrong


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """`domain` is in ASCII (RFC 5891). `local` may hold other letters; then the server must know SMTPUTF8 (RFC 6531)."""

    name: str
    local: str
    domain: str

    @property
    def spec(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def is_international(self) -> bool:
        return not self.local.isascii()


def address_of(text: str) -> Address:
    """`ann@example.org` or `Ann Officer <ann@example.org>`. Raises `InputWrong` without repeating it."""
    refused = InputWrong("this is not one e-mail address", code="post.address", hint="write it as name@domain")
    if not text.isprintable():
        raise refused
    name, spec = parseaddr(text) if "<" in text else ("", text.strip())
    try:
        # Addresses of the own network count too: whether one exists, its server says.
        found = validate_email(spec, check_deliverability=False, allow_quoted_local=True, globally_deliverable=False, test_environment=True)
    except EmailNotValidError:
        raise refused from None
    local, domain = found.local_part, found.ascii_domain
    return Address(name, local or "", domain)
