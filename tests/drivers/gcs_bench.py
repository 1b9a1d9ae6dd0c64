"""A bucket of its own on a store that speaks Google's JSON API."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from dsr_engine.domain.system import Manifest
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from tests.drivers.file_benches import content, file_system
from tests.servers.gcs import Bucket, GcsServer, Generation


class GcsBench:
    """Objects in two folders."""

    can_rewrite = True

    def __init__(self, server: GcsServer, *, versions: bool = False, soft_delete: int = 0) -> None:
        self.server = server
        self.bucket = Bucket(f"lake-{uuid4().hex[:12]}", versions, soft_delete)
        server.buckets[self.bucket.name] = self.bucket

    def driver(self, prefix: str = "", manifest: Manifest | None = None) -> ObjectstoreDriver:
        return ObjectstoreDriver(file_system(manifest, url=f"gs://{self.bucket.name}/{prefix}", endpoint_url=self.server.endpoint))

    def _key(self, name: str) -> str:
        return f"{'notes' if name.startswith('n') else 'orders'}/{name}.txt"

    def put(self, name: str, email: str) -> None:
        self.write(self._key(name), content(email))

    def write(self, key: str, data: bytes, **more: Any) -> Generation:
        return self.bucket.put(key, data, contentType="text/plain", **more)

    def spoil(self, name: str) -> None:
        live = self.bucket.live(self._key(name))
        assert live is not None
        live.resource["metadata"] = {"seen": "yes"}
        live.resource["metageneration"] = str(int(live.resource["metageneration"]) + 1)

    def dump(self) -> Mapping[str, bytes]:
        """Live and noncurrent generations with their labels."""
        told = ("contentType", "metadata", "storageClass", "cacheControl", "contentDisposition")
        return {
            Path(name).stem if one.is_live else f"{Path(name).stem} {one.resource['generation']}": one.data
            + repr([value for value in map(one.resource.get, told) if value]).encode()
            for name, generations in self.bucket.objects.items()
            for one in generations
        }

    def close(self) -> None:
        """The server is everybody's."""
