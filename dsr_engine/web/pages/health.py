"""Probes for whoever runs the server: alive, ready, and figures. The first two tell nothing else; the figures need a token."""

from flask import Blueprint, Response

from dsr_engine.domain.errors import DsrError, NotAllowed
from dsr_engine.domain.user import Permission
from dsr_engine.web.api.callers import bearer
from dsr_engine.web.guard import house, looks_itself, public
from dsr_engine.web.metrics import text_of_metrics

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def alive() -> tuple[str, int]:
    """The process answers."""
    return "ok\n", 200


@blueprint.get("/readyz")
@public
def ready() -> tuple[str, int]:
    """The store answers with the tables of this version, and the keys can be read."""
    try:
        is_ready = house().store.is_current()
    except (DsrError, OSError):
        is_ready = False
    return ("ok\n", 200) if is_ready else ("not ready\n", 503)


@blueprint.get("/metrics")
@looks_itself
def metrics() -> Response:
    """Figures for Prometheus, for a token that may read them."""
    if not bearer().may(Permission.METRICS_READ):
        raise NotAllowed("this token may not read figures", code="token.permission", hint="make one with metrics.read")
    return Response(text_of_metrics(), content_type="text/plain; version=0.0.4; charset=utf-8")
