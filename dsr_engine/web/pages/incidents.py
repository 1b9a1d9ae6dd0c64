"""Incidents: what went wrong, who must be told, until when."""

from flask import Blueprint

blueprint = Blueprint("incidents", __name__, url_prefix="/incidents")
