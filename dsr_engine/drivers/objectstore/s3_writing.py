"""Writing one object anew: in one request, or in parts of which the unchanged ones are ranges that the store copies by itself (UploadPartCopy).

Sizes are S3's (Amazon S3 User Guide, *Multipart upload limits*): parts of 5 MiB to 5 GiB, the last one may be shorter, at most 10,000 of them.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from dsr_engine.domain.errors import DsrError, NotSupported
from dsr_engine.drivers.objectstore.composed import Composed, Piece
from dsr_engine.drivers.objectstore.s3_bucket import NOTES, REPLACES, Bucket
from dsr_engine.drivers.objectstore.s3_errors import asking
from dsr_engine.drivers.objectstore.shelf import Labels, Stored

#: Above this many bytes an object is written in parts (one PUT may have 5 GiB).
WHOLE = 64 * 1024 * 1024
_SHORTEST = 5 * 1024 * 1024
_PART = 16 * 1024 * 1024
#: Bytes of one range that the store copies: larger ones take it so long that a connection may be given up.
_COPY = 512 * 1024 * 1024
_MOST_PARTS = 4_500


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an upload: pieces that are sent, or (`is_copy`) one range that the store copies."""

    pieces: tuple[Piece, ...]
    is_copy: bool

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces)


def parts_of(pieces: Sequence[Piece], part: int, shortest: int = _SHORTEST, *, copies: bool = True) -> Iterator[Part]:
    """The pieces as parts, in order: long stretches that are copies become copies (unless not wanted), all else is sent in parts of at most `part`.

    No part but the last is shorter than `shortest`. What is sent before a copy is filled up from it.
    """
    waiting: list[Piece] = []
    size = 0
    for piece in pieces:
        rest = piece
        if copies and piece.is_copy and piece.size >= part + shortest:
            if waiting:
                filling = max(0, shortest - size)
                waiting += [Piece(piece.start, piece.start + filling, is_copy=True)] if filling else []
                rest = Piece(piece.start + filling, piece.end, is_copy=True)
                yield Part(tuple(waiting), is_copy=False)
                waiting, size = [], 0
            yield from _copies(rest)
            continue
        while rest.size:
            taken = Piece(rest.start, min(rest.end, rest.start + part - size), rest.is_copy)
            rest = Piece(taken.end, rest.end, rest.is_copy)
            waiting.append(taken)
            size += taken.size
            if size >= part:
                yield Part(tuple(waiting), is_copy=False)
                waiting, size = [], 0
    if waiting:
        yield Part(tuple(waiting), is_copy=False)


def _copies(piece: Piece) -> Iterator[Part]:
    """One range as equal parts."""
    count = -(-piece.size // _COPY)
    for number in range(count):
        start, end = (piece.start + piece.size * step // count for step in (number, number + 1))
        yield Part((Piece(start, end, is_copy=True),), is_copy=True)


class Writing:
    """Puts the successor of one version."""

    def __init__(self, bucket: Bucket, stored: Stored, *, can_copy: bool) -> None:
        self._bucket = bucket
        self._stored = stored
        self._can_copy = can_copy
        self._where = {"Bucket": bucket.place.bucket, "Key": stored.key}

    def put(self, labels: Labels, content: Composed, more: Mapping[str, str]) -> str:
        """Writes and gives the new version's id, empty in a bucket without versions. `more`: conditions and grants."""
        kept = _kept(labels, self._stored.version)
        if content.size > WHOLE:
            answer = self._in_parts_somehow(kept, content, more)
        else:
            with contextlib.closing(content.read_from()) as source, asking("write an object"):
                answer = self._bucket.client.put_object(Body=source.read(), **self._where, **kept, **more)
        return str(answer.get("VersionId") or "null") if self._bucket.is_versioned else ""

    def _in_parts_somehow(self, kept: Mapping[str, Any], content: Composed, more: Mapping[str, str]) -> Mapping[str, Any]:
        """With copied ranges where the store can; all of it is sent where it refuses to after all."""
        if self._can_copy:
            with contextlib.suppress(NotSupported):
                return self._in_parts(kept, content, more, copies=True)
        return self._in_parts(kept, content, more, copies=False)

    def _in_parts(self, kept: Mapping[str, Any], content: Composed, more: Mapping[str, str], *, copies: bool) -> Mapping[str, Any]:
        client = self._bucket.client
        condition = {name: value for name, value in more.items() if name == "IfMatch"}
        grants = {name: value for name, value in more.items() if name != "IfMatch"}
        with asking("begin an upload in parts"):
            named = {**self._where, "UploadId": client.create_multipart_upload(**self._where, **kept, **grants)["UploadId"]}
        done: list[Mapping[str, Any]] = []
        with contextlib.ExitStack() as undo:
            undo.callback(self._give_up, named)
            with asking("write an object in parts"):
                parts = parts_of(content.pieces, max(_PART, content.size // _MOST_PARTS), copies=copies)
                for number, part in enumerate(parts, start=1):
                    done.append({"PartNumber": number, **self._part(named, number, part, content, kept)})
                answer: Mapping[str, Any] = client.complete_multipart_upload(MultipartUpload={"Parts": done}, **named, **condition)
            undo.pop_all()
        return answer

    def _part(self, named: Mapping[str, str], number: int, part: Part, content: Composed, kept: Mapping[str, Any]) -> Mapping[str, str]:
        client = self._bucket.client
        if part.is_copy:
            (piece,) = part.pieces
            answer = client.upload_part_copy(
                PartNumber=number,
                CopySource=self._bucket.where(self._stored),
                CopySourceRange=f"bytes={piece.start}-{piece.end - 1}",
                CopySourceIfMatch=self._stored.tag,
                **named,
            )
            return _receipt(answer["CopyPartResult"])
        algorithm = {name: kept[name] for name in ("ChecksumAlgorithm",) if name in kept}
        with contextlib.closing(content.read_from(part.pieces)) as source:
            return _receipt(client.upload_part(Body=source.read(), PartNumber=number, **named, **algorithm))

    def _give_up(self, named: Mapping[str, str]) -> None:
        with contextlib.suppress(DsrError), asking("give up an upload in parts"):
            self._bucket.client.abort_multipart_upload(**named)


def _receipt(answer: Mapping[str, Any]) -> dict[str, str]:
    """What an upload in parts is put together by."""
    return {name: value for name, value in answer.items() if name == "ETag" or (name.startswith("Checksum") and name != "ChecksumType")}


def _kept(labels: Labels, replaces: str | None) -> dict[str, Any]:
    kept: dict[str, Any] = {**labels.headers, **{NOTES[name]: value for name, value in labels.notes.items()}, "Metadata": dict(labels.metadata)}
    if replaces:
        kept["Metadata"][REPLACES] = replaces
    if labels.content_type:
        kept["ContentType"] = labels.content_type
    if labels.tags:
        kept["Tagging"] = urlencode(labels.tags)
    return kept
