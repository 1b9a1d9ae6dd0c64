"""The requester's door: asking, confirming, following, downloading; without an account."""

from flask import Blueprint

blueprint = Blueprint("portal", __name__, url_prefix="/portal")
