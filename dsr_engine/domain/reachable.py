"""What an address is to us: everybody's, our own network's, or no place where a program of anybody's choosing may be led to (CWE-918).

Metadata services of clouds hand out the machine's own accounts to whoever asks from it, so nothing and nobody is allowed there.
"""

import ipaddress
from collections.abc import Iterator
from enum import StrEnum

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Place(StrEnum):
    """PUBLIC: on the internet. INSIDE: this machine or a private network. NEVER: link-local, a metadata service, or no host's address."""

    PUBLIC = "public"
    INSIDE = "inside"
    NEVER = "never"


def _networks(*texts: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))


#: 192.0.0.0/24 and 192.88.99.0/24 are protocols' own (RFC 6890, RFC 7526), fec0::/10 is what private networks were (RFC 3879); the others are
#: metadata services of Alibaba, Azure, Amazon, Google and Oracle.
_NEVER = _networks(
    *("0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.88.99.0/24", "100.100.100.200/32", "168.63.129.16/32"),
    *("fe80::/10", "fec0::/10", "fd00:ec2::/32", "fd20:ce::/32", "fd00:c1::/32"),
)
#: Where IPv6 addresses of the internet begin (RFC 4291 § 2.4), and what of it is for documents (RFC 9637).
_UNICAST, _DOCUMENTS = _networks("2000::/3", "3fff::/20")
#: An IPv4 address stands in the last 32 bits of these: of the first for everybody (RFC 6052), of the others inside a network or nowhere any more
#: (RFC 8215, RFC 4291 § 2.5.5.1, RFC 2765).
_TRANSLATED, *_CARRYING = _networks("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")
_RANK = (Place.PUBLIC, Place.INSIDE, Place.NEVER)


def place_of(address: str) -> Place:
    """What an address (as text, with or without a zone) is to us. An IPv6 address that carries an IPv4 one is what that one is, or worse.

    Raises `ValueError` for text that is no address.
    """
    return max((_place(meant) for meant in _meanings(ipaddress.ip_address(address.partition("%")[0]))), key=_RANK.index)


def _place(address: Address) -> Place:
    if address.is_loopback:
        return Place.INSIDE
    is_nobodys = address.is_multicast or address.is_unspecified or (address.version == 4 and address.is_reserved)
    if is_nobodys or any(address.version == network.version and address in network for network in _NEVER):
        return Place.NEVER
    is_assigned = address.version == 4 or (address in _UNICAST and address not in _DOCUMENTS)
    return Place.PUBLIC if address.is_global and is_assigned else Place.INSIDE


def _meanings(address: Address) -> Iterator[Address]:
    """The address, and what it carries inside: the way may lead there."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    is_only_form = address.ipv4_mapped is not None or address.sixtofour is not None or address in _TRANSLATED
    if not is_only_form:
        yield address
    for carried in (address.ipv4_mapped, address.sixtofour, address.teredo[1] if address.teredo else None):
        if carried is not None:
            yield carried
    if address in _TRANSLATED or (int(address) > 1 and any(address in network for network in _CARRYING)):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
