"""Evidence for an auditor in one file: certificates, the ledger's leaves about their case with proofs, the texts that they cite, and a verifier.

The verifier (`certificate/offline.py`) is a script of its own that needs no engine, no network and no trust in whoever made the bundle.
"""

import base64
import hashlib
import inspect
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from dsr_engine.certificate import offline
from dsr_engine.certificate.inside import Inside, inside
from dsr_engine.certificate.keys import Signer
from dsr_engine.certificate.statement import from_bytes
from dsr_engine.certificate.trust import bundle_text
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.shipped import shipped
from dsr_engine.store.certificates import Issued
from dsr_engine.store.ledger import rfc3339
from dsr_engine.store.ledger_lists import Entry
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.proving.citing import cited_by

FORMAT = "dsr-evidence/1"
#: A case of more leaves than this is no case of one person; its whole ledger is exported instead.
MOST_LEAVES = 50_000
_LATER = ("certificate.withdrawn", "certificate.superseded")
#: What the archive's entries are dated: the same bundle has the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The archive and the name to save it under."""

    name: str
    data: bytes


def evidence_of(house: House, wanted: str) -> Evidence:
    """The evidence of a case: named by the case, by a certificate's id, or by its serial number.

    Makes a checkpoint first where the newest does not cover all leaves. Raises `InputWrong` for what nobody knows or what has no certificate,
    `Conflict` (`evidence.erased`) where the record of the request is erased.
    """
    with house.store.transaction() as tx:
        case = _case_of(tx, wanted)
        tx.ledger.checkpoint()
    with house.store.snapshot() as tx:
        papers = tuple(_paper(house, issued) for issued in tx.certificates.of_case(case))
        certificates = tuple(paper.issued for paper in papers)
        entries = _leaves(tx, case, certificates)
        parts = {**_papers(papers), **_ledger(tx, papers, entries), **_texts(house, certificates, entries)}
    parts["trust-bundle.json"] = bundle_text(house.paper.bundle).encode()
    parts["README.md"] = (shipped("templates") / "certificate" / "evidence.md").read_bytes()
    parts[offline.SIGNER] = _pem(house.paper.signer)
    parts["verify.py"] = inspect.getsource(offline).encode()
    index = json.dumps(_index(house, case, certificates, entries, parts), indent=1, ensure_ascii=False, sort_keys=True).encode()
    parts[offline.INDEX] = index
    parts[offline.SEAL] = base64.b64encode(house.paper.signer.sign(index)) + b"\n"
    return Evidence(f"evidence-{certificates[-1].serial:06d}.zip", _zipped(parts))


def _case_of(tx: Transaction, wanted: str) -> str:
    certificate = tx.certificate_lists.id_of(int(wanted)) if wanted.isascii() and wanted.isdigit() and len(wanted) < 16 else wanted
    listed = tx.certificate_lists.get(certificate or "")
    issued = tx.certificates.get(certificate or "")
    if listed is not None and issued is None:
        raise Conflict(
            f"the record of the request behind certificate {listed.serial} is erased",
            code="evidence.erased",
            hint="its PDF carries its own proof: `dsr verify`; the whole ledger is exported by `dsr ledger export`",
        )
    case = issued.case if issued is not None else wanted
    if tx.certificates.of(case) is None:
        raise InputWrong("there is no certificate of this case or number", code="evidence.unknown", hint="`dsr certificates` lists them")
    return case


def _leaves(tx: Transaction, case: str, certificates: Iterable[Issued]) -> tuple[Entry, ...]:
    """The leaves about the case, and those that say what became of its certificates; in the order of the ledger."""
    found = {entry.index: entry for entry in tx.ledger_lists.of_case(case, MOST_LEAVES + 1)}
    if len(found) > MOST_LEAVES:
        raise InputWrong(f"the case has more than {MOST_LEAVES} entries", code="evidence.large", hint="`dsr ledger export` writes the whole ledger")
    for issued in certificates:
        for kind in _LATER:
            for index, _ in tx.ledger.find(kind, certificate=issued.id):
                later = tx.ledger_lists.leaf(index)
                if later is not None:
                    found[index] = later
    return tuple(found[index] for index in sorted(found))


