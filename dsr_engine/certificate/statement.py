"""The statement as bytes: canonical JSON, and sealed as DSSE over an in-toto Statement, so that other tools can read it.

Canonical JSON here: UTF-8, keys sorted, no spaces, no floats; a text that is not exactly its own re-encoding is refused.
Sources: github.com/secure-systems-lab/dsse (protocol 1.0), github.com/in-toto/attestation (Statement v1).
"""

import base64
import binascii
import dataclasses
import functools
import hashlib
import json
import types
from collections.abc import Iterable, Mapping
from typing import TypeAlias, Union, get_args, get_origin, get_type_hints

from cryptography import x509

from dsr_engine.certificate.keys import Signer, fingerprint, verify
from dsr_engine.domain.certificate import Statement
from dsr_engine.domain.errors import InputWrong, NotVerified

PAYLOAD_TYPE = "application/vnd.in-toto+json"
PREDICATE_TYPE = "https://dsr-engine.invalid/erasure-statement/v1"
_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"

#: The checks that a certificate can name in `Statement.steps`. A verifier that does not know one of them must not pass the certificate.
STEPS = ("container", "signature", "statement", "page", "seal", "inclusion", "checkpoint")
#: Under which kind the ledger enters a certificate, and another edition of one.
ISSUED_LEAF, EDITION_LEAF = "certificate.issued", "certificate.edition"
#: The further check of a certificate that a timestamp authority witnessed.
TIME_STEP = "time"

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"


def steps(*, is_timestamped: bool) -> tuple[str, ...]:
    """What belongs in `Statement.steps`: all checks, and the one of trusted time if a timestamp authority takes part."""
    return (*STEPS, TIME_STEP) if is_timestamped else STEPS


def to_bytes(statement: Statement) -> bytes:
    """The statement as canonical JSON. Raises `InputWrong` for what JSON or the statement's form cannot hold."""
    return canonical(_plain(statement))


def from_bytes(data: bytes) -> Statement:
    """Reads canonical JSON back. Raises `NotVerified` for unknown or missing keys, other types, or any other spelling."""
    return _statement(parsed(data))


def _statement(document: Json) -> Statement:
    read = _read(Statement, document, "statement")
    assert isinstance(read, Statement)
    return read


