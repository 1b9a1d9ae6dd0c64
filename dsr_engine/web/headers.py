"""What browsers are told with every answer, and which names this server answers to."""

from flask import Flask, abort, request
from werkzeug.wrappers import Response

from dsr_engine.settings import WebSettings

#: Nothing from elsewhere, nothing inline, in nobody's frame (OWASP Secure Headers Project).
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_FEATURES = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
#: Probes call by address; they learn nothing.
_ANY_HOST = ("health.alive", "health.ready", "health.metrics")


def add_headers(app: Flask, web: WebSettings) -> None:
    """Adds the headers to every answer of the app, and refuses calls by a foreign name."""

    def check_host() -> None:
        if request.endpoint not in _ANY_HOST and not _is_ours(request.host, web):
            abort(421)

    def add(answer: Response) -> Response:
        headers = answer.headers
        headers.setdefault("Content-Security-Policy", POLICY)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = _FEATURES
        headers.setdefault("X-Frame-Options", "DENY")
        if request.endpoint != "static":
            headers.setdefault("Cache-Control", "no-store")
        if web.is_encrypted:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        return answer

    app.before_request(check_host)
    app.after_request(add)


def _is_ours(host: str, web: WebSettings) -> bool:
    own = web.url.partition("://")[2]
    if host == own:
        return True
    # On this very machine the port may differ from what dsr.toml says (`--listen`), and every name of the loopback is in use.
    name, _, port = host.rpartition(":")
    return not web.is_encrypted and (host in _LOOPBACK or (name in _LOOPBACK and port.isdecimal()))
