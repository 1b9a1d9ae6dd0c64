"""The threads of this server in which long questions are answered, so that no page waits for a system."""

from flask import Flask, current_app

from dsr_engine.workflow.systems.asking import Bench

_BENCH = "dsr-bench"


def bench() -> Bench:
    """The one of this app; its threads start with the first question."""
    found: Bench = current_app.extensions.setdefault(_BENCH, Bench())
    return found


def end_inquiries(app: Flask) -> None:
    """The server stops; nothing new is asked of systems, and nothing is left that looks as if somebody were at it."""
    found = app.extensions.get(_BENCH)
    if isinstance(found, Bench):
        found.end()
