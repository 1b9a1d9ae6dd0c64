"""The ledger: its leaves, its checkpoints, and that nothing in it changed between two of them."""

from flask import Blueprint

blueprint = Blueprint("ledger", __name__, url_prefix="/ledger")
