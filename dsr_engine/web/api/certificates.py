"""Certificates and the ledger over the API: what an auditor's own program needs to follow and to prove."""

import json
from base64 import b64encode
from typing import Any

from flask import Response, abort

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.user import Permission
from dsr_engine.store.certificates import Issued
from dsr_engine.store.transaction import Transaction
from dsr_engine.web.api import proof_schemas
from dsr_engine.web.api.cursors import cursor_for, place_of
from dsr_engine.web.api.noun import Noun
from dsr_engine.web.api.schemas import PageQuery
from dsr_engine.web.guard import house

noun = Noun("certificates", "What was certified, by serial number.")
_LIST = "certificates"
_PDF = {"content_type": "application/pdf", "schema": {"type": "string", "format": "binary"}, "description": "The certificate"}


@noun.get("/certificates", Permission.CERTIFICATE_READ, proof_schemas.CertificateListSchema(), PageQuery())
def list_(query: dict[str, Any]) -> dict[str, Any]:
    """Lists certificates by serial number, the first one first."""
    after = int(place_of(_LIST, query["cursor"])[0]) if "cursor" in query else 0
    with house().store.snapshot() as tx:
        page = tx.certificates.after(after, query["limit"])
        rows = [_row(tx, issued) for issued in page]
    more = len(page) == query["limit"]
    return {"certificates": rows, "next": cursor_for(_LIST, (page[-1].serial,)) if more else None}


@noun.get("/certificates/<int(max=9007199254740991):serial>", Permission.CERTIFICATE_READ, proof_schemas.CertificateSchema())
def show(serial: int) -> dict[str, Any]:
    """One certificate."""
    with house().store.snapshot() as tx:
        return _row(tx, _issued(tx, serial))


@noun.get("/certificates/<int(max=9007199254740991):serial>/pdf", Permission.CERTIFICATE_READ, _PDF)
def pdf(serial: int) -> Response:
    """The signed PDF, which holds everything that is needed to verify it."""
    with house().store.snapshot() as tx:
        issued = _issued(tx, serial)
    path = house().paper.folder / issued.path
    if not issued.path or not path.is_file():
        abort(404)
    return Response(path.read_bytes(), mimetype="application/pdf")


def _issued(tx: Transaction, serial: int) -> Issued:
    found = tx.certificates.after(serial - 1, 1)
    if not found or found[0].serial != serial:
        raise InputWrong("there is no certificate of this number", code="certificate.unknown", hint="GET /api/v1/certificates lists them")
    return found[0]


def _row(tx: Transaction, issued: Issued) -> dict[str, Any]:
    statement = json.loads(issued.statement)  # our own bytes: a list has no time to hold each against the schema
    withdrawal = tx.withdrawals.of(issued.id)
    return {
        "certificate": issued.id,
        "serial": issued.serial,
        "case": issued.case,
        "issued_at": statement["issued_at"],
        "verdict": statement["verdict"],
        "level": statement["level"],
        "leaf": issued.leaf_index,
        "is_withdrawn": withdrawal is not None and withdrawal.superseded_by is None,
        "superseded_by": withdrawal.superseded_by if withdrawal else None,
    }


ledger = Noun("ledger", "The append-only log of all effects: leaves, signed checkpoints, proofs (RFC 9162). It holds nothing of a person.")
_LEAVES = "leaves"


@ledger.get("/ledger/leaves", Permission.LEDGER_READ, proof_schemas.LeafListSchema(), PageQuery())
def list_leaves(query: dict[str, Any]) -> dict[str, Any]:
    """The leaves in their order, from the first one on."""
    start = int(place_of(_LEAVES, query["cursor"])[0]) if "cursor" in query else 0
    with house().store.snapshot() as tx:
        size = tx.ledger.size()
        end = min(size, start + query["limit"])
        leaves = [{"index": index, "data": data.decode()} for index, data in tx.ledger.entries(end, start)]
    # At the end the cursor stays good: who keeps it is told of what comes next.
    return {"size": size, "leaves": leaves, "next": cursor_for(_LEAVES, (end,))}


@ledger.get("/ledger/checkpoint", Permission.LEDGER_READ, proof_schemas.CheckpointSchema())
def checkpoint() -> dict[str, Any]:
    """The newest signed checkpoint. Keep it elsewhere: a ledger that was rewritten does not fit it."""
    with house().store.snapshot() as tx:
        return {"note": tx.ledger.latest_checkpoint()}


@ledger.get("/ledger/leaves/<int(max=9007199254740991):index>/proof", Permission.LEDGER_READ, proof_schemas.ProofSchema())
def proof(index: int) -> dict[str, Any]:
    """That this leaf is in the ledger, against the newest checkpoint that covers it."""
    with house().store.snapshot() as tx:
        try:
            found = tx.ledger.proof(index)
        except InputWrong:
            abort(404)
    path = [b64encode(node).decode() for node in found.path]
    return {"index": found.index, "size": found.size, "data": found.data.decode(), "path": path, "checkpoint": found.checkpoint}


@ledger.get("/ledger/consistency", Permission.LEDGER_READ, proof_schemas.ConsistencySchema(), proof_schemas.ConsistencyQuery())
def consistency(query: dict[str, Any]) -> dict[str, Any]:
    """That the ledger of `old` leaves is the beginning of that of `new` leaves."""
    old, new = query["old"], query["new"]
    with house().store.snapshot() as tx:
        path = [b64encode(node).decode() for node in tx.ledger.consistency(old, new)]
        roots = [b64encode(tx.ledger.root(size)).decode() for size in (old, new)]
    return {"old": old, "new": new, "old_root": roots[0], "new_root": roots[1], "path": path}
