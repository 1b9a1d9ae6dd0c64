"""Doors for controllers and partners: OpenDSR 2.0 and the IAB's deletion framework. Each is there only if `partners.yaml` opens it."""

import hmac
import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, abort, current_app, request
from werkzeug.wrappers import Response

from dsr_engine.bootstrap import pin_policy
from dsr_engine.delivery.opendsr import VERSION
from dsr_engine.delivery.opendsr_answer import certificate_of, signed_body
from dsr_engine.domain.errors import NotAllowed
from dsr_engine.domain.network import network_of
from dsr_engine.domain.partner import IabDoor, OpenDsrDoor
from dsr_engine.web.api.callers import count_address
from dsr_engine.web.guard import csrf, house, keeper, looks_itself, public
from dsr_engine.workflow.partners import iab_ddr, opendsr
from dsr_engine.workflow.partners.taking_in import policy_for
from dsr_engine.workflow.users.signing_in import throttle

blueprint = Blueprint("partner_doors", __name__)
csrf.exempt(blueprint)
RING = "dsr-iab-keys"
#: So many wrong proofs of one address in a quarter of an hour, over all processes.
WRONG_PROOFS = 60
#: Where the specification's versions begin, the present one and the one that was called OpenGDPR.
ROOT, OLD_ROOT = "/opendsr/v2", "/opendsr/v1"


def add_doors(app: Flask) -> None:
    """Adds the doors to the app."""
    app.extensions[RING] = iab_ddr.KeyRing()
    app.register_blueprint(blueprint)


@blueprint.before_request
def _count() -> None:
    count_address("partner")


# --- OpenDSR 2.0 -------------------------------------------------------------------------------------------------------------------


@blueprint.get(f"{ROOT}/discovery")
@blueprint.get(f"{OLD_ROOT}/discovery")
@public
def discovery() -> Response:
    """What is taken here; for everybody (§ 6)."""
    door = _opendsr()
    return _signed(door, opendsr.discovery(door, house().settings.web.url + ROOT, _version()), 200)


@blueprint.get(f"{ROOT}/certificate")
@public
def certificate() -> Response:
    """The certificate under which answers are signed."""
    return Response(certificate_of(_opendsr()), mimetype="application/x-pem-file")


@blueprint.post(f"{ROOT}/requests")
@blueprint.post(f"{OLD_ROOT}/opengdpr_requests")
@looks_itself
def ask() -> Response:
    """Takes a request in (§ 7)."""
    door = _opendsr()
    controller = _controller(door)
    pin_policy(keeper().home, policy_for(house(), door.policy))
    return _signed(door, opendsr.request(house(), door, controller, request.get_data(), _version()), 201)


@blueprint.get(f"{ROOT}/requests/<request_id>")
@blueprint.get(f"{ROOT}/status/<request_id>")
@blueprint.get(f"{OLD_ROOT}/opengdpr_requests/<request_id>")
@looks_itself
def status(request_id: str) -> Response:
    """How a request stands (§ 8)."""
    door = _opendsr()
    return _signed(door, opendsr.status(house(), _controller(door), request_id, _version()), 200)


@blueprint.delete(f"{ROOT}/requests/<request_id>")
@blueprint.delete(f"{OLD_ROOT}/opengdpr_requests/<request_id>")
@looks_itself
def cancel(request_id: str) -> Response:
    """Takes a request back while it is pending (§ 9)."""
    door = _opendsr()
    return _signed(door, opendsr.cancel(house(), _controller(door), request_id, _version()), 202)


def _version() -> str:
    """The version of the specification that is spoken at the address that was called."""
    return opendsr.OLDER if request.path.startswith(OLD_ROOT) else VERSION


def _opendsr() -> OpenDsrDoor:
    return house().partners.opendsr or abort(404)


def _controller(door: OpenDsrDoor) -> str:
    """Who asks, by the value of the header Authorization. Every controller's is compared, whoever it is."""
    given = request.headers.get("Authorization", "").encode()
    found = [name for name, value in door.controllers.items() if hmac.compare_digest(value.reveal().encode(), given)]
    if not found:
        throttle(house(), "partner address", network_of(request.remote_addr or ""), WRONG_PROOFS)
        raise NotAllowed("this controller is not known here", code="token.wrong", hint="send the Authorization that was agreed")
    return found[0]


def _signed(door: OpenDsrDoor, document: Mapping[str, Any], status_code: int) -> Response:
    body, headers = signed_body(door, document)
    return Response(body, status_code, headers=dict(headers), mimetype="application/json")


# --- IAB Data Deletion Request -----------------------------------------------------------------------------------------------------


@blueprint.get("/dsrdelete.json")
@blueprint.get("/.well-known/dsrdelete.json")
@public
def published() -> Response:
    """Where requests are taken, which identifiers, and our keys."""
    document = iab_ddr.published(_iab(), house().settings.web.url)
    return Response(json.dumps(document), mimetype="application/json")


@blueprint.post("/iab/v1/requests")
@looks_itself
def delete() -> Response:
    """Takes a signed request; 202 with a signed acknowledgement, 400 with one that says why not."""
    door = _iab()
    token = _token()
    pin_policy(keeper().home, policy_for(house(), door.policy))
    ring: iab_ddr.KeyRing = current_app.extensions[RING]
    acknowledged, is_taken = iab_ddr.answer(house(), door, ring, token)
    if not is_taken:
        throttle(house(), "partner address", network_of(request.remote_addr or ""), WRONG_PROOFS)
    return Response(json.dumps({"acJWT": acknowledged}), 202 if is_taken else 400, mimetype="application/json")


def _iab() -> IabDoor:
    return house().partners.iab or abort(404)


def _token() -> str:
    """The rqJWT: a member of a JSON object, or the body itself, for the framework does not say which."""
    text = request.get_data().decode("ascii", errors="replace").strip()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = text
    if isinstance(found, dict):
        found = found.get("rqJWT")
    return found if isinstance(found, str) else ""
