"""The gate of a search by digests refuses no buffer that holds an address which is asked about, and one form of an address is one digest."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.canonical import addresses_of, canonical, mailbox
from dsr_engine.content.digest_gate import DigestGate, OpenGate

_KNOWN = ("jane.roe@example.com", "o'neil+shop@example.org", "müller@bücher.example", "x@y.z")
_WANTED = frozenset(canonical("email", address) for address in _KNOWN)
_WRITTEN = st.sampled_from(
    [*_KNOWN, "JANE.ROE@Example.COM", "müller@xn--bcher-kva.example", "ｊａｎｅ．ｒｏｅ＠example.com", "MU\u0308LLER@BU\u0308CHER.example"]
)
#: What tables, mails and JSON put around a value.
_AROUND = st.sampled_from(
    ["", " ", "\t", "\n", ",", ";", '"', "<", ">", "(", ")", "[", "]", ": ", ", ", "\x01", "'", "mailto:", "to=", "|", "\u00a0"]
)
_NOISE = st.text(st.characters(codec="utf-8"), max_size=40)


def _asks(address: str) -> bool:
    return canonical("email", address) in _WANTED


_GATE = DigestGate(_asks)


@settings(deadline=None)
@given(before=_NOISE, left=_AROUND, address=_WRITTEN, right=_AROUND.filter(lambda text: not text[:1].isalpha()), after=_NOISE)
def test_a_buffer_with_an_address_passes_and_tells_where(before: str, left: str, address: str, right: str, after: str) -> None:
    text = f"{before}\t{left}{address}{right}\t{after}"
    data = text.encode()
    assert _GATE.passes_text(text)
    assert _GATE.passes(data)
    end = len(f"{before}\t{left}{address}".encode())
    assert any(abs(hit - end) <= _GATE.reach for hit in _GATE.hits(data))


@settings(deadline=None)
@given(address=st.sampled_from(_KNOWN), note=_NOISE)
def test_an_address_in_json_passes_however_it_is_escaped(address: str, note: str) -> None:
    hidden = json.dumps({"note": note, "email": address}).replace("@", "\\u0040")
    assert _GATE.passes(hidden.encode())


@given(text=st.text(st.characters(codec="utf-8"), max_size=400))
@settings(deadline=None)
def test_hits_are_empty_exactly_where_nothing_passes(text: str) -> None:
    data = text.encode()
    assert bool(_GATE.hits(data)) == _GATE.passes(data)
    assert bool(OpenGate().hits(data)) == OpenGate().passes(data)


@pytest.mark.parametrize("text", ["nobody@example.com", "jane.roe@example.co", "kane.roe@example.com", "no address at all", "@", "a@", "@b"])
def test_whoever_is_not_asked_about_does_not_pass(text: str) -> None:
    assert not _GATE.passes_text(text)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("email", "Jane@Example.org", " jane@example.ORG "),
        ("email", "jane@bücher.de", "JANE@xn--bcher-kva.de"),
        ("iban", "DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
        ("customer_id", "17", " 17 "),
    ],
)
def test_two_writings_of_one_identifier_have_one_form(kind: str, one: str, other: str) -> None:
    assert canonical(kind, one) == canonical(kind, other) != ""


@pytest.mark.parametrize(
    ("kind", "one", "other"), [("email", "jose@x.org", "josé@x.org"), ("email", "a.b@x.org", "ab@x.org"), ("customer_id", "AB-12", "AB12")]
)
def test_what_merely_looks_alike_keeps_its_own_form(kind: str, one: str, other: str) -> None:
    assert canonical(kind, one) != canonical(kind, other)


@given(text=st.text(max_size=600), kind=st.sampled_from(["email", "iban", "customer_id"]))
@settings(deadline=None)
def test_any_text_has_a_form_or_none_and_never_an_error(text: str, kind: str) -> None:
    form = canonical(kind, text)
    assert canonical(kind, form) == form
    assert all(isinstance(mailbox(part), str) for part in addresses_of(text))
