"""Records: the request log, figures by period, what the engine itself holds."""

from flask import Blueprint

blueprint = Blueprint("records", __name__, url_prefix="/records")
