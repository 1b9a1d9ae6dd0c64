"""The offline verifier. It takes a PDF and what its caller trusts, and says step by step what holds.

Each step leans on the ones before it, so the first that fails ends the check, and what could not be looked at counts as failed.
Trust comes from the bundle alone. What is read of the statement and the page is the first signed revision, whatever was appended to it.
"""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pikepdf
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dsr_engine.certificate import archive, layout
from dsr_engine.certificate import statement as stating
from dsr_engine.certificate.blocks import Piece
from dsr_engine.certificate.container import Container, certification, containers, is_anchored, require_token, token_chains
from dsr_engine.certificate.keys import fingerprint
from dsr_engine.certificate.ledger import LATER, read_export, require_consistent
from dsr_engine.certificate.opinion import FOREIGN, Opinion, opinion
from dsr_engine.certificate.reading import page_texts, require_equal
from dsr_engine.certificate.report import Issuer, Report, Step, Time
from dsr_engine.certificate.trust import Bundle
from dsr_engine.domain.certificate import Statement
from dsr_engine.domain.errors import InputWrong, NotVerified
from dsr_engine.domain.evidence import InclusionProof, is_included, leaf_hash
from dsr_engine.domain.note import Checkpoint, opened, parse_proof

__all__ = ["Issuer", "Report", "Step", "Time", "check"]

_FILES = {archive.STATEMENT_FILE, archive.PROOF_FILE, archive.MANUAL_FILE}
#: How much later than its timestamp a certificate may say that it was made: clocks differ.
_SLACK = timedelta(minutes=5)
_NOT_DONE = "not looked at, because an earlier check failed"


def check(pdf: bytes, bundle: Bundle | None, *, ledger: Path | None = None) -> Report:
    """What can be said of this certificate. Never raises for a bad PDF or a bad ledger file; `InputWrong` if the ledger file cannot be read."""
    seen = _Seen(pdf, bundle)
    checks: list[tuple[str, Callable[[_Seen], str]]] = [
        ("container", _container),
        ("signature", _signature),
        ("statement", _statement),
        ("page", _page),
        ("seal", _seal),
        ("inclusion", _inclusion),
        ("checkpoint", _checkpoint),
    ]
    if ledger is not None:
        checks.append(("ledger", partial(_ledger, path=ledger)))
    integrity = tuple(seen.done(name, look) for name, look in checks)
    issuer, time = _issuer(seen), _time(seen)
    is_genuine = all(step.is_ok for step in (*integrity, issuer, time))
    status, is_entered = _status(seen, is_genuine, (*integrity, issuer, time)), seen.checkpoint is not None
    place = (seen.proof.index, seen.proof.checkpoint) if is_entered else (-1, "")
    return Report(integrity, issuer, time, seen.statement, status, is_genuine, seen.later, *place)


@dataclass
class _Seen:
    """What the steps have found so far."""

    pdf: bytes
    bundle: Bundle | None
    has_failed: bool = False
    containers: tuple[Container, ...] = ()
    chain: tuple[x509.Certificate, ...] = ()
    opinion: Opinion | None = None
    layout: int = 0
    letterhead: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    envelope: bytes = b""
    text: bytes = b""
    statement: Statement | None = None
    proof: InclusionProof = field(default_factory=lambda: InclusionProof(b"", 0, 0, (), ""))
    checkpoint: Checkpoint | None = None
    later: str = "unknown"

    def done(self, name: str, look: "Callable[[_Seen], str]") -> Step:
        if self.has_failed:
            return Step(name, False, _NOT_DONE, f"{name}.not_done")
        try:
            return Step(name, True, look(self))
        except NotVerified as error:
            self.has_failed = True
            return Step(name, False, error.message, error.code)


def _container(seen: _Seen) -> str:
    found = containers(seen.pdf)
    if found[0].signed.is_timestamp or not all(entry.signed.is_timestamp for entry in found[1:]):
        raise NotVerified("the document holds other signatures than one certification and its timestamps", code="container.extra")
    seen.chain = certification(found[0], seen.pdf)
    for entry in found[1:]:
        require_token(entry.signed, entry.covered(seen.pdf))
    seen.containers = found
    return "nothing follows the last signed byte, and the container holds nothing unlisted"


