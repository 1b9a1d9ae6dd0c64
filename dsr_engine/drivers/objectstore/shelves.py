"""Which shelf a system's settings mean. A further store joins with one line in `_SHELVES` and a class that is a `Shelf` (`shelf.py`).

Its driver is all there is beside it: what a record, a state and a change are, formats, slices and conformance are the same for every shelf.
Shelves are imported when one is opened, because each brings a library of its own.
"""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.system import System
from dsr_engine.drivers.objectstore.shelf import Shelf

#: By the scheme of a system's url.
_SHELVES = {
    "s3": "dsr_engine.drivers.objectstore.s3:S3Shelf",
    "folder": "dsr_engine.drivers.objectstore.folder:FolderShelf",
    "az": "dsr_engine.drivers.objectstore.azure:AzureShelf",
    "gs": "dsr_engine.drivers.objectstore.gcs:GcsShelf",
}
#: The extra that brings the library of a shelf.
_EXTRAS = {"az": "azure", "gs": "gcs"}
BUCKET, FOLDER = "s3", "folder"


def scheme_of(system: System) -> str:
    """The name of the kind of store: that of the url's scheme; `s3` where a bucket is named without one, else a folder (a plain path)."""
    scheme, separator, _ = system.setting("url").partition("://")
    if separator and scheme in _SHELVES:
        return scheme
    return BUCKET if system.setting("bucket") else FOLDER


def shelf_of(system: System) -> Shelf:
    """The shelf, connected to nothing yet. Raises `InputWrong` for settings that name no place, `NotSupported` (`objectstore.needs_extra`)."""
    scheme = scheme_of(system)
    module, _, noun = _SHELVES[scheme].partition(":")
    try:
        found = import_module(module)
    except ImportError:
        if scheme not in _EXTRAS:
            raise
        hint = f"pip install 'dsr-engine[{_EXTRAS[scheme]}]'"
        raise NotSupported(f"{system.name} takes a library that is not installed", code="objectstore.needs_extra", hint=hint) from None
    return cast("Callable[[System], Shelf]", getattr(found, noun))(system)
