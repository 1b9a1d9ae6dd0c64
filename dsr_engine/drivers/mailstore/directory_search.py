"""Asks a directory for the names of mailboxes, page by page (RFC 2696), and takes no part of an answer for the whole.

A server that stops at a limit, refers to another server, or has entries without the attribute is an error: each would be mailboxes that nobody looks
into. TLS is Python's own with its check of names, because the library's leaves that check to itself and to functions that Python has given up.
"""

import contextlib
import ipaddress
import ssl
import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from dsr_engine.domain.errors import InputWrong, ManifestWrong, NotAllowed, NotSupported, Unreachable
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.mailstore.directory import Directory
from dsr_engine.drivers.whereabouts import refuse_never

#: Seconds to connect, and seconds to wait for an answer.
_CONNECT, _ANSWER = 15, 60

#: Entries in one page.
_PAGE = 500

#: Entries that are taken at most: a filter that brings more means something else than mailboxes.
_MOST = 1_000_000

CODE = "mail.directory"
_REFUSED = frozenset(
    {8, 48, 49, 50, 53}
)  # strongerAuthRequired, inappropriateAuthentication, invalidCredentials, insufficientAccessRights, unwillingToPerform
_REFERRAL = 10
_WRONG = frozenset({17, 18, 21, 32, 34})  # undefinedAttributeType … noSuchObject, invalidDNSyntax


def names(directory: Directory) -> Sequence[str]:
    """Every value of the attribute in the entries that the filter picks.

    Raises `Unreachable`, `NotAllowed` (login, certificate), `ManifestWrong` (no such base, entries without the attribute), `NotSupported`.
    """
    library = _library()
    with _answers(library), _connected(library, directory) as connection:
        entries = connection.extend.standard.paged_search(
            directory.base, directory.filter, attributes=[directory.attribute], paged_size=_PAGE, paged_criticality=True, generator=True
        )
        found: list[str] = []
        bare = 0
        for entry in entries:
            if entry["type"] != "searchResEntry":
                raise NotSupported(
                    "The directory refers to another server for a part of the answer", code=CODE, hint="choose a narrower `base`, one for each server"
                )
            values = [value.decode("utf-8") for value in _values(entry, directory.attribute)]
            found += values
            bare += not values
            if len(found) > _MOST:
                raise NotSupported(f"The directory has more than {_MOST:,} mailboxes", code=CODE, hint="narrow `filter`")
        _refuse_part(connection.result)
    if bare:
        raise ManifestWrong(
            f"{bare} entries of the directory have no such attribute", code=CODE, hint="see `attribute`, and add it to `filter`: (attribute=*)"
        )
    return found


def _refuse_part(result: dict[str, Any]) -> None:
    """The library takes several ways of "there is more" for an end."""
    if result.get("referrals") or result["result"] == _REFERRAL:
        raise NotSupported("The directory refers to another server", code=CODE, hint="name that server in `url`")
    if result["result"] != 0:
        raise Unreachable(f"The directory could not answer wholly (result {result['result']})", code=CODE, hint="see its limits, such as sizelimit")


def _values(entry: dict[str, Any], attribute: str) -> list[bytes]:
    """The directory's own spelling of the attribute may be another; options (`mail;lang-de`) are the same attribute."""
    raw = entry["raw_attributes"]
    return [value for name in raw if name.partition(";")[0].casefold() == attribute.casefold() for value in raw[name]]


@contextlib.contextmanager
def _connected(library: Any, directory: Directory) -> Iterator[Any]:
    parts = _parts(directory)
    refuse_never(System("ldap", Manifest("ldap", "mailstore"), {"url": Secret(directory.url)}))
    is_whole = parts.scheme == "ldaps"
    server = library.Server(
        parts.hostname,
        parts.port or (636 if is_whole else 389),
        use_ssl=is_whole,
        tls=_handshake(library, directory, str(parts.hostname)),
        get_info=library.NONE,
        connect_timeout=_CONNECT,
    )
    login = {"user": directory.user, "password": directory.password} if directory.user else {}
    connection = library.Connection(
        server, **login, read_only=True, raise_exceptions=True, auto_referrals=False, receive_timeout=_ANSWER, check_names=False
    )
    try:
        connection.open()
        if not is_whole and directory.tls != "off":
            connection.start_tls()
        connection.bind()
        yield connection
    finally:
        line = connection.socket
        with contextlib.suppress(library.core.exceptions.LDAPException, OSError):
            connection.unbind()
        if line is not None:  # the library leaves a socket open whose connection failed
            line.close()


