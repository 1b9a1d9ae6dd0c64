"""Which files of folders and buckets were opened, told by the shelves themselves."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from dsr_engine.drivers.objectstore import unchanged
from dsr_engine.drivers.objectstore.azure import AzureShelf
from dsr_engine.drivers.objectstore.folder import FolderShelf
from dsr_engine.drivers.objectstore.gcs import GcsShelf
from dsr_engine.drivers.objectstore.s3 import S3Shelf
from dsr_engine.drivers.objectstore.shelf import Stored


def noted_openings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of files as they are opened from now on, in order. Nothing has to rest any more before it is trusted."""
    paths: list[str] = []

    def noting(before: Callable[[Any, Stored], BinaryIO]) -> Callable[[Any, Stored], BinaryIO]:
        def noted(shelf: Any, stored: Stored) -> BinaryIO:
            paths.append(stored.path)
            return before(shelf, stored)

        return noted

    shelves: tuple[Any, ...] = (FolderShelf, S3Shelf, AzureShelf, GcsShelf)
    for shelf in shelves:
        monkeypatch.setattr(shelf, "open", noting(shelf.open))
    monkeypatch.setattr(unchanged, "RESTED", timedelta(0))
    return paths


def names(paths: Sequence[str]) -> list[str]:
    """The names of what was opened, each once: a file may be opened more than once while it is read."""
    return sorted({Path(path).stem for path in paths})
