"""The desk: what is due, overdue, waiting and why, with the next click."""

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.user import Permission
from dsr_engine.web.guard import may, needs, signed_in

blueprint = Blueprint("desk", __name__)


@blueprint.get("/")
@signed_in
def start() -> Response | str:
    """Leads everybody to the first page that is theirs."""
    if may(Permission.CASE_READ):
        return redirect(url_for("desk.show"), 303)
    return redirect(url_for("systems.index"), 303)


@blueprint.get("/desk")
@needs(Permission.CASE_READ)
def show() -> str:
    return render_template("desk/show.html")
