"""One line for each call: what was called and how it ended, never by what address, with what words, or about whom.

The route's pattern stands in the line, not the path; of who called only the random id of the account. `X-Request-Id` in the answer leads to the line.
"""

import io
import json
import logging
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from flask import Flask, g, request
from werkzeug.wrappers import Response

from dsr_engine.web.metrics import METRICS, Metrics

CALLS, SAID = "dsr.calls", "dsr.said"
HEADER = "X-Request-Id"
FORMATS = ("text", "json")
#: Their entries repeat paths and what came with them.
_CHATTY = ("waitress", "waitress.queue", "werkzeug", "apscheduler", "authlib", "webauthn")
_log, _said = logging.getLogger(CALLS), logging.getLogger(SAID)


def note_calls(app: Flask) -> None:
    """Gives each call an id, and counts and logs its end. Call it first, so that the time of everything else is in it."""
    metrics = Metrics()
    app.extensions[METRICS] = metrics

    def begin() -> None:
        g.request_id = secrets.token_hex(8)
        g.begun = time.perf_counter()

    def end(answer: Response) -> Response:
        answer.headers[HEADER] = g.get("request_id", "")
        seconds = time.perf_counter() - g.get("begun", time.perf_counter())
        route = request.url_rule.rule if request.url_rule is not None else "(none)"
        method = request.method if request.method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS") else "(other)"
        metrics.count(method, route, answer.status_code, seconds)
        if _log.isEnabledFor(logging.INFO):
            line = {"method": method, "route": route, "status": answer.status_code, "ms": round(seconds * 1000, 1)}
            _log.info("call", extra={"facts": {**line, "request": g.get("request_id", ""), "user": _user()}})
        return answer

    # Flask would log the path and the error's own text; the handlers of mistakes log kind and place.
    app.log_exception = lambda _: None  # type: ignore[method-assign, assignment]  # Flask's documented way
    app.before_request(begin)
    app.after_request(end)


def _user() -> str:
    """The random id of the account that called; empty for a visitor."""
    found = g.get("caller") or g.get("who")
    return str(found.user.id) if found is not None else ""


class JsonLines(logging.Formatter):
    """A log entry as one line of JSON. Of an error only its kind is told: its text may hold what was worked on."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return json.dumps({**line, **getattr(record, "facts", {})}, ensure_ascii=False)


class _Lines(io.TextIOBase):
    """Takes what is said in words, and logs it line by line."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self._begun = ""
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            if line.strip():
                _said.info(line.strip())
        return len(text)


@contextmanager
def logs_in(form: str) -> Iterator[None]:
    """How this process writes its log as long as the block lasts: `json` has a line of JSON for each call, each entry and each line that is said
    in words; `text` has entries only."""
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if form != "json":
        yield
        return
    root, streams = logging.getLogger(), (sys.stdout, sys.stderr)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    before, root.handlers[:] = root.handlers[:], [handler]
    for logger in (_log, _said):
        logger.setLevel(logging.INFO)
    sys.stdout = sys.stderr = _Lines()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        root.handlers[:] = before