def _signature(seen: _Seen) -> str:
    seen.opinion = opinion(seen.pdf, seen.containers, seen.chain, seen.bundle.tsa if seen.bundle else ())
    return "the certification signature holds; later revisions add nothing but timestamps and their certificates"


def _statement(seen: _Seen) -> str:
    """Reads the first signed revision; its other parts are looked at by the next steps."""
    first = seen.pdf[: seen.containers[0].whole]
    try:
        with pikepdf.open(io.BytesIO(first)) as pdf:
            files = archive.attached(pdf)
            seen.layout, seen.letterhead = archive.noted(pdf)
            seen.texts = page_texts(pdf)
    except (pikepdf.PdfError, *FOREIGN):
        raise NotVerified("the document is not built as the program builds it", code="statement.unreadable") from None
    if files.keys() != _FILES:
        raise NotVerified("the document holds other attachments than a certificate has", code="statement.attachments")
    seen.envelope = files[archive.STATEMENT_FILE]
    seen.text = stating.unverified(seen.envelope)
    stated = stating.from_bytes(seen.text)
    seen.proof = parse_proof(_utf8(files[archive.PROOF_FILE]))
    if set(stated.steps) not in ({*stating.STEPS}, {*stating.STEPS, stating.TIME_STEP}):
        raise NotVerified("the statement asks for checks that this program does not know, or leaves some out", code="statement.steps")
    assert seen.opinion is not None
    if stated.issued_at != seen.opinion.stated_at.strftime("%Y-%m-%dT%H:%M:%SZ"):
        raise NotVerified("the statement and the signature state different times", code="statement.time")
    seen.statement = stated
    return f"certificate {stated.id}, No. {stated.serial}, read from the first signed revision"


def _page(seen: _Seen) -> str:
    if seen.layout != layout.LAYOUT:
        raise NotVerified("the page has a layout that this program does not know", code="page.layout")
    assert seen.statement is not None
    marks = layout.Marks(
        fingerprint(seen.chain[-1]), fingerprint(seen.chain[0]), seen.proof.checkpoint.partition("\n")[0], seen.proof.index, seen.proof.size
    )
    try:
        pieces = [Piece(line) for line in seen.letterhead]
        pieces += [piece for block in layout.blocks(seen.statement, marks) for piece in block.pieces()]
        require_equal(seen.texts, pieces, partial(layout.footer, seen.statement))
    except InputWrong as error:
        raise NotVerified(f"the statement cannot be drawn: {error.message}", code="page.undrawable") from None
    return f"the text of {len(seen.texts)} pages is that of the statement"


def _seal(seen: _Seen) -> str:
    stating.opened(seen.envelope, seen.chain[:1])
    return "the statement is sealed by the signer of the document"


def _inclusion(seen: _Seen) -> str:
    proof = seen.proof
    stating.check_leaf(proof.data, seen.text)
    root = base64.b64decode(proof.checkpoint.split("\n")[2])
    if not is_included(leaf_hash(proof.data), proof.index, proof.size, proof.path, root):
        raise NotVerified("the proof does not lead from this certificate to the ledger's root", code="inclusion.proof")
    return f"entry {proof.index} of {proof.size} in the ledger"


def _checkpoint(seen: _Seen) -> str:
    if seen.bundle is None or not seen.bundle.log_keys:
        raise NotVerified("there is no trusted key of the ledger to check it with", code="checkpoint.no_key")
    seen.checkpoint = _signed(seen.proof.checkpoint, seen.bundle)
    return f"signed by the ledger {seen.checkpoint.origin}"


