"""Certificates: the register, each paper, what was withdrawn, and whether one is missing."""

from flask import Blueprint

blueprint = Blueprint("certificates", __name__, url_prefix="/certificates")
