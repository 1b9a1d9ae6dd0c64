"""Recipients of data: who was told of an erasure, who answered."""

from flask import Blueprint

blueprint = Blueprint("recipients", __name__, url_prefix="/recipients")
