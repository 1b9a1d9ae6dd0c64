"""Papers on the screen and out of it: a certificate's blocks for a template, and texts as files to be saved."""

from collections.abc import Iterable

from flask import Response

from dsr_engine.certificate.blocks import Block


def parts(blocks: Iterable[Block]) -> list[tuple[str, Block]]:
    """Each block with the name of its kind, by which a template chooses how to write it."""
    return [(type(block).__name__.lower(), block) for block in blocks]


def saved(content: str | bytes, name: str, kind: str) -> Response:
    """An answer that a browser saves under this name; `kind` is its media type."""
    answer = Response(content, content_type=f"{kind}; charset=utf-8" if isinstance(content, str) else kind)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
