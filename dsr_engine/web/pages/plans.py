"""A plan before its approval: what would happen, grouped by rule, corrected and approved."""

from flask import Blueprint

blueprint = Blueprint("plans", __name__, url_prefix="/cases")
