"""The text formats of the ledger's proofs: signed notes, checkpoints and inclusion proofs (C2SP), without any cryptography but SHA-256.

Sources: c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-proof. Signing and verifying Ed25519 is passed in as a function,
so that the store and the offline verifier read one and the same text.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from dsr_engine.domain.errors import NotVerified
from dsr_engine.domain.evidence import InclusionProof

_ED25519 = b"\x01"
_DASH = "\u2014"
_PROOF_HEADER = "c2sp.org/tlog-proof@v1"

#: Signs bytes with the log's Ed25519 key; gives 64 bytes.
Sign = Callable[[bytes], bytes]
#: True if the signature (64 bytes) over the message is by this raw public key (32 bytes).
Verify = Callable[[bytes, bytes, bytes], bool]


@dataclass(frozen=True, slots=True)
class LogKey:
    """A log's public key. Its text (`vkey`) is what a trust bundle carries: `name+keyid+base64(algorithm ‖ key)`."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "LogKey":
        """Reads a vkey; raises `NotVerified` if it is not one or its id is not that of its key."""
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = _decoded(encoded, "log key")
        if raw[:1] != _ED25519 or len(raw) != 33:
            raise NotVerified("the log key is not an Ed25519 verifier key", code="note.key")
        key = cls(name, raw[1:])
        if key.key_id.hex() != key_id:
            raise NotVerified("the log key's id does not belong to its key", code="note.key")
        return key


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of the log: how many leaves, and their root. `origin` names the log; `extensions` are further lines (a time, for instance)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def body(self) -> str:
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions]
        return "\n".join(lines) + "\n"


def signed(checkpoint: Checkpoint, key: LogKey, sign: Sign) -> str:
    """The checkpoint as a signed note."""
    body = checkpoint.body()
    signature = base64.b64encode(key.key_id + sign(body.encode())).decode()
    return f"{body}\n{_DASH} {key.name} {signature}\n"


def opened(note: str, key: LogKey, verify: Verify) -> Checkpoint:
    """The checkpoint in the note; raises `NotVerified` if it is malformed or not signed by `key`."""
    body, separator, signatures = note.partition("\n\n")
    if not separator or not note.endswith("\n"):
        raise NotVerified("the checkpoint is not a signed note", code="note.malformed")
    body += "\n"
    for line in signatures.splitlines():
        mark, _, rest = line.partition(" ")
        name, _, encoded = rest.rpartition(" ")
        if mark != _DASH:
            raise NotVerified("the checkpoint has a line that is not a signature", code="note.malformed")
        raw = _decoded(encoded, "checkpoint signature")
        if name == key.name and raw[:4] == key.key_id:
            if verify(key.public, raw[4:], body.encode()):
                return _parsed(body)
            raise NotVerified("the checkpoint's signature does not hold", code="note.signature")
    raise NotVerified("the checkpoint is not signed by the trusted log key", code="note.other_key")


def _parsed(body: str) -> Checkpoint:
    lines = body.split("\n")[:-1]
    if len(lines) < 3 or not lines[0] or not lines[1].isascii() or not lines[1].isdigit() or str(int(lines[1])) != lines[1]:
        raise NotVerified("the checkpoint is malformed", code="note.malformed")
    root = _decoded(lines[2], "checkpoint root")
    if len(root) != 32:
        raise NotVerified("the checkpoint's root is not a SHA-256", code="note.malformed")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))


def proof_text(proof: InclusionProof) -> str:
    """The inclusion proof as a `tlog-proof` text. The leaf's data travels in `extra`, the size in the checkpoint."""
    lines = [_PROOF_HEADER, f"extra {base64.b64encode(proof.data).decode()}", f"index {proof.index}"]
    lines += [base64.b64encode(entry).decode() for entry in proof.path]
    return "\n".join(lines) + "\n\n" + proof.checkpoint


def parse_proof(text: str) -> InclusionProof:
    """Reads a `tlog-proof`; the size is taken from the (still unverified) checkpoint. Raises `NotVerified` if malformed."""
    head, separator, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or len(lines) < 3 or lines[0] != _PROOF_HEADER or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise NotVerified("the ledger proof is malformed", code="note.malformed")
    index = lines[2].removeprefix("index ")
    if not index.isascii() or not index.isdigit() or str(int(index)) != index:
        raise NotVerified("the ledger proof has no index", code="note.malformed")
    path = tuple(_decoded(line, "proof hash") for line in lines[3:])
    if any(len(entry) != 32 for entry in path):
        raise NotVerified("the ledger proof has a hash that is not a SHA-256", code="note.malformed")
    size = _parsed(checkpoint.partition("\n\n")[0] + "\n").size
    return InclusionProof(_decoded(lines[1].removeprefix("extra "), "proof data"), int(index), size, path, checkpoint)


def _decoded(text: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotVerified(f"the {what} is not base64", code="note.malformed") from None
    if base64.b64encode(raw).decode() != text:
        raise NotVerified(f"the {what} is not canonical base64", code="note.malformed")
    return raw
