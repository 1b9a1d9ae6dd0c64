"""Cuts out of bytes what shows only once some of them are left out: a fold in a header, a soft break in a text (RFC 5322 §2.2.3, RFC 3676 §4.2)."""

from collections.abc import Sequence

from dsr_engine.content.rewriter import Rewriter


def cut(data: bytes, left_out: Sequence[tuple[int, int]], rewriter: Rewriter) -> bytes | None:
    """The bytes without the person, where they are read without the ascending ranges `left_out`; what is not cut keeps those.

    None: the bytes are not UTF-8, or a place is not told apart from its surroundings.
    """
    kept: list[tuple[int, int]] = []
    at = 0
    for start, end in left_out:
        kept.append((at, start))
        at = end
    kept.append((at, len(data)))
    plain = b"".join(data[start:end] for start, end in kept)
    try:
        text = plain.decode()
    except UnicodeDecodeError:
        return None
    spans = rewriter.spans(text)
    if not spans:
        return data
    marks = [rewriter.redacted(text[start:end]) for start, end in spans]
    if any(mark == text[start:end] for mark, (start, end) in zip(marks, spans, strict=True)):
        return None
    now = data
    for (start, end), mark in reversed(list(zip(spans, marks, strict=True))):
        first, last = len(text[:start].encode()), len(text[:end].encode())
        now = now[: _original(kept, first)] + mark.encode() + now[_original(kept, last - 1) + 1 :]
    return now


def _original(kept: Sequence[tuple[int, int]], at: int) -> int:
    """Where a byte of what was kept stands in all."""
    for start, end in kept:
        if at < end - start:
            return start + at
        at -= end - start
    return kept[-1][1]
