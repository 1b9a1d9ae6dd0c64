"""Verifies an evidence bundle without the engine, without a network and without trusting whoever made it: python verify.py --trust BUNDLE.json

This one file travels in every bundle, so it needs nothing but Python 3.11 and the package `cryptography` (42 or newer), and is written to be read.
Trust comes from a bundle of keys that you got from the controller by another way than this one (by hand, from their web site, from a contract).

What it checks, in this order:
 1. files        every file is the one that the index lists, and nothing else is there
 2. index        the controller's signer signed the index
 3. checkpoints  the ledger's key signed every checkpoint (C2SP signed note, Ed25519)
 4. inclusion    every leaf is in the tree of the newest checkpoint (RFC 9162, section 2.1.3)
 5. consistency  the tree of every older checkpoint is the beginning of the newest one's (RFC 9162, section 2.1.4)
 6. statements   every statement is sealed by the controller's signer (DSSE over in-toto), and the ledger holds exactly it
 7. texts        the policies, laws and connectors that the statements and the ledger cite are here, byte for byte

A script that was changed can say anything. Whoever does not trust the copy in the bundle runs one from elsewhere (`--folder`), which finds that out.
It does not look into the PDFs: `pip install dsr-engine` and `dsr verify FILE.pdf --trust BUNDLE.json` do; the index ties each PDF to its statement.
It cannot see whether a leaf about the case was left out: the whole ledger (`dsr ledger export`) shows that.
"""

import argparse
import base64
import binascii
import hashlib
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
except ImportError:
    sys.exit("this needs the package cryptography, 42 or newer: pip install cryptography")

INDEX, SEAL, SIGNER = "index.json", "index.sig", "signer.pem"
LEAVES, CHECKPOINTS = "ledger/leaves.jsonl", "ledger/checkpoints.json"
#: What cannot stand in the index: itself, and its seal.
FREE = {INDEX, SEAL}
HOLDS, FAILS, WRONG = 0, 1, 2
_DSSE_TYPE = "application/vnd.in-toto+json"


class Refused(Exception):
    """A check does not hold. The text says which and why."""


class Evidence:
    """The bundle in a folder, and whom its reader trusts."""

    def __init__(self, folder: Path, trust: dict[str, Any], besides: Path | None = None) -> None:
        self.folder = folder
        self.besides = besides.resolve() if besides else None
        self.anchors = [x509.load_pem_x509_certificate(entry["pem"].encode()) for entry in trust["ca"]]
        self.log_keys = [log_key(text) for text in trust["log_keys"]]
        self.index: dict[str, Any] = {}
        self.newest: tuple[int, bytes] = (0, b"")
        self.roots: dict[int, bytes] = {}
        self.leaves: dict[int, bytes] = {}
        self.notices: list[str] = []

    def read(self, name: str) -> bytes:
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()) or not path.is_file():
            raise Refused(f"{name} is not there")
        return path.read_bytes()

    def document(self, name: str) -> Any:
        return json.loads(self.read(name))


# --- 1, 2: the files and their index -----------------------------------------------------------------------------------------------


def files(seen: Evidence) -> str:
    seen.index = seen.document(INDEX)
    if seen.index.get("format") != "dsr-evidence/1":
        raise Refused("the index is not of this version")
    listed = seen.index["files"]
    # The reader's own trust bundle may have been put beside the script.
    found = (path for path in seen.folder.rglob("*") if not path.is_dir() and path.resolve() != seen.besides)
    there = {path.relative_to(seen.folder).as_posix() for path in found} - FREE
    for name in sorted(there ^ set(listed)):
        raise Refused(f"{name} is {'listed and missing' if name in listed else 'there and not listed'}")
    for name, digest in listed.items():
        if hashlib.sha256(seen.read(name)).hexdigest() != digest:
            raise Refused(f"{name} is not the file that the index lists")
    return f"{len(listed)} files"


def index(seen: Evidence) -> str:
    chain = trusted_chain(seen, SIGNER, seen.index["made_at"])
    seal = seen.read(SEAL).decode()
    if not seal.endswith("\n"):
        raise Refused(f"{SEAL} is cut")
    require_signed(chain[0], from_base64(seal[:-1]), seen.read(INDEX))
    return f"signed by {chain[0].subject.rfc4514_string()}"


def trusted_chain(seen: Evidence, name: str, at: str) -> list[x509.Certificate]:
    """The certificates in this file, the signer's first; each issued by the next, the last one trusted, all valid at that moment."""
    chain = x509.load_pem_x509_certificates(seen.read(name))
    if chain[-1] not in seen.anchors:
        raise Refused(f"{name}: its authority is not one that the trust bundle names")
    moment = datetime.fromisoformat(at)
    for below, above in zip(chain, [*chain[1:], chain[-1]], strict=True):
        if below != above:
            below.verify_directly_issued_by(above)
            if not above.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
                raise Refused(f"{name}: a certificate was issued by one that may not")
        if not below.not_valid_before_utc <= moment <= below.not_valid_after_utc:
            raise Refused(f"{name}: a certificate was not valid at that time")
    return chain