def _parts(directory: Directory) -> Any:
    try:
        parts = urlsplit(directory.url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("ldap", "ldaps") or not parts.hostname or parts.username is not None:
        raise InputWrong(
            "The url of the directory is none", code=CODE, hint="ldaps://HOST or ldaps://HOST:PORT; `user` and `password` stand beside it"
        )
    if directory.tls == "off" and (parts.scheme == "ldaps" or not _is_loopback(str(parts.hostname))):
        raise InputWrong(
            "A directory is to be asked without encryption over the network",
            code="mail.cleartext",
            hint="tls: off is for ldap:// to this machine only",
        )
    if directory.user and not directory.password:
        # Servers take a name without a password for nobody at all, and answer with what anybody may see (RFC 4513 § 5.1.2).
        raise InputWrong("The directory's user has no password", code=CODE, hint="set `password` in the block `ldap`, or leave `user` out")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _handshake(library: Any, directory: Directory, host: str) -> Any:
    """The library's own class for TLS, which it insists on, with another way to begin it."""
    try:
        context = ssl.create_default_context(cafile=directory.ca_file or None)
    except OSError:
        raise InputWrong("The setting ca_file names no readable certificate", code="mail.ca_file", hint="give a PEM file") from None

    class Handshake(library.Tls):  # type: ignore[misc]  # the library has no types
        def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
            connection.socket = context.wrap_socket(connection.socket, server_hostname=host, do_handshake_on_connect=do_handshake)

    return Handshake()


@contextlib.contextmanager
def _answers(library: Any) -> Iterator[None]:
    """Turns what goes wrong with a directory into the engine's errors; its own texts name entries."""
    errors = library.core.exceptions
    try:
        yield
    except errors.LDAPOperationResult as error:
        if error.result in _REFUSED:
            raise NotAllowed("The directory refused the login or the search", code=CODE, hint="check `user` and `password` of `ldap`") from None
        if error.result in _WRONG:
            raise ManifestWrong(
                "The directory does not know what `ldap` asks for", code=CODE, hint="check `base`, `filter` and `attribute`"
            ) from None
        raise Unreachable(f"The directory could not answer wholly (result {error.result})", code=CODE, hint="see its limits and its log") from None
    except (errors.LDAPInvalidFilterError, errors.LDAPAttributeError, errors.LDAPObjectClassError, errors.LDAPInvalidDnError):
        raise InputWrong("`filter`, `base` or `attribute` of `ldap` is not well-formed", code=CODE, hint='write filter: "(mail=*)"') from None
    except UnicodeDecodeError:
        raise InputWrong("A value of the directory is no text", code=CODE, hint="see `attribute`") from None
    except (errors.LDAPException, OSError) as error:
        if _is_untrusted(error):
            raise NotAllowed("The directory's certificate is not trusted", code="mail.certificate", hint="set ca_file: to its authority") from None
        raise Unreachable("The connection to the directory failed", code=CODE, hint="see that host and port are right") from None


def _is_untrusted(error: BaseException) -> bool:
    """The library wraps what happened when it connects, as text or as the cause."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # ldap3 2.9.1 uses names that pyasn1 renamed
            return import_module("ldap3")
    except ImportError:
        raise NotSupported(
            "Mailboxes cannot be listed from a directory without ldap3",
            code="mail.no_ldap",
            hint="install dsr-engine[ldap], or use `command` with ldapsearch",
        ) from None
