"""Accounts of those who sign in, their roles, and tokens for programs."""

from flask import Blueprint

blueprint = Blueprint("users", __name__, url_prefix="/users")