def _ledger(seen: _Seen, path: Path) -> str:
    assert seen.bundle is not None
    assert seen.checkpoint is not None
    assert seen.statement is not None
    export = read_export(path, seen.statement.id)
    if export.vkey not in [str(key) for key in seen.bundle.log_keys]:
        raise NotVerified("the ledger file is of another ledger than the trusted one", code="ledger.other_key")
    head = _signed(export.checkpoint, seen.bundle)
    if head.origin != seen.checkpoint.origin:
        raise NotVerified("the ledger file is of another ledger than the certificate's", code="ledger.other")
    require_consistent(export, head, seen.checkpoint)
    seen.later = next((verb for verb in LATER if verb in export.later), "none")
    return f"{head.size} entries give the signed root, and begin with those that the certificate was entered among"


def _issuer(seen: _Seen) -> Issuer:
    prints = {"signer": fingerprint(seen.chain[0]), "authority": fingerprint(seen.chain[-1])} if seen.chain else {}
    if not seen.chain:
        return Issuer("issuer", False, _NOT_DONE, "issuer.not_done")
    name = seen.chain[0].subject.rfc4514_string()
    if seen.bundle is None:
        return Issuer("issuer", False, f"{name}: no trust bundle was given; compare the fingerprints", "issuer.no_bundle", prints)
    if seen.chain[-1] not in seen.bundle.ca:
        return Issuer("issuer", False, f"{name}: its authority is not one that the trust bundle names", "issuer.not_trusted", prints)
    return Issuer("issuer", True, f"{name}, trusted as {seen.bundle.controller}", "", prints)


def _time(seen: _Seen) -> Time:
    if seen.statement is None or seen.opinion is None:
        return Time("time", False, _NOT_DONE, "time.not_done")
    stated, witnessed = seen.statement.issued_at, seen.opinion.witnessed_at
    stamps = len(seen.containers) - 1
    if stating.TIME_STEP not in seen.statement.steps:
        if stamps or witnessed:
            return Time("time", False, "there are timestamps that the statement knows nothing of", "time.unlisted", stated)
        return Time("time", True, "as the operator states it; no timestamp authority took part", "", stated)
    if not stamps or witnessed is None:
        return Time("time", False, "the timestamps that belong to the certificate are missing: it is an older revision", "time.missing", stated)
    at = witnessed.strftime("%Y-%m-%dT%H:%M:%SZ")
    tsa = seen.bundle.tsa if seen.bundle else ()
    if not seen.opinion.is_time_trusted or not all(is_anchored(chain, tsa) for chain in token_chains(seen.containers)):
        return Time("time", False, "no timestamp authority that the trust bundle names vouches for the time", "time.not_trusted", at)
    if witnessed < datetime.strptime(stated, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) - _SLACK:
        return Time("time", False, "the certificate says that it was made later than it was timestamped", "time.contradicts", at)
    return Time("time", True, "a timestamp authority vouches that it existed by then", "", at, True)


def _status(seen: _Seen, is_genuine: bool, steps: Sequence[Step]) -> str:
    if is_genuine:
        return "genuine; later status unknown" if seen.later == "unknown" else _LATER_WORDS[seen.later]
    failed = next(step for step in steps if not step.is_ok)
    return f"not verified: {failed.detail}" if failed.code == "checkpoint.no_key" and seen.bundle is None else f"not genuine: {failed.detail}"


_LATER_WORDS = {
    "none": "genuine; nothing later in the ledger speaks against it",
    "completed": "genuine; completed by a later entry",
    "superseded": "genuine, but superseded by a later certificate",
    "withdrawn": "genuine, but withdrawn",
}


def _signed(note: str, bundle: Bundle) -> Checkpoint:
    """The checkpoint, if one of the bundle's keys signed it and it is of the log that the key is for."""
    refused = NotVerified("the checkpoint is not signed by a trusted ledger", code="checkpoint.other_key")
    for key in bundle.log_keys:
        try:
            checkpoint = opened(note, key, _is_ed25519)
        except NotVerified as error:
            refused = NotVerified(error.message, code=error.code.replace("note.", "checkpoint."))
            continue
        if checkpoint.origin == key.name:
            return checkpoint
    raise refused


def _is_ed25519(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise NotVerified("the ledger proof is not text", code="statement.proof") from None