def require_signed(certificate: x509.Certificate, signature: bytes, data: bytes) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, data, ec.ECDSA(hashes.SHA384() if key.curve.name == "secp384r1" else hashes.SHA256()))
    else:
        raise Refused("the signer's key is of a kind that the engine never uses")


# --- 3, 4, 5: the ledger -------------------------------------------------------------------------------------------------------------


def checkpoints(seen: Evidence) -> str:
    entries = seen.document(CHECKPOINTS)
    for entry in entries:
        size, root = opened(entry["note"], seen.log_keys)
        if seen.roots.setdefault(size, root) != root:
            raise Refused(f"there are two checkpoints of {size} entries with different roots: the ledger was forked")
    if not seen.roots:
        raise Refused("there is no checkpoint")
    size = max(seen.roots)
    seen.newest = (size, seen.roots[size])
    return f"{len(seen.roots)}, the newest of {size} entries"


def log_key(text: str) -> tuple[str, bytes, bytes]:
    """Name, id and public key of a vkey (`name+id+base64`)."""
    name, _, rest = text.partition("+")
    shown, _, encoded = rest.partition("+")
    raw = from_base64(encoded)
    key_id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if len(raw) != 33 or raw[:1] != b"\x01" or key_id.hex() != shown:
        raise Refused("the trust bundle holds something that is no key of a ledger")
    return name, key_id, raw[1:]


def opened(note: str, keys: list[tuple[str, bytes, bytes]]) -> tuple[int, bytes]:
    """Size and root of a checkpoint that one of the keys signed."""
    body, _, signatures = note.partition("\n\n")
    body += "\n"
    for line in signatures.splitlines():
        _, name, encoded = line.split(" ")
        raw = from_base64(encoded)
        for known, key_id, public in keys:
            if (name, raw[:4]) == (known, key_id):
                ed25519.Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], body.encode())
                origin, size, root = body.split("\n")[:3]
                if origin != known:
                    raise Refused("a checkpoint is of another ledger than the key that signed it")
                return int(size), from_base64(root)
    raise Refused("a checkpoint is not signed by a trusted ledger")


def inclusion(seen: Evidence) -> str:
    size, root = seen.newest
    for line in seen.read(LEAVES).decode().splitlines():
        entry = json.loads(line)
        data = entry["data"].encode()
        if not is_included(leaf_hash(data), entry["index"], size, [from_base64(each) for each in entry["path"]], root):
            raise Refused(f"leaf {entry['index']} is not in the ledger")
        seen.leaves[entry["index"]] = data
    if len(seen.leaves) != seen.index["leaves"]:
        raise Refused("there are not as many leaves as the index says")
    return f"{len(seen.leaves)} leaves"


def consistency(seen: Evidence) -> str:
    size, root = seen.newest
    proofs = {entry["size"]: [from_base64(each) for each in entry["to_newest"]] for entry in seen.document(CHECKPOINTS)}
    for old, old_root in sorted(seen.roots.items()):
        if not is_consistent(old, size, proofs[old], old_root, root):
            raise Refused(f"the ledger of {old} entries is not the beginning of the one of {size}: it was rewritten")
    return f"all are beginnings of the one of {size} entries"


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_included(leaf: bytes, position: int, size: int, path: list[bytes], root: bytes) -> bool:
    """RFC 9162, section 2.1.3.2."""
    if not 0 <= position < size:
        return False
    here, last, current = position, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            current = node_hash(sibling, current)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and current == root


def is_consistent(old: int, new: int, proof: list[bytes], old_root: bytes, new_root: bytes) -> bool:
    """RFC 9162, section 2.1.4.2."""
    if old == 0 or old == new:
        return not proof and old_root == (new_root if old else hashlib.sha256(b"").digest())
    path = proof if old & (old - 1) else [old_root, *proof]
    if old > new or not path:
        return False
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and (first, second) == (old_root, new_root)


# --- 6, 7: what was stated, and under which texts ----------------------------------------------------------------------------------


def statements(seen: Evidence) -> str:
    said = [json.loads(data) for data in seen.leaves.values()]
    issued = {leaf["certificate"]: leaf for leaf in said if leaf["kind"] == "certificate.issued"}
    if sorted(issued) != sorted(entry["id"] for entry in seen.index["certificates"]):
        raise Refused("the ledger's extract speaks of other certificates than the index")
    for entry in seen.index["certificates"]:
        statement = sealed_statement(seen, entry)
        digest = hashlib.sha256(canonical(statement)).hexdigest()
        leaf = issued.get(statement["id"], {})
        if (leaf.get("statement"), leaf.get("serial"), leaf.get("case")) != (digest, statement["serial"], statement["case"]["id"]):
            raise Refused(f"the ledger does not hold the statement of certificate {statement['serial']}")
        if (entry["id"], entry["serial"]) != (statement["id"], statement["serial"]):
            raise Refused(f"the index calls certificate {statement['serial']} otherwise than it calls itself")
        later = [leaf["kind"].partition(".")[2] for leaf in said if leaf["kind"] in _LATER and leaf["certificate"] == statement["id"]]
        seen.notices += [f"certificate {statement['serial']} was {verb} later" for verb in later]
    return f"{len(issued)} sealed, and entered in the ledger"


