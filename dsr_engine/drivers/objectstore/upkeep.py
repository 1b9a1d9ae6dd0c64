"""What outlives an erasure in a bucket or a folder, as far as the store tells: read from its configuration, nothing is changed and nothing is run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.residue import Assessment, Channel, ResidueState, ServerFacts, Work
from dsr_engine.domain.system import System
from dsr_engine.drivers.objectstore.s3_bucket import Bucket
from dsr_engine.drivers.objectstore.s3_survivals import bucket_channels
from dsr_engine.drivers.objectstore.shelves import BUCKET, FOLDER, scheme_of, shelf_of

_FOLDER = (
    Channel("folder.free_blocks", "freed blocks of the disk", ResidueState.OUTSIDE_CONTROL, "the file system overwrites them when it needs them"),
    Channel("folder.snapshots", "snapshots of the file system or the volume", ResidueState.NOT_ASSESSED, "a folder does not show them", level="C3"),
    Channel("folder.backups", "backups and mirrors of the folder", ResidueState.NOT_ASSESSED, "a folder does not show them", level="C3"),
    Channel("folder.journal", "journal and caches of the file system", ResidueState.OUTSIDE_CONTROL, "they are overwritten in use", level="C2"),
)
_OTHER = tuple(
    Channel(f"store.{code}", what, ResidueState.NOT_ASSESSED, "this kind of store is not asked for it", level=level)
    for code, what, level in (
        ("copies", "deleted, older and replicated copies that the store keeps by itself", "C1"),
        ("logs", "logs and inventories, which hold names of objects", "C2"),
        ("backups", "backups and snapshots of the store", "C3"),
    )
)


class ObjectstoreUpkeep:
    """The administrator's side of one bucket prefix or one folder."""

    def __init__(self, system: System) -> None:
        self._system = replace(system, settings={**system.settings, **system.verify_as, **system.maintain_as})
        self._kind = scheme_of(system)
        self._bucket = Bucket(self._system) if self._kind == BUCKET else None

    def assess(self, collections: Sequence[str], since: datetime, marks: Mapping[str, str]) -> Assessment:  # noqa: ARG002  # no channel is of a collection
        if self._bucket is None:
            is_folder = self._kind == FOLDER
            server = ServerFacts(self._server(), "folder" if is_folder else "object store", "", may_hide_rows=False)
            return Assessment(server, _FOLDER if is_folder else _OTHER)
        product = "Amazon S3" if not self._bucket.place.endpoint else "S3-compatible store"
        return Assessment(ServerFacts(self._bucket.server, product, "", may_hide_rows=False), bucket_channels(self._bucket))

    def _server(self) -> str:
        shelf = shelf_of(self._system)
        try:
            return shelf.server
        finally:
            shelf.close()

    def maintain(self, works: Sequence[Work]) -> None:
        if works:
            raise NotSupported("nothing in a store of files is done by the engine", code="upkeep.none", hint="see `dsr maintenance`")

    def close(self) -> None:
        if self._bucket is not None:
            self._bucket.close()
