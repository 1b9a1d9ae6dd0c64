"""`dsr serve`: the console, the portal and the API, with the worker beside them."""

import os
import threading
from urllib.parse import urlsplit

import click
from waitress.server import create_server

from dsr_engine.bootstrap import Keeper
from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import home_of, house_of, worker_name
from dsr_engine.cli.terminal import print_line
from dsr_engine.cli.working import work
from dsr_engine.web.app import create_app
from dsr_engine.workflow.house import House

#: Each open progress stream holds a thread of the server for as long as somebody looks at it.
_THREADS = 16


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Where to listen, instead of `listen` in [web] of dsr.toml.")
@click.option("--no-worker", is_flag=True, help="Only answer; cases are worked on by `dsr worker` elsewhere.")
@click.pass_context
def serve(context: click.Context, listen: str | None, no_worker: bool) -> int:
    """Opens the console, the portal and the API in one process, with a worker. Ends with Ctrl-C; nothing is lost."""
    home = home_of(context, allow_gaps=True)
    with house_of(context) as house:
        keeper = Keeper(house, home, os.environ)
        server = create_server(create_app(keeper), listen=listen or home.settings.web.listen, threads=_THREADS, ident="")
        stop = threading.Event()
        hand = threading.Thread(target=work, args=(keeper.house, worker_name(), stop), name="worker", daemon=True)
        if not no_worker:
            hand.start()
        print_line(f"open {_address(house, listen)}")
        print_line("  accounts are made with `dsr user add NAME --role officer`; Ctrl-C ends the server")
        try:
            server.run()
        finally:
            stop.set()
            server.close()
            if not no_worker:
                hand.join(timeout=30)
    return DONE


def _address(house: House, listen: str | None) -> str:
    """How a browser calls this server."""
    own = house.settings.web.url
    return own if listen is None or house.settings.web.is_encrypted else f"http://{urlsplit('//' + listen).netloc}"
