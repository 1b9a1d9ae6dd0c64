"""Retention sweeps: when each runs, what it would take, what stopped it."""

from flask import Blueprint

blueprint = Blueprint("sweeps", __name__, url_prefix="/sweeps")
