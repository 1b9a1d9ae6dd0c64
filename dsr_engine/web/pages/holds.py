"""Legal holds: what is protected from erasure, for whom, and who reviewed it."""

from flask import Blueprint

blueprint = Blueprint("holds", __name__, url_prefix="/holds")
