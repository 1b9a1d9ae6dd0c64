"""Cases: the list, and the story of each from intake to certificate."""

from flask import Blueprint

blueprint = Blueprint("cases", __name__, url_prefix="/cases")
