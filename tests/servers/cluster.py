"""A scheduler and two worker processes of a cluster, started by `dsr cluster` as a user starts them; each may be killed with all that it started."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

DSR = Path(sys.executable).with_name("dsr")


@dataclass
class Cluster:
    """`address` is the scheduler's. `scratch` is the folder for temporary files that its processes were given."""

    scratch: Path
    files: tuple[str, ...] = ()
    address: str = ""
    processes: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(self, *words: str) -> tuple["subprocess.Popen[str]", str]:
        """The process, and the address that it told when it was ready."""
        process = subprocess.Popen(
            [DSR, "cluster", *words, *self.files],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(self.scratch)},
        )
        self.processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert " at " in line, f"dsr cluster {words[0]} did not start"
        return process, line.rpartition(" ")[2].strip()

    def worker(self) -> "subprocess.Popen[str]":
        return self.start("worker", self.address)[0]

    def kill(self, process: "subprocess.Popen[str]") -> None:
        """Ends the process and whatever it started at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
        self.processes.remove(process)


@contextlib.contextmanager
def cluster_of(workers: int, listen: str = "tcp://127.0.0.1:0", files: tuple[str, ...] = ()) -> Iterator[Cluster]:
    """Runs a scheduler and so many workers for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="dsr-cluster-") as scratch:
        cluster = Cluster(Path(scratch), files)
        try:
            _, cluster.address = cluster.start("scheduler", listen)
            for _ in range(workers):
                cluster.worker()
            yield cluster
        finally:
            for process in list(reversed(cluster.processes)):
                cluster.kill(process)
