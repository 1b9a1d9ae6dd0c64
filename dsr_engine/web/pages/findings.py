"""Possible findings, decided one by one with masked previews that are read at that moment and never kept."""

from flask import Blueprint

blueprint = Blueprint("findings", __name__, url_prefix="/cases")
