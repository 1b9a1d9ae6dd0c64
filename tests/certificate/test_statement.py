"""A statement has one spelling, and a seal that says who made it."""

import base64
import contextlib
import json
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.certificate.statement import PAYLOAD_TYPE, Json, canonical, check_leaf, from_bytes, opened, parsed, sealed, to_bytes
from dsr_engine.domain.certificate import Statement, SystemStatement
from dsr_engine.domain.errors import InputWrong, NotVerified
from tests.certificate.conftest import Installation
from tests.certificate.sample import sample

texts = st.text(max_size=8)
mappings = st.dictionaries(texts, texts, max_size=2)
counts = st.lists(st.dictionaries(texts, texts | st.integers(), max_size=2), max_size=2).map(tuple)
systems = st.builds(
    SystemStatement,
    coverage=counts,
    done=counts,
    kept=counts,
    residuals=st.lists(mappings, max_size=2).map(tuple),
    **dict.fromkeys(("name", "kind", "owner", "verification", "level"), texts),
)
statements = st.builds(
    replace,
    st.just(sample()),
    serial=st.integers(0, 10**12),
    controller=mappings,
    extra=mappings,
    approvals=st.lists(mappings, max_size=2).map(tuple),
    systems=st.lists(systems, max_size=2).map(tuple),
    exceptions=st.lists(texts, max_size=2).map(tuple),
)


@given(statements)
@settings(deadline=None)
def test_a_statement_comes_back_as_it_was(statement: Statement) -> None:
    data = to_bytes(statement)
    assert from_bytes(data) == statement
    assert to_bytes(from_bytes(data)) == data


def test_the_spelling_is_canonical() -> None:
    data = to_bytes(sample())
    assert data == json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert "Speicherstraße".encode() in data
    assert b'": ' not in data


@given(st.data())
@settings(deadline=None)
def test_any_other_spelling_is_refused(data: st.DataObject) -> None:
    text = to_bytes(sample())
    at = data.draw(st.integers(0, len(text)))
    other = text[:at] + data.draw(st.sampled_from([b" ", b"\n", b'"', b"0", b"\xff", b"{"])) + text[at:]
    with contextlib.suppress(NotVerified):
        assert to_bytes(from_bytes(other)) == other


def test_unknown_missing_and_repeated_keys_are_refused() -> None:
    whole = json.loads(to_bytes(sample()))
    for field in fields(Statement):
        with pytest.raises(NotVerified, match=field.name):
            from_bytes(canonical({key: value for key, value in whole.items() if key != field.name}))
    with pytest.raises(NotVerified, match="unknown key"):
        from_bytes(canonical({**whole, "name": "x"}))
    with pytest.raises(NotVerified):
        from_bytes(to_bytes(sample())[:-1] + b',"verdict":"fulfilled"}')


@pytest.mark.parametrize(
    ("key", "value"), [("serial", "17"), ("serial", True), ("serial", None), ("claims", "one"), ("claims", [1]), ("dates", []), ("systems", [{}])]
)
def test_values_of_another_type_are_refused(key: str, value: Json) -> None:
    whole = json.loads(to_bytes(sample()))
    with pytest.raises(NotVerified) as error:
        from_bytes(canonical({**whole, key: value}))
    assert error.value.code == "statement.schema"


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(InputWrong):
        to_bytes(replace(sample(), identity="\ud800"))
    with pytest.raises(InputWrong):
        to_bytes(replace(sample(), extra={"at": 1.5}))  # type: ignore[dict-item]  # that is the point


@pytest.mark.parametrize("text", [b"", b"[", b"nul", b"[" * 100_000, b'{"a":1e5}', b"NaN", b'{"a":1,"a":1}', b"\xff\xfe"])
def test_broken_json_is_not_verified(text: bytes) -> None:
    with pytest.raises(NotVerified):
        from_bytes(text)


def test_a_seal_is_dsse_over_an_in_toto_statement(home: Installation) -> None:
    text = to_bytes(sample())
    envelope = json.loads(sealed(text, home.signer))
    assert envelope["payloadType"] == PAYLOAD_TYPE == "application/vnd.in-toto+json"
    payload = json.loads(base64.b64decode(envelope["payload"]))
    assert payload["_type"] == "https://in-toto.io/Statement/v1"
    assert payload["predicate"] == json.loads(text)
    assert sealed(text, home.signer) == sealed(text, home.signer)
    assert opened(sealed(text, home.signer), (home.signer.certificate,)) == text


def test_a_seal_of_somebody_else_is_refused(home: Installation, stranger: Installation) -> None:
    with pytest.raises(NotVerified) as error:
        opened(sealed(to_bytes(sample()), stranger.signer), (home.signer.certificate,))
    assert error.value.code == "seal.other_key"


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_byte_that_is_flipped_in_a_seal_is_noticed(home: Installation, data: st.DataObject) -> None:
    envelope = sealed(to_bytes(sample()), home.signer)
    at = data.draw(st.integers(0, len(envelope) - 1))
    changed = envelope[:at] + bytes([envelope[at] ^ data.draw(st.integers(1, 255))]) + envelope[at + 1 :]
    with pytest.raises(NotVerified):
        opened(changed, (home.signer.certificate,))


def test_another_payload_type_and_a_second_signature_are_refused(home: Installation) -> None:
    envelope = parsed(sealed(to_bytes(sample()), home.signer))
    assert isinstance(envelope, dict)
    signatures = envelope["signatures"]
    assert isinstance(signatures, list)
    changes: tuple[dict[str, Json], ...] = ({"payloadType": "x"}, {"signatures": [*signatures, *signatures]}, {"signatures": []}, {"note": "x"})
    for changed in changes:
        with pytest.raises(NotVerified) as error:
            opened(canonical({**envelope, **changed}), (home.signer.certificate,))
        assert error.value.code == "seal.malformed"


def test_only_the_leaf_of_this_statement_is_its_leaf(home: Installation) -> None:
    text = to_bytes(sample())
    leaf = json.loads(home.enter(sample()).data)
    check_leaf(canonical({**leaf, "at": "2026-11-21T20:31:07Z"}), text)
    for changed in ({"kind": "certificate.withdrawn"}, {"certificate": "x"}, {"statement": "0" * 64}, {"statement": None}):
        with pytest.raises(NotVerified) as error:
            check_leaf(canonical({**leaf, **changed}), text)
        assert error.value.code == "inclusion.other_leaf"
