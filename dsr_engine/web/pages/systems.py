"""Systems: how they are, what we may do there, and connecting another."""

from flask import Blueprint

blueprint = Blueprint("systems", __name__, url_prefix="/systems")
