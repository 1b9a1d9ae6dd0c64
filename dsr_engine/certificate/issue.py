"""Makes the certificate: a page that shows the statement, the sealed statement and its ledger proof inside, one signature over all."""

from datetime import UTC, datetime
from functools import partial

from dsr_engine.certificate import archive, layout
from dsr_engine.certificate.archive import Attachment
from dsr_engine.certificate.keys import Signer, fingerprint
from dsr_engine.certificate.look import Look
from dsr_engine.certificate.page import draw
from dsr_engine.certificate.signing import sign
from dsr_engine.certificate.statement import STEPS, TIME_STEP, check_leaf, from_bytes, opened, sealed
from dsr_engine.domain.certificate import Statement
from dsr_engine.domain.errors import InputWrong, NotVerified
from dsr_engine.domain.evidence import InclusionProof
from dsr_engine.domain.note import proof_text
from dsr_engine.shipped import shipped

__all__ = ["Look", "issue"]


def issue(statement: bytes, envelope: bytes, proof: InclusionProof, signer: Signer, look: Look, *, tsa_url: str | None = None) -> bytes:
    """The signed PDF. Without `tsa_url` the same input gives the same bytes, so a rerun after a crash changes nothing.

    Raises `NotVerified` if statement, envelope and proof are not of one certificate, `InputWrong` for what cannot be drawn or does not fit
    the statement's own list of checks, `Unreachable` if the timestamp authority does not help.
    """
    stated = from_bytes(statement)
    at = _moment(stated)
    _check_steps(stated, tsa_url)
    check_leaf(proof.data, statement)
    attachments = (
        Attachment(archive.STATEMENT_FILE, _seal(statement, envelope, signer), "application/json", "The statement, signed (DSSE)", "/Data"),
        Attachment(archive.PROOF_FILE, proof_text(proof).encode(), "text/plain", "Proof that the ledger holds it (C2SP)", "/Supplement"),
        Attachment(archive.MANUAL_FILE, _manual(), "text/markdown", "How to verify", "/Supplement"),
    )
    letterhead = look.lines or (stated.controller.get("name", ""),)
    marks = marks_of(signer, proof)
    drawn = draw(layout.blocks(stated, marks), letterhead, look, partial(layout.footer, stated))
    return sign(archive.archived(drawn, at, attachments, layout.LAYOUT, letterhead), at, signer, tsa_url)


def marks_of(signer: Signer, proof: InclusionProof) -> layout.Marks:
    return layout.Marks(fingerprint(signer.anchor), fingerprint(signer.certificate), proof.checkpoint.partition("\n")[0], proof.index, proof.size)


def _manual() -> bytes:
    return (shipped("templates") / "certificate" / "verify.md").read_bytes()


def _moment(statement: Statement) -> datetime:
    try:
        return datetime.strptime(statement.issued_at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise InputWrong("issued_at is not a time like 2026-11-21T20:31:07Z", code="statement.time") from None


def _check_steps(statement: Statement, tsa_url: str | None) -> None:
    """A certificate that names no check of time but has a timestamp could lose it unnoticed; one that names it without having it never verifies."""
    expected = {*STEPS, TIME_STEP} if tsa_url else {*STEPS}
    if set(statement.steps) != expected:
        raise InputWrong(
            "the statement's list of checks is not that of this certificate",
            code="statement.steps",
            hint="a statement made with a timestamp authority needs one when it is issued, and one made without must have none",
        )


def _seal(statement: bytes, envelope: bytes, signer: Signer) -> bytes:
    """The envelope; sealed again if the signer was rotated since (the ledger's leaf is about the statement, not about its seal)."""
    try:
        held = opened(envelope, (signer.certificate,))
    except NotVerified as error:
        if error.code != "seal.other_key":
            raise
        return sealed(statement, signer)
    if held != statement:
        raise NotVerified("the envelope holds another statement", code="seal.other_statement")
    return envelope
