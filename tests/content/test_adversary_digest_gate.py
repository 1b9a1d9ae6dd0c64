"""Two addresses in one word, as lists with bars, slashes or equals signs between their columns have them: the second counts as well."""

import pytest

from dsr_engine.content.digest_gate import DigestGate, addresses

_JANE = "jane.roe@example.com"


@pytest.mark.parametrize("sign", [*"|/=&?{}'", " | ", ";", "|x|", "/users/"])
@pytest.mark.parametrize("before", ["kim@example.com", "kim@example.com.au", "1|kim@example.com", "kim@example.com|lee@example.org"])
def test_an_address_behind_another_one_is_asked_about(sign: str, before: str) -> None:
    text = f"{before}{sign}{_JANE}|x\n"
    assert _JANE in [address for _, address in addresses(text)]
    gate = DigestGate(lambda address: address == _JANE)
    assert gate.passes(text.encode())
    assert gate.hits(text.encode()) == [text.index(_JANE) + len(_JANE)]
