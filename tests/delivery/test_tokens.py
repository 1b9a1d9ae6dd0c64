"""JSON Web Tokens: what RFC 7515 signs, what nobody signed, and every trick that has worked elsewhere."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.delivery.tokens import SigningKey, jwk_of, read_key, signed, verified
from dsr_engine.domain.errors import InputWrong, NotVerified

_EC = SigningKey(ec.generate_private_key(ec.SECP256R1()), "a")
_RSA = SigningKey(rsa.generate_private_key(65537, 2048), "b")
_KEYS = pytest.mark.parametrize("key", [_EC, _RSA], ids=["ES256", "RS256"])


def _part(data: object) -> str:
    return urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


@_KEYS
def test_a_signed_token_is_verified_by_the_published_key(key: SigningKey) -> None:
    token = signed({"iss": "a", "n": 1, "umlaut": "ä"}, key)
    assert verified(token, [jwk_of(key)]) == {"iss": "a", "n": 1, "umlaut": "ä"}
    assert json.loads(urlsafe_b64decode(token.split(".")[0] + "==")) == {"alg": key.algorithm, "kid": key.name, "typ": "JWT"}


def test_the_example_of_rfc_7515_appendix_a3_holds() -> None:
    """ES256 with the key that the RFC gives; its payload is the one of appendix A.1."""
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
    token = (
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    assert verified(token, [jwk])["iss"] == "joe"


def test_a_token_without_a_signature_is_refused_whatever_it_says() -> None:
    for algorithm in ("none", "None", "NONE", ""):
        with pytest.raises(NotVerified):
            verified(f"{_part({'alg': algorithm})}.{_part({'iss': 'a'})}.", [jwk_of(_EC), jwk_of(_RSA)])


def test_a_public_key_is_no_shared_secret() -> None:
    import hashlib  # noqa: PLC0415  # for this forgery only
    import hmac  # noqa: PLC0415  # as above

    pem = _RSA.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    body = f"{_part({'alg': 'HS256', 'kid': 'b'})}.{_part({'iss': 'a'})}"
    forged = urlsafe_b64encode(hmac.new(pem, body.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    with pytest.raises(NotVerified):
        verified(f"{body}.{forged}", [jwk_of(_RSA)])


@_KEYS
def test_a_token_is_refused_under_another_key_name_and_another_algorithm(key: SigningKey) -> None:
    token = signed({"iss": "a"}, key)
    for wrong in ({**jwk_of(key), "kid": "other"}, dict(jwk_of(_RSA if key is _EC else _EC))):
        with pytest.raises(NotVerified):
            verified(token, [wrong])


@_KEYS
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_no_change_of_a_token_goes_unseen(key: SigningKey, data: st.DataObject) -> None:
    token = signed({"iss": "a", "code": 0}, key)
    at = data.draw(st.integers(0, len(token) - 2))  # the last letter of base64 may hold bits that mean nothing
    letter = data.draw(st.sampled_from("ABCDabcd0123-_."))
    changed = token[:at] + letter + token[at + 1 :]
    if changed == token:
        assert verified(changed, [jwk_of(key)])["iss"] == "a"
    else:
        with pytest.raises(NotVerified):
            verified(changed, [jwk_of(key)])


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_text_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(NotVerified) as caught:
        verified(text, [jwk_of(_EC)])
    assert len(text) < 8 or text not in str(caught.value)


def test_keys_that_are_too_weak_or_of_another_kind_are_not_used() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    other = ed25519.Ed25519PrivateKey.generate()
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for pem in (weak.private_bytes(*form), ec.generate_private_key(ec.SECP384R1()).private_bytes(*form), other.private_bytes(*form)):
        with pytest.raises(InputWrong):
            read_key(pem.decode(), "a")
    for text in ("", "-----BEGIN PRIVATE KEY-----\n", "hunter2-hunter2"):
        with pytest.raises(InputWrong) as caught:
            read_key(text, "a")
        assert "hunter2" not in str(caught.value)
