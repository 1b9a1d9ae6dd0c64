"""Probes for whoever runs the server: alive, and ready. They tell nothing else."""

from flask import Blueprint

from dsr_engine.domain.errors import DsrError
from dsr_engine.web.guard import house, public

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def alive() -> tuple[str, int]:
    """The process answers."""
    return "ok\n", 200


@blueprint.get("/readyz")
@public
def ready() -> tuple[str, int]:
    """The store answers too."""
    try:
        with house().store.snapshot() as tx:
            tx.ledger.size()
    except DsrError:
        return "not ready\n", 503
    return "ok\n", 200
