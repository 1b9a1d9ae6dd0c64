"""The ledger: its leaves, its checkpoints, and that nothing in it changed between two of them."""

import json
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from dsr_engine.certificate.strangers import MOST_BYTES, check_apart
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.evidence import InclusionProof, is_included, leaf_hash
from dsr_engine.domain.note import proof_text
from dsr_engine.domain.user import Permission
from dsr_engine.store.ledger_lists import Entry, Filter
from dsr_engine.store.transaction import Transaction
from dsr_engine.web.asked import asked, begin, day, end, number, turned
from dsr_engine.web.guard import house, needs
from dsr_engine.web.papers import saved
from dsr_engine.web.uploads import file_of, takes_file
from dsr_engine.workflow.proving.checking import checkpoint_of
from dsr_engine.workflow.proving.histories import Side, compared, note_of, note_of_report, note_of_serial, note_of_size

blueprint = Blueprint("ledger", __name__, url_prefix="/ledger")

_PAGE = 50


@blueprint.get("")
@needs(Permission.LEDGER_READ)
def index() -> str:
    given: dict[str, Any] = {**asked()}
    wanted = Filter(kind=request.args.get("kind", ""), case=request.args.get("case", "").strip(), start=begin(day("from")), end=end(day("to")))
    before, after = number("before"), number("after")
    with house().store.snapshot() as tx:
        found = tx.ledger_lists.leaves(wanted, _PAGE + 1, before=before, after=after)
        kinds = tx.ledger_lists.kinds()
        size = tx.ledger.size()
        newest = next(iter(tx.ledger_lists.checkpoints(1)), None)
    page = turned(found, _PAGE, before, after)
    return render_template(
        "ledger/index.html",
        entries=[(entry, said_of(entry)) for entry in page.rows],
        kinds=kinds,
        size=size,
        newest=newest,
        given=given,
        earlier=url_for("ledger.index", **given, after=page.rows[0].index) if page.has_newer else "",
        later=url_for("ledger.index", **given, before=page.rows[-1].index) if page.has_older else "",
    )


@blueprint.get("/leaf/<int:index>")
@needs(Permission.LEDGER_READ)
def leaf(index: int) -> str:
    with house().store.snapshot() as tx:
        entry = _entry(tx, index)
        size = tx.ledger.size()
        proof = _proof(tx, index)
    held = checkpoint_of(house().paper.bundle, proof.checkpoint) if proof is not None else None
    holds = proof is not None and held is not None and is_included(leaf_hash(proof.data), index, proof.size, proof.path, held.root)
    return render_template(
        "ledger/leaf.html",
        entry=entry,
        said=said_of(entry),
        proof=proof,
        holds=holds,
        size=size,
        hash=leaf_hash(entry.data).hex(),
        raw=entry.data.decode(),
    )


@blueprint.get("/leaf/<int:index>/proof.txt")
@needs(Permission.LEDGER_READ)
def proof(index: int) -> Response:
    """The leaf with its proof of inclusion, in the text form that other tools read (C2SP tlog-proof)."""
    with house().store.snapshot() as tx:
        _entry(tx, index)
        found = tx.ledger.proof(index)
    return saved(proof_text(found), f"leaf-{index}.tlog-proof.txt", "text/plain")


@blueprint.get("/checkpoints")
@needs(Permission.LEDGER_READ)
def checkpoints() -> str:
    before, after = number("before"), number("after")
    with house().store.snapshot() as tx:
        found = tx.ledger_lists.checkpoints(_PAGE + 1, before=before, after=after)
    page = turned(found, _PAGE, before, after)
    return render_template(
        "ledger/checkpoints.html",
        checkpoints=page.rows,
        earlier=url_for("ledger.checkpoints", after=page.rows[0].size) if page.has_newer else "",
        later=url_for("ledger.checkpoints", before=page.rows[-1].size) if page.has_older else "",
    )


@blueprint.get("/checkpoints/<int:size>/checkpoint.txt")
@needs(Permission.LEDGER_READ)
def checkpoint(size: int) -> Response:
    with house().store.snapshot() as tx:
        found = note_of_size(tx, house(), size)
    return saved(found.note, f"checkpoint-{size}.txt", "text/plain")


@blueprint.get("/histories")
@needs(Permission.LEDGER_READ)
def histories() -> str:
    """Asks which two states are to be compared; with `one` and `other` (numbers of certificates) or `a` and `b` (sizes) it compares them."""
    serials, sizes = (number("one"), number("other")), (number("a"), number("b"))
    found = None
    with house().store.snapshot() as tx:
        newest = next(iter(tx.ledger_lists.checkpoints(1)), None)
        if serials[0] is not None and serials[1] is not None:
            found = compared(tx, note_of_serial(tx, house(), serials[0]), note_of_serial(tx, house(), serials[1]))
        elif sizes[0] is not None and sizes[1] is not None:
            found = compared(tx, note_of_size(tx, house(), sizes[0]), note_of_size(tx, house(), sizes[1]))
    return render_template("ledger/histories.html", found=found, serials=serials, sizes=sizes, newest=newest)


@blueprint.post("/histories")
@needs(Permission.LEDGER_READ)
@takes_file(MOST_BYTES)
def compare() -> str:
    """Compares two states that somebody brings: two certificates, two checkpoints, or one with the newest state of this ledger."""
    sides = [side for name in ("one", "other") if (side := _brought(name)) is not None]
    if not sides:
        raise InputWrong("nothing was brought to compare", code="histories.none", hint="choose a certificate, or paste a checkpoint")
    with house().store.snapshot() as tx:
        newest = next(iter(tx.ledger_lists.checkpoints(1)), None)
        if len(sides) == 1:
            if newest is None:
                raise Conflict("this ledger has no checkpoint yet", code="ledger.no_checkpoint", hint="`dsr ledger checkpoint` makes one")
            sides.append(note_of_size(tx, house(), newest.size))
        found = compared(tx, *sides)
    return render_template("ledger/histories.html", found=found, serials=(None, None), sizes=(None, None), newest=newest)


def _brought(name: str) -> Side | None:
    """What was brought under this name: a file, or a note that was pasted."""
    pdf, note = file_of(f"{name}_file"), request.form.get(f"{name}_note", "")
    if pdf:
        return note_of_report(house(), check_apart(pdf, house().paper.bundle))
    return note_of(house(), "the checkpoint that was pasted", note) if note.strip() else None


def _entry(tx: Transaction, index: int) -> Entry:
    found = tx.ledger_lists.leaf(index) if index < 2**63 else None
    if found is None:
        raise InputWrong("the ledger has no such entry", code="leaf.unknown", hint="entries are counted from 0")
    return found


def _proof(tx: Transaction, index: int) -> InclusionProof | None:
    """None while no checkpoint covers the leaf."""
    try:
        return tx.ledger.proof(index)
    except Conflict:
        return None


def said_of(entry: Entry) -> list[tuple[str, str]]:
    """What a leaf says, but for what its row shows beside it."""
    data: dict[str, object] = json.loads(entry.data)
    return [(name, _text(value)) for name, value in data.items() if name not in ("kind", "at", "key", "case")]


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_text(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(_text(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)