_LATER = ("certificate.withdrawn", "certificate.superseded", "certificate.completed")


def sealed_statement(seen: Evidence, entry: dict[str, Any]) -> dict[str, Any]:
    """What the envelope holds, if the controller's signer sealed exactly that."""
    envelope = seen.document(entry["envelope"])
    payload = from_base64(envelope["payload"])
    in_toto = json.loads(payload)
    statement: dict[str, Any] = in_toto["predicate"]
    chain = trusted_chain(seen, entry["signer"], statement["issued_at"])
    (signature,) = envelope["signatures"]
    pae = b"DSSEv1 %d %s %d %s" % (len(_DSSE_TYPE), _DSSE_TYPE.encode(), len(payload), payload)
    if envelope["payloadType"] != _DSSE_TYPE or signature["keyid"] != chain[0].fingerprint(hashes.SHA256()).hex():
        raise Refused(f"{entry['envelope']} is sealed by another key than its signer's")
    require_signed(chain[0], from_base64(signature["sig"]), pae)
    if in_toto["subject"][0]["digest"]["sha256"] != hashlib.sha256(canonical(statement)).hexdigest() or canonical(in_toto) != payload:
        raise Refused(f"{entry['envelope']} does not hold what it says")
    return statement


def texts(seen: Evidence) -> str:
    there = {entry["sha256"]: entry for entry in seen.index["texts"]}
    cited = {entry["sha256"]: entry["what"] for entry in seen.index["texts"]}
    for entry in seen.index["certificates"]:
        statement = json.loads(from_base64(seen.document(entry["envelope"])["payload"]))["predicate"]
        cited |= {part["sha256"]: part["name"] for part in (statement["policy"], *statement["regimes"])}
    for data in seen.leaves.values():
        cited |= {digest: what for what, digest in json.loads(data).get("texts", {}).items()}
    cited.pop("", None)  # what was named on the command line has no file
    for digest, what in cited.items():
        if digest not in there or not there[digest]["file"]:
            raise Refused(f"the text of {what} is not here: SHA-256 {digest}")
        if hashlib.sha256(seen.read(there[digest]["file"])).hexdigest() != digest:
            raise Refused(f"the text of {what} is not the one that was cited")
    return f"{len(cited)} as they were cited"


def canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def from_base64(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise Refused("something is not canonical base64")
    return raw


CHECKS: tuple[Callable[[Evidence], str], ...] = (files, index, checkpoints, inclusion, consistency, statements, texts)
#: What reading a file that somebody changed may raise.
_UNREADABLE = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, OSError, binascii.Error, UnsupportedAlgorithm),
    *(x509.ExtensionNotFound, x509.DuplicateExtension, x509.InvalidVersion),
)


def verify(folder: Path, trust: dict[str, Any], say: Callable[[str], object], besides: Path | None = None) -> bool:
    """Runs every check and says how each ended. The first that fails ends it; what could not be looked at counts as failed.

    `besides` is a file of the reader's own that may lie in the folder: the trust bundle.
    """
    try:
        seen = Evidence(folder, trust, besides)
        for check in CHECKS:
            name = check.__name__
            say(f"  holds  {name}: {check(seen)}")
    except Refused as refused:
        say(f"  FAILS  {refused}")
        return False
    except InvalidSignature:
        say("  FAILS  a signature does not hold")
        return False
    except _UNREADABLE as error:
        say(f"  FAILS  something is damaged or missing ({type(error).__name__})")
        return False
    for notice in seen.notices:
        say(f"  note   {notice}")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies the evidence bundle in the folder of this script, offline.")
    parser.add_argument("--trust", type=Path, help="the trust bundle that the controller gave you by another way")
    parser.add_argument("--folder", type=Path, default=Path(__file__).resolve().parent, help="the unpacked bundle, if elsewhere")
    asked = parser.parse_args()
    enclosed = asked.folder / "trust-bundle.json"
    try:
        trust = json.loads((asked.trust or enclosed).read_bytes())
    except (OSError, ValueError) as error:
        print(f"the trust bundle cannot be read ({type(error).__name__})")
        return WRONG
    does_hold = verify(asked.folder, trust, print, asked.trust)
    if does_hold and asked.trust is None:
        print("the bundle agrees with itself. WHO issued it is not established: compare these fingerprints with the controller's,")
        print("or run this again with --trust and the bundle that they gave you by another way.")
        for entry in trust["ca"]:
            print(f"  {entry['subject']}: SHA-256 {entry['sha256']}")
        return FAILS
    print("everything holds" if does_hold else "this evidence does NOT hold")
    return HOLDS if does_hold else FAILS


if __name__ == "__main__":
    sys.exit(main())
