"""`dsr cluster`: the scheduler and the workers that search slices for an engine whose dsr.toml names them."""

from pathlib import Path

import click

from dsr_engine.cli.entry import DONE
from dsr_engine.cli.terminal import print_line
from dsr_engine.cluster.serving import run_scheduler, run_workers
from dsr_engine.settings import ClusterSettings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_files = (
    click.option("--ca", type=_FILE, help="The cluster's own authority, PEM (for tls://)."),
    click.option("--cert", type=_FILE, help="This side's certificate, PEM."),
    click.option("--key", type=_FILE, help="The certificate's key, PEM."),
)


@click.group()
def cluster() -> None:
    """Searches on several machines. `cluster = "ADDRESS"` in [engine] of dsr.toml sends slices there.

    Whoever reaches the scheduler can run programs on its workers, and they are told passwords and identifiers: plain tcp:// is for one machine only.
    """


@cluster.command()
@click.argument("address", default="tcp://127.0.0.1:8786")
@_files[0]
@_files[1]
@_files[2]
def scheduler(address: str, ca: Path | None, cert: Path | None, key: Path | None) -> int:
    """Listens at ADDRESS (tls://HOST:PORT, tcp://127.0.0.1:PORT) and hands slices to workers. Ends with Ctrl-C; searches go on when it is back."""
    run_scheduler(ClusterSettings(address, ca, cert, key), lambda at: print_line(f"listening at {at}"))
    return DONE


@cluster.command()
@click.argument("address", default="tcp://127.0.0.1:8786")
@click.option("--processes", type=click.IntRange(1, 256), default=1, show_default=True, help="How many; each searches one slice at a time.")
@_files[0]
@_files[1]
@_files[2]
def worker(address: str, processes: int, ca: Path | None, cert: Path | None, key: Path | None) -> int:
    """Searches slices for the scheduler at ADDRESS. May be killed at any time: another worker searches what it had begun."""
    run_workers(ClusterSettings(address, ca, cert, key), processes, lambda at: print_line(f"searching at {at}"))
    return DONE
