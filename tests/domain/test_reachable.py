"""Every way to write an address means the address; none is a way around what it is to us."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.domain.reachable import Place, place_of


def _forms(four: ipaddress.IPv4Address) -> list[str]:
    """The IPv6 addresses that lead, or led, to an IPv4 one."""
    number = int(four)
    high, low = number >> 16, number & 0xFFFF
    return [f"::ffff:{four}", f"64:ff9b::{four}", f"64:ff9b:1::{four}", f"::{four}", f"::ffff:0:{high:x}:{low:x}", f"2002:{high:x}:{low:x}::1"]


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::93.184.216.34", "::ffff:93.184.216.34", "2002:5db8:d822::1"])
def test_the_internet_is_public(address: str) -> None:
    assert place_of(address) is Place.PUBLIC


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "100.64.0.1", "fd12::1", "2001:db8::1", "3fff::1", "5f00::1", "198.18.0.1"])
def test_private_networks_are_inside(address: str) -> None:
    assert place_of(address) is Place.INSIDE


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1%eth0", "fd20:ce::254", "fec0::1", "ff02::1", "::", "0.0.0.0", "255.255.255.255"])
def test_some_addresses_are_for_nobody(address: str) -> None:
    assert place_of(address) is Place.NEVER


@given(st.ip_addresses(v=4))
def test_no_other_form_makes_an_address_more_public(four: ipaddress.IPv4Address) -> None:
    rank = list(Place)
    for form in _forms(four):
        if int(ipaddress.ip_address(form)) > 1:
            assert rank.index(place_of(form)) >= rank.index(place_of(str(four))), form


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_every_address_has_a_place(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if place_of(str(address)) is Place.PUBLIC:
        is_nobodys = address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
        assert not is_nobodys


def test_what_is_no_address_has_no_place() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        place_of("example.com")
