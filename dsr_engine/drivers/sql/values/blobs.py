"""Rewrites a file that lies in a column, by the formats of `content`: the person's spans are cut out and every other byte stays.

Where they stand is found again each time by the same pure matcher, so what the file becomes is known before anything is written.
"""

import io
from collections.abc import Sequence
from functools import partial

from dsr_engine.content.files import read_file, rewrite_file
from dsr_engine.content.format import Reading
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import Edit, How, RedactSpans
from dsr_engine.domain.record import Unit


class Unrewritable(Exception):
    """The format does not allow it; says why, without a value."""


def rewritten(content: bytes, path: str, how: How, rewriter: Rewriter, collection: str) -> bytes:
    """The file after one edit. An empty `path` means every place in it where the person stands. Raises `Unrewritable`."""
    edits: Sequence[Edit] = [Edit(path, how)] if path else [Edit(place, RedactSpans()) for place in _places(content, rewriter, collection)]
    if not edits:
        return content
    sink = io.BytesIO()
    try:
        rewrite_file(partial(io.BytesIO, content), sink, edits, rewriter, Reading(collection, None))
    except NotSupported as refused:
        raise Unrewritable(refused.message) from None
    if isinstance(how, RedactSpans) and not path and _places(sink.getvalue(), rewriter, collection):
        raise Unrewritable("the person would still stand in the file after it was rewritten")
    return sink.getvalue()


def _places(content: bytes, rewriter: Rewriter, collection: str) -> list[str]:
    """Where the person stands in the file."""
    units = (unit for unit in read_file(partial(io.BytesIO, content), Reading(collection, None)) if isinstance(unit, Unit))
    return list(dict.fromkeys(unit.place for unit in units if rewriter.redacted(unit.text) != unit.text))
