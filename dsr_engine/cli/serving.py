"""`dsr serve`: the console, the portal and the API, with the worker beside them."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

import click

from dsr_engine.bootstrap import Home, Keeper
from dsr_engine.cli.entry import DONE
from dsr_engine.cli.interrupting import interruption_taken
from dsr_engine.cli.options import home_of, house_of, worker_name
from dsr_engine.cli.terminal import print_line
from dsr_engine.cli.working import clock_of, work
from dsr_engine.domain.errors import Conflict
from dsr_engine.web.app import create_app
from dsr_engine.web.bench import end_inquiries
from dsr_engine.web.listening import server_for
from dsr_engine.web.logs import FORMATS, logs_in
from dsr_engine.workflow.house import House
from dsr_engine.workflow.portal.readiness import shortcomings

#: Each open progress stream holds a thread of the server for as long as somebody looks at it.
THREADS = 16
#: Seconds that a case which is worked on gets to come to a rest when the server ends.
_PATIENCE = 30


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Where to listen, instead of `listen` in [web] of dsr.toml.")
@click.option("--no-worker", is_flag=True, help="Only answer; cases are worked on by `dsr worker` elsewhere.")
@click.option("--log-format", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True, help="json: each call and entry is a line of JSON.")
@click.pass_context
def serve(context: click.Context, listen: str | None, no_worker: bool, log_format: str) -> int:
    """Opens the console, the portal and the API in one process, with a worker. Ends with Ctrl-C; nothing is lost."""
    home = home_of(context, allow_gaps=True)
    with logs_in(log_format), house_of(context) as house:
        told = "accounts are made with `dsr user add NAME --role officer`; Ctrl-C ends the server"
        serve_house(house, home, told, listen=listen, has_worker=not no_worker)
    return DONE


def serve_house(house: House, home: Home, told: str, *, listen: str | None = None, has_worker: bool = True) -> None:
    """Answers until somebody says stop (Ctrl-C, SIGTERM). `told` is said beside the address. Raises `Conflict` if the port is taken."""
    signal.signal(signal.SIGTERM, _interrupt)
    keeper = Keeper(house, home, os.environ)
    where = listen or home.settings.web.listen
    try:
        app = create_app(keeper)
        server = server_for(app, home.settings.web, where, THREADS)
    except OSError as error:
        raise Conflict(
            f"nothing can listen on {where}: {error.strerror}", code="serve.listen", hint="name another port: --listen 127.0.0.1:8081"
        ) from None
    print_line(f"open {_address(house, listen)}")
    print_line(f"  {told}")
    for entry in shortcomings(home.settings):
        print_line(f"  {entry.message}; {entry.hint}", "yellow")
    name = worker_name()
    with clock_of(keeper, name, is_on=has_worker), _hand(keeper, name, is_on=has_worker):
        try:
            server.run()
            interruption_taken()
        finally:
            server.close()
            end_inquiries(app)


@contextmanager
def _hand(keeper: Keeper, name: str, *, is_on: bool) -> Iterator[None]:
    """Works on cases in a thread as long as the block lasts, if it is to. What is under way then goes on at the next start."""
    stop = threading.Event()
    hand = threading.Thread(target=work, args=(keeper.house, name, stop), name="worker", daemon=True)
    if is_on:
        hand.start()
    try:
        yield
    finally:
        stop.set()
        if is_on:
            hand.join(timeout=_PATIENCE)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """A service is stopped by SIGTERM; that is Ctrl-C to us."""
    raise KeyboardInterrupt


def _address(house: House, listen: str | None) -> str:
    """How a browser calls this server."""
    own = house.settings.web.url
    return own if listen is None or house.settings.web.is_encrypted else f"http://{urlsplit('//' + listen).netloc}"
