"""The server in front of the app: what it believes of a proxy, and how much it takes in and gives out without writing it to a disk."""

from flask import Flask
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from dsr_engine.settings import WebSettings

#: No call brings more bytes (the longest are papers that a person shows), and none are written to a temporary file on the way.
MOST_BYTES = 32 * 1024**2
#: So many bytes of answers wait for a slow browser before the view has to wait, too.
_WAITING = 1024**2


def server_for(app: Flask, web: WebSettings, listen: str, threads: int) -> BaseWSGIServer | MultiSocketServer:
    """The server, listening at `listen` (host:port) already. Raises `OSError` if that cannot be had."""
    return create_server(
        app,
        listen=listen,
        threads=threads,
        ident="",
        # Waitress would drop what proxies say before the app could count them; where none is counted, nobody is believed.
        clear_untrusted_proxy_headers=not web.proxies,
        max_request_body_size=MOST_BYTES,
        inbuf_overflow=MOST_BYTES,
        outbuf_high_watermark=_WAITING,
        outbuf_overflow=MOST_BYTES,
    )
