"""What a certificate of our own carries in it: who signed it, the sealed statement, and the checkpoint that it was entered under."""

import io
from dataclasses import dataclass

import pikepdf
from cryptography import x509

from dsr_engine.certificate import archive
from dsr_engine.certificate.container import certification, containers
from dsr_engine.certificate.opinion import FOREIGN
from dsr_engine.domain.errors import NotVerified
from dsr_engine.domain.note import parse_proof


@dataclass(frozen=True, slots=True)
class Inside:
    """`chain` is the signer's certificate and those above it. Nothing of it was verified but that the container is ours: `check` does that."""

    chain: tuple[x509.Certificate, ...]
    envelope: bytes
    checkpoint: str


def inside(pdf: bytes) -> Inside:
    """Reads the first signed revision. Raises `NotVerified` for a file that is not built as the program builds it."""
    first = containers(pdf)[0]
    chain = certification(first, pdf)
    try:
        with pikepdf.open(io.BytesIO(pdf[: first.whole])) as document:
            files = archive.attached(document)
        return Inside(chain, files[archive.STATEMENT_FILE], parse_proof(files[archive.PROOF_FILE].decode()).checkpoint)
    except (pikepdf.PdfError, *FOREIGN):
        raise NotVerified("the document is not built as the program builds it", code="statement.unreadable") from None
