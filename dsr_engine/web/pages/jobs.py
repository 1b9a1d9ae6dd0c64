"""The clock: what runs when, and how the last runs ended."""

from flask import Blueprint

blueprint = Blueprint("jobs", __name__, url_prefix="/clock")
