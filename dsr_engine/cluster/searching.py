"""The engine's side of a cluster: hands slices out, and hears what became of them.

Delivery is at least once. A worker that is killed has its slices searched by another; whoever asked keeps one answer for each slice.
"""

import logging
import uuid
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Lock
from typing import Any

from dsr_engine.cluster import remote
from dsr_engine.cluster.security import distributed, refuse_open_door, security_of
from dsr_engine.domain.errors import NotSupported, Unreachable
from dsr_engine.domain.finding import Coverage, Extent
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import AboutSubjects, Slice
from dsr_engine.settings import ClusterSettings
from dsr_engine.shipped import software
from dsr_engine.workflow.looking import Look, Search
from dsr_engine.workflow.readers import Readers
from dsr_engine.workflow.searching import Hand

#: Seconds that a scheduler has to answer.
_PATIENCE = 10


class ClusterSearchers:
    """Searches on the workers of one scheduler. The connection is made at the first pass, and anew after it was lost."""

    def __init__(self, cluster: ClusterSettings) -> None:
        refuse_open_door(cluster)
        self._cluster = cluster
        self._client: Any = None
        self._lock = Lock()

    @contextmanager
    def over(self, system: System, search: Search, readers: Readers) -> Iterator[Hand]:  # noqa: ARG002  # connections are the workers' own
        query = search.query
        if not isinstance(query, AboutSubjects):
            raise NotSupported("a cluster searches for people only", code="cluster.query")
        client = self._connected()
        # What a worker does not need it is not told.
        plain = replace(system, settings={**system.settings}, verify_as={}, maintain_as={}, maintenance_command=(), read_from=None)
        first = remote.Order(uuid.uuid4().hex, software(), plain, {**query.subjects}, {**query.facts}, Slice(system.name, ""))
        executor = client.get_executor(pure=False)
        try:
            yield lambda part: _answered(executor.submit(remote.look, replace(first, part=part)), part)
        finally:
            executor.shutdown(wait=False)
            # A worker that cannot be reached now keeps its connections until another pass takes their place.
            with suppress(OSError, TimeoutError):
                client.run(remote.forget, first.pass_id, on_error="ignore")

    def close(self) -> None:
        """Gives the connection back."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _connected(self) -> Any:
        with self._lock:
            try:
                if self._client is None or self._client.status != "running":
                    self._client = self._new_client()
                workers = self._client.nthreads()
            except (OSError, TimeoutError):
                raise Unreachable("the cluster does not answer", code="cluster.down", hint="is its scheduler running?") from None
            if not workers:
                raise _deserted()
            return self._client

    def _new_client(self) -> Any:
        library = distributed()
        # The library tells of every lost connection on its own; what matters is told by us.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        return library.Client(self._cluster.address, timeout=_PATIENCE, security=security_of(self._cluster), set_as_default=False)


def _deserted() -> Unreachable:
    return Unreachable("the cluster has no workers", code="cluster.empty", hint="start some: dsr cluster worker ADDRESS")


def _answered(order: "Future[Look]", part: Slice) -> "Future[Look]":
    """The look that the order ends as: also where its worker was killed again and again, or the cluster was lost."""
    answer: Future[Look] = Future()

    def pass_on(done: "Future[Look]") -> None:
        if not answer.cancelled():
            answer.set_result(_look_of(done, part))

    def give_up(given: "Future[Look]") -> None:
        if given.cancelled():
            order.cancel()

    order.add_done_callback(pass_on)
    answer.add_done_callback(give_up)
    return answer


def _look_of(done: "Future[Look]", part: Slice) -> Look:
    try:
        return done.result()
    except distributed().KilledWorker:
        reason = "searching it ended one worker of the cluster after another; it was not searched"
        return Look(part, coverage=Coverage(part.system, part.collection, Extent.NONE, reason, "cluster.killed"))
    except distributed().scheduler.NoValidWorkerError:
        return Look(part, error=_deserted())
    except (CancelledError, OSError, TimeoutError):
        return Look(part, error=Unreachable("the cluster was lost while it searched", code="cluster.lost", hint="is its scheduler running?"))
