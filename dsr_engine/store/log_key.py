"""The ledger's own signing key: Ed25519, as PKCS#8 in a file that only its owner may read, and its public half beside it."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.note import LogKey, Sign
from dsr_engine.store.key_files import make_folder, write_new

_PRIVATE, _PUBLIC = "log.key", "log.vkey"


def create(folder: Path, origin: str) -> LogKey:
    """Makes the key of the log that is called `origin` (`dsr.example.org/ledger`); raises `InputWrong` where there is one already.

    The name goes into every checkpoint and cannot be changed. It must not hold spaces or `+` (c2sp.org/signed-note).
    """
    if not origin or "+" in origin or any(character.isspace() for character in origin):
        raise InputWrong(
            "the ledger's name must not be empty or hold spaces or +", code="log_key.origin", hint="use a name like dsr.example.org/ledger"
        )
    make_folder(folder)
    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key = LogKey(origin, _raw(private.public_key()))
    try:
        write_new(folder / _PUBLIC, f"{key}\n".encode())
        write_new(folder / _PRIVATE, secret)
    except FileExistsError:
        raise InputWrong(
            f"there is a log key in {folder} already",
            code="log_key.exists",
            hint=f"a ledger keeps its key for good; if making one was interrupted and there is no {_PRIVATE}, remove {_PUBLIC}",
        ) from None
    return key


def load(folder: Path) -> tuple[LogKey, Sign]:
    """The public key and a function that signs with the private one. Raises `InputWrong` where either is missing or they differ."""
    try:
        private = serialization.load_pem_private_key((folder / _PRIVATE).read_bytes(), password=None)
        key = LogKey.parse((folder / _PUBLIC).read_text())
    except FileNotFoundError:
        raise InputWrong(f"there is no log key in {folder}", code="log_key.missing", hint="create it once with dsr init, and keep it") from None
    except ValueError:
        raise InputWrong(f"the log key in {folder} is not PKCS#8", code="log_key.malformed", hint="restore it from a backup") from None
    if not isinstance(private, Ed25519PrivateKey) or _raw(private.public_key()) != key.public:
        raise InputWrong(f"{_PRIVATE} and {_PUBLIC} in {folder} do not belong together", code="log_key.mismatch", hint="restore them from a backup")
    return key, private.sign


def holds(public: bytes, signature: bytes, message: bytes) -> bool:
    """True if this Ed25519 signature over the message is by this raw public key."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _raw(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
