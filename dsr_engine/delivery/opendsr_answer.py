"""Answers of an OpenDSR processor: signed with its certificate's key over the body, as the client's side verifies it."""

import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from dsr_engine.delivery.tokens import read_key
from dsr_engine.delivery.web import Web
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.partner import OpenDsrDoor

#: A callback is a courtesy: nobody is waited for longer.
_SECONDS = 10.0
#: Controllers of version 1 read the older names (§ 10.1).
_NAMES = ("X-OpenDSR", "X-OpenGDPR")


def signed_body(door: OpenDsrDoor, document: Mapping[str, Any]) -> tuple[bytes, Mapping[str, str]]:
    """The body, and the headers that sign it. Raises `InputWrong` for a key that cannot be used."""
    body = json.dumps(document).encode()
    key = read_key(door.key.reveal(), "").key
    signature = key.sign(body, padding.PKCS1v15(), SHA256()) if isinstance(key, rsa.RSAPrivateKey) else key.sign(body, ec.ECDSA(SHA256()))
    written = b64encode(signature).decode()
    return body, {f"{name}-{what}": text for name in _NAMES for what, text in (("Processor-Domain", door.domain), ("Signature", written))}


def signed_post(door: OpenDsrDoor, url: str, document: Mapping[str, Any]) -> None:
    """Calls a controller back. Raises as `Web.ask` does."""
    body, headers = signed_body(door, document)
    web = Web(door.ca_file, door.is_internal, seconds=_SECONDS)
    web.ask("POST", url, body=body, headers={"Content-Type": "application/json", **headers})


def certificate_of(door: OpenDsrDoor) -> bytes:
    """The processor's certificate in PEM form. Raises `InputWrong` where the file is gone."""
    try:
        return Path(door.certificate).read_bytes()
    except OSError:
        raise InputWrong("the processor's certificate cannot be read", code="opendsr.certificate", hint="partners.yaml names it") from None
