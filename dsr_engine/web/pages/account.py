"""What a user does about their own account: password, second factors, sessions."""

from flask import Blueprint

blueprint = Blueprint("account", __name__, url_prefix="/account")