@dataclass(frozen=True, slots=True)
class _Paper:
    issued: Issued
    pdf: bytes
    inside: Inside


def _paper(house: House, issued: Issued) -> _Paper:
    path = house.paper.folder / issued.path
    if not path.is_file():
        raise Conflict(
            f"the PDF of certificate {issued.serial} is not in the folder of certificates", code="evidence.no_pdf", hint="put it back from a backup"
        )
    pdf = path.read_bytes()
    return _Paper(issued, pdf, inside(pdf))


def _papers(papers: Iterable[_Paper]) -> dict[str, bytes]:
    """Each certificate's PDF, its sealed statement, and the certificates of whoever signed it."""
    parts = {}
    for paper in papers:
        stem = _stem(paper.issued)
        parts[f"{stem}.pdf"] = paper.pdf
        parts[f"{stem}.dsse.json"] = paper.inside.envelope
        parts[f"{stem}.signer.pem"] = b"".join(entry.public_bytes(Encoding.PEM) for entry in paper.inside.chain)
    return parts


def _ledger(tx: Transaction, papers: Iterable[_Paper], entries: tuple[Entry, ...]) -> dict[str, bytes]:
    """The leaves with their proofs against the newest checkpoint, and the checkpoints that the certificates carry with theirs."""
    (newest,) = tx.ledger_lists.checkpoints(1)
    paths = tx.ledger.paths([entry.index for entry in entries], newest.size)
    lines = []
    for entry in entries:
        path = [_base64(each) for each in paths[entry.index]]
        lines.append(json.dumps({"index": entry.index, "data": entry.data.decode(), "path": path}, ensure_ascii=False))
    carried = {_size_of(paper.inside.checkpoint): paper.inside.checkpoint for paper in papers} | {newest.size: newest.note}
    notes = [
        {"size": size, "note": note, "to_newest": [_base64(step) for step in tx.ledger.consistency(size, newest.size)]}
        for size, note in sorted(carried.items())
    ]
    return {offline.LEAVES: ("\n".join(lines) + "\n").encode(), offline.CHECKPOINTS: json.dumps(notes, indent=1, ensure_ascii=False).encode()}


def _size_of(note: str) -> int:
    return int(note.split("\n")[1])


def _texts(house: House, certificates: Iterable[Issued], entries: Iterable[Entry]) -> dict[str, bytes]:
    """The cited texts that are kept."""
    found = ((digest, house.text_of(digest)) for digest in _cited(certificates, entries))
    return {_text_name(digest): text for digest, text in found if text is not None}


def _cited(certificates: Iterable[Issued], entries: Iterable[Entry]) -> Mapping[str, str]:
    return cited_by((entry.data for entry in entries), (from_bytes(issued.statement) for issued in certificates))


def _index(house: House, case: str, certificates: Iterable[Issued], entries: tuple[Entry, ...], parts: dict[str, bytes]) -> dict[str, object]:
    cited = _cited(certificates, entries)
    return {
        "format": FORMAT,
        "made_at": rfc3339(house.clock.now()),
        "software": house.software,
        "controller": house.paper.controller.get("name", ""),
        "case": case,
        "certificates": [
            {"id": issued.id, "serial": issued.serial, "pdf": f"{_stem(issued)}.pdf", "envelope": f"{_stem(issued)}.dsse.json"}
            | {"signer": f"{_stem(issued)}.signer.pem"}
            for issued in certificates
        ],
        "leaves": len(entries),
        "texts": [
            {"what": what, "sha256": digest, "file": _text_name(digest) if _text_name(digest) in parts else ""} for digest, what in cited.items()
        ],
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()},
    }


def _stem(issued: Issued) -> str:
    return f"certificates/certificate-{issued.serial:06d}"


def _text_name(digest: str) -> str:
    return f"texts/{digest}.yaml"


def _pem(signer: Signer) -> bytes:
    return b"".join(entry.public_bytes(Encoding.PEM) for entry in dict.fromkeys((signer.certificate, *signer.chain)))


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _zipped(parts: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name in sorted(parts):
            file.writestr(zipfile.ZipInfo(name, _DATE), parts[name], zipfile.ZIP_DEFLATED)
    return archive.getvalue()
