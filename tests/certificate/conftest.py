"""An installation that issues certificates: an authority, a log with some entries, and the bundle that auditors get."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dsr_engine.certificate.issue import Look, issue
from dsr_engine.certificate.keys import Signer, create_authority, load_signer
from dsr_engine.certificate.ledger import FORMAT
from dsr_engine.certificate.statement import canonical, sealed, to_bytes
from dsr_engine.certificate.trust import Bundle, certificates_in
from dsr_engine.domain.certificate import Statement
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.evidence import InclusionProof, inclusion_proof, leaf_hash, node_hash, root_of
from dsr_engine.domain.note import Checkpoint, LogKey, signed
from tests.servers.timestamp_authority import TimestampAuthority

BORN = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


@dataclass
class Log:
    """A small ledger in memory, signed with its own key."""

    name: str = "dsr.nordwind.example/ledger"
    entries: list[bytes] = field(default_factory=list)
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def key(self) -> LogKey:
        return LogKey(self.name, self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def append(self, **entry: str) -> int:
        self.entries.append(canonical(dict(entry)))
        return len(self.entries) - 1

    def _subtree(self, level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(self.entries[index])
        return node_hash(self._subtree(level - 1, 2 * index), self._subtree(level - 1, 2 * index + 1))

    def checkpoint(self, size: int | None = None) -> str:
        size = len(self.entries) if size is None else size
        return signed(Checkpoint(self.name, size, root_of(size, self._subtree)), self.key, self.private.sign)

    def proof(self, index: int) -> InclusionProof:
        size = len(self.entries)
        return InclusionProof(self.entries[index], index, size, inclusion_proof(index, size, self._subtree), self.checkpoint())

    def export(self, path: Path, size: int | None = None) -> Path:
        entries = self.entries if size is None else self.entries[:size]
        lines = [{"format": FORMAT, "checkpoint": self.checkpoint(size), "vkey": str(self.key)}]
        leaves = [{"index": number, "data": entry.decode()} for number, entry in enumerate(entries)]
        path.write_text("".join(json.dumps(line) + "\n" for line in [*lines, *leaves]), encoding="utf-8")
        return path


@dataclass
class Installation:
    """Everything one controller has."""

    folder: Path
    signer: Signer
    log: Log
    tsa_url: str | None = None
    tsa: tuple[x509.Certificate, ...] = ()

    @property
    def bundle(self) -> Bundle:
        return Bundle("Nordwind Handels GmbH", (self.signer.anchor,), (self.log.key,), self.tsa)

    def enter(self, statement: Statement) -> InclusionProof:
        """Enters the statement in the log, among other entries."""
        digest = hashlib.sha256(to_bytes(statement)).hexdigest()
        index = self.log.append(kind="certificate.issued", certificate=statement.id, statement=digest)
        self.log.append(kind="effect.done", key=f"after {index}")
        return self.log.proof(index)

    def issue(self, statement: Statement, look: Look | None = None) -> bytes:
        text = to_bytes(statement)
        return issue(text, sealed(text, self.signer), self.enter(statement), self.signer, look or Look(), tsa_url=self.tsa_url)

    def with_tsa(self, url: str, certificates: tuple[x509.Certificate, ...]) -> "Installation":
        return replace(self, tsa_url=url, tsa=certificates)


def install(folder: Path, born: datetime = BORN) -> Installation:
    create_authority(folder, "Nordwind Handels GmbH", FixedClock(born))
    log = Log()
    for number in range(5):
        log.append(kind="effect.done", key=str(number))
    return Installation(folder, load_signer(folder), log)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return install(tmp_path_factory.mktemp("home") / "keys")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Another installation of the same name, as a forger would set it up."""
    return install(tmp_path_factory.mktemp("stranger") / "keys")


@pytest.fixture(scope="session")
def timed(tmp_path_factory: pytest.TempPathFactory, timestamp_authority: TimestampAuthority) -> Installation:
    """An installation that has its certificates timestamped. Its clock is the machine's, because the authority's is."""
    fresh = install(tmp_path_factory.mktemp("timed") / "keys", datetime.now(UTC))
    return fresh.with_tsa(timestamp_authority.url, certificates_in(timestamp_authority.root))
