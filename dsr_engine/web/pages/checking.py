"""A certificate is dropped here and every step of its verification shown; for everybody."""

from flask import Blueprint

blueprint = Blueprint("checking", __name__, url_prefix="/check")
