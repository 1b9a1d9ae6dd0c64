"""A large object in a bucket is searched and rewritten in little memory, and only what changed is sent."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.drivers.file_benches import BucketBench, content
from tests.drivers.people import MARK, NEIGHBOURS, PERSON
from tests.servers.s3_server import S3Server

SIZE = 2 * 1024**3
#: Bytes of memory that the whole process may take at its peak, the interpreter and its libraries included.
MOST = 256 * 1024**2
_PART = 64 * 1024**2
_LINE = f"2026-01-01 12:00:00 order 1234567 from {NEIGHBOURS[0]}, three parcels by post to the usual address\n".encode()

_CHILD = """
import json, sys, time
from pathlib import Path
from dsr_engine.drivers.driver import Done
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from tests.drivers.conformance import foreseen, only, records
from tests.drivers.file_benches import file_system
from tests.drivers.objectstore_cases import change_of, changed, rewriting
driver = ObjectstoreDriver(file_system(**json.loads(sys.argv[1])))
times = [time.perf_counter()]
record = only(records(driver)); times.append(time.perf_counter())
change = change_of(driver, record, rewriting(record)); times.append(time.perf_counter())
becomes = foreseen(driver, change).becomes; times.append(time.perf_counter())
assert changed(driver, change) == (Done(becomes),); times.append(time.perf_counter())
status = Path("/proc/self/status").read_text()
peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
print(json.dumps([peak, *[round(after - before, 1) for before, after in zip(times, times[1:])]]))
"""


def _parts() -> Iterator[bytes]:
    """Two gibibytes of other people's lines, and the person in the first, the middle and the last part."""
    block = _LINE * (_PART // len(_LINE))
    count = SIZE // len(block) + 1
    for number in range(count):
        yield block + (content(PERSON) if number in (0, count // 2, count - 1) else b"")


@pytest.mark.benchmark
def test_an_object_of_two_gigabytes_is_rewritten_within_256_mebibytes(seaweedfs: S3Server, capsys: pytest.CaptureFixture[str]) -> None:
    bench = BucketBench(seaweedfs, versions=True)
    named = {"Bucket": bench.bucket, "Key": "logs/all.txt"}
    upload = {**named, "UploadId": bench.client.create_multipart_upload(**named, Metadata={"shop": "north"})["UploadId"]}
    done, size = [], 0
    for number, part in enumerate(_parts(), start=1):
        done.append({"PartNumber": number, "ETag": bench.client.upload_part(PartNumber=number, Body=io.BytesIO(part), **upload)["ETag"]})
        size += len(part)
    bench.client.complete_multipart_upload(MultipartUpload={"Parts": done}, **upload)
    settings = {
        "url": f"s3://{bench.bucket}",
        "endpoint_url": seaweedfs.endpoint,
        "region": "us-east-1",
        "access_key": seaweedfs.access_key,
        "secret_key": seaweedfs.secret_key,
    }
    begin = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", _CHILD, json.dumps(settings)], capture_output=True, text=True, check=False)
    taken = time.perf_counter() - begin
    assert ended.returncode == 0, ended.stderr[-2000:]
    peak, finding, observing, foreseeing, changing = json.loads(ended.stdout)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{size / 1024**3:.2f} GiB object: peak {peak / 1024**2:.0f} MiB, {taken:.0f} s "
            f"(find {finding} s, observe {observing} s, foresee {foreseeing} s, change {changing} s)\n"
        )
    head = bench.client.head_object(**named)
    assert head["ContentLength"] == size - 3 * (len(PERSON) - len(MARK))
    assert head["Metadata"]["shop"] == "north"
    assert peak < MOST