def sealed(statement: bytes, signer: Signer) -> bytes:
    """A DSSE envelope over an in-toto Statement whose predicate is the statement. The same bytes for the same input."""
    payload = canonical(_in_toto(statement))
    signature: Json = {"keyid": _key_id(signer.certificate), "sig": base64.b64encode(signer.sign(_pae(payload))).decode()}
    return canonical({"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE, "signatures": [signature]})


def opened(envelope: bytes, certificates: Iterable[x509.Certificate]) -> bytes:
    """The statement's bytes in the envelope; raises `NotVerified` unless one of the certificates signed exactly this envelope."""
    encoded, key_id, sig = _parts(envelope)
    certificate = next((entry for entry in certificates if _key_id(entry) == key_id), None)
    if certificate is None:
        raise NotVerified("the envelope is signed by another key than the certificate", code="seal.other_key")
    payload, signature = _from_base64(encoded), _from_base64(sig)
    try:
        verify(certificate, signature, _pae(payload))
    except NotVerified as error:
        raise NotVerified(f"envelope: {error.message}", code="seal.signature") from None
    return _predicate(payload)


def unverified(envelope: bytes) -> bytes:
    """The statement's bytes in an envelope whose signature nobody has looked at yet. Raises `NotVerified` if it is malformed."""
    return _predicate(_from_base64(_parts(envelope)[0]))


def canonical(document: Json) -> bytes:
    """JSON in its one spelling. `ensure_ascii` is off, so that what is signed can be read."""
    try:
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise InputWrong("a text holds half a surrogate pair, which is no character", code="statement.text") from None


def parsed(data: bytes) -> Json:
    """The document; raises `NotVerified` unless `data` is its canonical spelling (so a repeated key is refused, too)."""
    try:
        document: Json = json.loads(data)
        is_canonical = canonical(document) == data
    except (ValueError, RecursionError, InputWrong):
        raise NotVerified("the text is not JSON", code="statement.malformed") from None
    if not is_canonical:
        raise NotVerified("the JSON is not in its canonical spelling", code="statement.malformed")
    return document


def check_leaf(leaf: bytes, statement: bytes) -> None:
    """Raises `NotVerified` unless the ledger leaf names this certificate and the SHA-256 (hex) of this statement."""
    document, stated = parsed(leaf), from_bytes(statement)
    kind = ISSUED_LEAF if stated.edition == "auditor" else EDITION_LEAF
    if not isinstance(document, dict) or document.get("kind") != kind:
        raise NotVerified("the ledger entry is not that of an issued certificate", code="inclusion.other_leaf")
    if document.get("certificate") != stated.id:
        raise NotVerified("the ledger entry is that of another certificate", code="inclusion.other_leaf")
    if document.get("statement") != hashlib.sha256(statement).hexdigest():
        raise NotVerified("the ledger entry is that of another statement", code="inclusion.other_leaf")


def _parts(envelope: bytes) -> tuple[str, str, str]:
    """Payload, key id and signature, as texts; nothing else may stand in the envelope."""
    match parsed(envelope):
        case {"payload": str(payload), "payloadType": str(kind), "signatures": [{"keyid": str(key_id), "sig": str(sig), **odd}], **more}:
            if kind == PAYLOAD_TYPE and not odd and not more:
                return payload, key_id, sig
    raise NotVerified("the envelope is not a DSSE envelope with one signature", code="seal.malformed")


def _in_toto(statement: bytes) -> Json:
    document = parsed(statement)
    subject: Json = {"name": f"certificate:{_statement(document).id}", "digest": {"sha256": hashlib.sha256(statement).hexdigest()}}
    return {"_type": _STATEMENT_TYPE, "subject": [subject], "predicateType": PREDICATE_TYPE, "predicate": document}


def _predicate(payload: bytes) -> bytes:
    document = parsed(payload)
    predicate = document.get("predicate") if isinstance(document, dict) else None
    statement = canonical(predicate)
    if document != _in_toto(statement):
        raise NotVerified("the envelope does not hold an erasure statement", code="seal.malformed")
    return statement


def _key_id(certificate: x509.Certificate) -> str:
    return fingerprint(certificate).replace(":", "").lower()


def _pae(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def _from_base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotVerified("the envelope holds something that is not base64", code="seal.malformed") from None
    if base64.b64encode(raw).decode() != text:
        raise NotVerified("the envelope holds base64 that is not canonical", code="seal.malformed")
    return raw


def _plain(value: object) -> Json:
    """Dataclasses, mappings and tuples as what JSON knows."""
    if isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise InputWrong(f"a statement cannot hold a {type(value).__name__}", code="statement.type")


def _read(kind: object, value: Json, where: str) -> object:
    """`value` as the type that the dataclass asks for. The contract in `domain.certificate` is the only schema."""
    origin, arguments = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and isinstance(value, dict):
        return _read_dataclass(kind, value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(arguments[0], entry, where) for entry in value)
    if isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, dict):
        return {key: _read(arguments[1], entry, f"{where}.{key}") for key, entry in value.items()}
    choices = arguments if origin in (Union, types.UnionType) else (kind,)
    if type(value) in choices:
        return value
    raise NotVerified(f"{where} is of another type than a statement has there", code="statement.schema")


@functools.cache
def _hints(kind: type) -> Mapping[str, object]:
    return get_type_hints(kind)


def _read_dataclass(kind: type, value: dict[str, Json], where: str) -> object:
    hints = _hints(kind)
    if value.keys() != hints.keys():
        odd = sorted(value.keys() ^ hints.keys())[0]
        raise NotVerified(f"{where} has an unknown key or lacks one: {odd[:40]!r}", code="statement.schema")
    return kind(**{name: _read(hint, value[name], f"{where}.{name}") for name, hint in hints.items()})
