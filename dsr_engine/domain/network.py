"""Who counts as one visitor where tries are counted: an address, or the network that one household or one machine has to itself."""

import ipaddress


def network_of(address: str) -> str:
    """What is counted as one visitor: an IPv4 address, or the /64 network of an IPv6 address, of which one household has them all."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
