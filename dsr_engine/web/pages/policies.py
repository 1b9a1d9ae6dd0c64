"""Policies and laws as tables that people can read."""

from flask import Blueprint

blueprint = Blueprint("policies", __name__, url_prefix="/policies")
