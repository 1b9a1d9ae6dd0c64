"""The scheduler and the workers of a cluster, started so that they keep nothing: no spilling to disks, no pages that show what is worked on."""

import asyncio
import tempfile
from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from dsr_engine.cluster.security import distributed, refuse_open_door, security_of
from dsr_engine.settings import ClusterSettings

#: A worker that is short of memory pauses and is started anew; it never writes to a disk. Nobody serves pages. Slices that no worker comes for are
#: given back after a minute.
_CONFIGURED = {
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.http.routes": [],
    "distributed.scheduler.http.routes": [],
    "distributed.scheduler.allowed-failures": 2,
    "distributed.scheduler.no-workers-timeout": "60s",
    "distributed.admin.log-length": 0,
    "distributed.admin.low-level-log-length": 0,
    "distributed.worker.profile.enabled": False,
}
_NO_PAGES = "127.0.0.1:0"


def run_scheduler(cluster: ClusterSettings, tell: Callable[[str], None]) -> None:
    """Schedules until it is interrupted. `tell` is told the address once it listens."""
    _begin(cluster)

    async def serve() -> None:
        parsed = urlsplit(cluster.address)
        keep = {"dashboard": False, "dashboard_address": _NO_PAGES, "security": security_of(cluster)}
        async with distributed().Scheduler(host=parsed.hostname, port=parsed.port or 0, protocol=f"{parsed.scheme}://", **keep) as scheduler:
            tell(scheduler.address)
            await scheduler.finished()

    asyncio.run(serve())


def run_workers(cluster: ClusterSettings, count: int, tell: Callable[[str], None]) -> None:
    """Runs so many worker processes until it is interrupted. One that dies is started anew. `tell` is told the address of each."""
    _begin(cluster)

    async def serve(scratch: str) -> None:
        keep = {"dashboard_address": _NO_PAGES, "security": security_of(cluster), "local_directory": scratch, "config": _CONFIGURED}
        host = "127.0.0.1" if cluster.address.startswith("tcp") else None
        nannies: list[Any] = [distributed().Nanny(cluster.address, nthreads=1, host=host, **keep) for _ in range(count)]
        await asyncio.gather(*nannies)
        for nanny in nannies:
            tell(str(nanny.worker_address))
        try:
            await asyncio.gather(*(nanny.finished() for nanny in nannies))
        finally:
            await asyncio.gather(*(nanny.close() for nanny in nannies), return_exceptions=True)

    with tempfile.TemporaryDirectory(prefix="dsr-worker-") as scratch:
        asyncio.run(serve(scratch))


def _begin(cluster: ClusterSettings) -> None:
    refuse_open_door(cluster)
    distributed()
    import_module("dask").config.set(_CONFIGURED)
