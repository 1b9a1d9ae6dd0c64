"""A container of its own on a running Azurite."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from azure.storage.blob import BlobServiceClient

from dsr_engine.domain.system import Manifest
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from tests.drivers.file_benches import content, file_system
from tests.servers.azurite import AzureServer


class AzureBench:
    """Blobs in two folders."""

    can_rewrite = True

    def __init__(self, server: AzureServer) -> None:
        self.server = server
        self.container = f"lake-{uuid4().hex[:12]}"
        self.service: Any = BlobServiceClient(server.endpoint, credential={"account_name": server.account, "account_key": server.key})
        self.client: Any = self.service.create_container(self.container)

    def driver(self, prefix: str = "", manifest: Manifest | None = None) -> ObjectstoreDriver:
        url = f"az://{self.container}/{prefix}"
        return ObjectstoreDriver(
            file_system(manifest, url=url, endpoint_url=self.server.endpoint, access_key=self.server.account, secret_key=self.server.key)
        )

    def _key(self, name: str) -> str:
        return f"{'notes' if name.startswith('n') else 'orders'}/{name}.txt"

    def put(self, name: str, email: str) -> None:
        self.write(self._key(name), content(email))

    def write(self, key: str, data: bytes, **more: Any) -> Any:
        blob = self.client.get_blob_client(key)
        blob.upload_blob(data, overwrite=True, **more)
        return blob

    def spoil(self, name: str) -> None:
        self.client.get_blob_client(self._key(name)).set_blob_metadata({"seen": "yes"})

    def dump(self) -> Mapping[str, bytes]:
        """Blobs and snapshots with all their labels."""
        found = {}
        for one in self.client.list_blobs(include=["snapshots"]):
            blob = self.client.get_blob_client(one.name, snapshot=one.snapshot)
            properties = blob.get_blob_properties()
            labels = (properties.content_settings.content_type, properties.metadata, blob.get_blob_tags(), properties.content_settings.cache_control)
            found[Path(one.name).stem + (f" {one.snapshot}" if one.snapshot else "")] = blob.download_blob().readall() + repr(labels).encode()
        return found

    def close(self) -> None:
        self.service.close()
