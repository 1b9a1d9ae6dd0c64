"""Pictures: the words in them (EXIF, IPTC, XMP, comments, text chunks) are read and rewritten; what is seen in them is recognised (`recognition`).

A part is a place: `exif:0/artist`, `exif:0/position`, `iptc/2.80`, `xmp/…`, `comment:1`, `text:2`. Pixels stay byte for byte.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import BinaryIO

from dsr_engine.content.charset import decoded, encoded_like
from dsr_engine.content.containers.members import each_gap_once
from dsr_engine.content.format import Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import Opaque, opaque_units
from dsr_engine.content.pictures import iptc
from dsr_engine.content.pictures.exif import IPTC, PHOTOSHOP, XMP, Exif, Tag
from dsr_engine.content.pictures.image_parts import Part, gif_parts, jpeg_parts, png_parts, png_text, png_text_with, webp_parts
from dsr_engine.content.pictures.recognition import seen_in_picture
from dsr_engine.content.places import inside, local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import Splice, cannot_rewrite, flowing, opened, spliced
from dsr_engine.domain.anonymize import FieldFacts, Misfit
from dsr_engine.domain.plan import Edit, How, RedactSpans, SetValue
from dsr_engine.domain.record import Gap, Unit

_LARGEST = 64 * 1024 * 1024
_SPLITTERS: Mapping[str, Callable[[BinaryIO], Iterator[Part]]] = {"jpeg": jpeg_parts, "png": png_parts, "webp": webp_parts, "gif": gif_parts}
#: Pictures that are read in one go, and what their whole content is: one block of tags, or nothing that holds words.
_UNDIVIDED = {"tiff": "exif", "bmp": "other"}


class ImageFile:
    """`name` is the kind of picture."""

    def __init__(self, name: str, nested: Nested) -> None:
        self.name = name
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        yield from each_gap_once(self._texts(open_file, reading))

    def _texts(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        yield from seen_in_picture(open_file, reading)
        with closing(opened(open_file)) as source:
            try:
                for place, part in self._parts(source):
                    yield from self._part(place, part, reading)
            except Unreadable as unreadable:
                yield from (got for got in Opaque().read(open_file, reading) if isinstance(got, Unit))
                yield Gap(reading.collection, unreadable.code, unreadable.reason)

    def _parts(self, source: BinaryIO) -> Iterator[tuple[str, Part]]:
        """The parts with their places."""
        if kind := _UNDIVIDED.get(self.name):
            data = source.read(_LARGEST + 1)
            if len(data) > _LARGEST:
                raise Unreadable("image.too_large", "a picture is larger than the limit; its bytes were searched as they are")
            yield "" if kind == "exif" else "part:1", Part(kind, 0, len(data), data, bytes)
            return
        for number, part in enumerate(_SPLITTERS[self.name](source), start=1):
            yield f"{part.kind}:{number}" if part.kind in ("comment", "text", "other", "tail") else f"part:{number}", part

    def _part(self, place: str, part: Part, reading: Reading) -> Iterator[Unit | Gap]:
        prefix = f"{place}/" if place and part.kind == "exif" else ""
        match part.kind:
            case "exif":
                yield from self._exif(prefix, part.content, reading)
            case "xmp":
                yield from self._nested.read(_held(part.content), self._inner(f"{place}/xmp/", reading, "x.xml"))
            case "iptc":
                yield from self._photoshop(f"{place}/", part.content, reading)
            case "text":
                yield from self._chunk(place, part.content, reading)
            case "comment":
                yield from _text(place, decoded(part.content)[0], reading)
            case "tail":
                yield from self._nested.read(_held(part.content), self._inner(f"{place}/", reading))
            case _:
                yield from opaque_units(part.content, place, reading)

    def _inner(self, prefix: str, reading: Reading, name: str = "") -> Reading:
        return replace(reading, prefix=f"{reading.prefix}{prefix}", depth=reading.depth + 1, name=name, is_drawn=False)

    def _exif(self, prefix: str, data: bytes, reading: Reading) -> Iterator[Unit | Gap]:
        exif = Exif(data.removeprefix(b"Exif\0\0"))
        is_told = False
        for got in self._tags(prefix, exif, reading):
            is_told = is_told or isinstance(got, Unit)
            yield got
        if reading.gate is not None:
            # Where tags are damaged a text may lie across two of them, so without any find all bytes are searched.
            yield from opaque_units(exif.rest() if is_told else exif.data, f"{prefix}rest", reading)

    def _tags(self, prefix: str, exif: Exif, reading: Reading) -> Iterator[Unit | Gap]:
        for tag in exif.tags:
            yield from _text(prefix + tag.name, exif.text(tag), reading)
            if tag.number == XMP and tag.is_bytes:
                yield from self._nested.read(_held(exif.raw(tag)), self._inner(f"{prefix}{tag.name}/xmp/", reading, "x.xml"))
            elif tag.number == IPTC:
                yield from _iptc(f"{prefix}{tag.name}/", exif.raw(tag), reading)
            elif tag.number == PHOTOSHOP:
                yield from self._photoshop(f"{prefix}{tag.name}/", exif.raw(tag), reading)
        for tag in exif.others():
            yield from opaque_units(exif.raw(tag), prefix + tag.name, reading)
        yield from _text(f"{prefix}position", exif.position()[1], reading)
        if small := exif.thumbnail():
            yield from self._nested.read(_held(small), replace(self._inner(f"{prefix}thumbnail/", reading), is_drawn=True))

    def _photoshop(self, prefix: str, data: bytes, reading: Reading) -> Iterator[Unit | Gap]:
        found, rest = iptc.resources(data)
        for position, one in enumerate(found, start=1):
            if one.number == 0x0404:
                yield from _iptc(f"{prefix}{position}/", one.data, reading)
            else:
                yield from opaque_units(one.data, f"{prefix}{position}", reading)
        yield from opaque_units(rest, f"{prefix}rest", reading)

    def _chunk(self, place: str, content: bytes, reading: Reading) -> Iterator[Unit | Gap]:
        head, text, codec = png_text(content)
        yield from _text(f"{place}/keyword", head[: head.find(b"\0")].decode("latin-1"), reading)
        if head.startswith(b"XML:com.adobe.xmp\0"):
            yield from self._nested.read(_held(text), self._inner(f"{place}/xmp/", reading, "x.xml"))
        else:
            yield from _text(place, text.decode(codec, "replace"), reading)

    # ---- rewriting

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        pending = [Edit(local_place(edit, reading), edit.how) for edit in edits]
        splices: list[Splice] = []
        try:
            with closing(opened(open_file)) as source:
                for place, part in self._parts(source) if edits else ():
                    own = [edit for edit in pending if not place or edit.place == place or edit.place.startswith(f"{place}/")]
                    if own:
                        pending = [edit for edit in pending if edit not in own]
                        local = [Edit(edit.place[len(place) + 1 :] if place else edit.place, edit.how) for edit in own]
                        now = self._changed(place, part, local, rewriter, reading)
                        if now != part.content:
                            splices.append(Splice(part.start, part.end, part.framed(now)))
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The picture cannot be rewritten: {unreadable.reason}.") from None
        if pending:
            raise _not_there()
        return spliced(open_file, [*splices, *self._size(open_file, splices)])

    def _size(self, open_file: Opener, splices: Sequence[Splice]) -> Iterator[Splice]:
        """The length that WebP keeps of itself."""
        if self.name == "webp" and splices:
            with closing(opened(open_file)) as source:
                size = int.from_bytes(source.read(8)[4:8], "little")
            grown = sum(len(one.content) - (one.end - one.start) for one in splices if isinstance(one.content, bytes) and one.start < size + 8)
            yield Splice(4, 8, (size + grown).to_bytes(4, "little"))

    def _changed(self, place: str, part: Part, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> bytes:
        match part.kind:
            case "exif":
                head = b"Exif\0\0" if part.content.startswith(b"Exif\0\0") else b""
                return head + self._exif_changed(f"{place}/" if place else "", part.content.removeprefix(head), edits, rewriter, reading)
            case "xmp":
                return self._nested_changed(f"{place}/", part.content, edits, rewriter, reading)
            case "iptc":
                return _photoshop_changed(part.content, edits, rewriter)
            case "comment":
                return _text_changed(part.content, edits, rewriter)
            case "text":
                return self._chunk_changed(place, part.content, edits, rewriter, reading)
            case "tail":
                return self._nested_changed(f"{place}/", part.content, edits, rewriter, reading)
        raise _not_there()

    def _nested_changed(self, prefix: str, data: bytes, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> bytes:
        """A file in the picture, its places with `prefix` in front."""
        step = "xmp/" if edits[0].place.startswith("xmp/") else ""
        inner = self._inner(prefix + step, reading, "x.xml" if step else "")
        sink = io.BytesIO()
        self._nested.prepare(_held(data), [Edit(inner.prefix + edit.place.removeprefix(step), edit.how) for edit in edits], rewriter, inner)(sink)
        return sink.getvalue()

    def _exif_changed(self, prefix: str, data: bytes, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> bytes:
        exif = Exif(data)
        by_tag: dict[str, list[Edit]] = {}
        for edit in edits:
            if edit.place == "position":
                exif = _without_position(exif, edit.how, rewriter)
                continue
            name = next((tag.name for tag in exif.tags if edit.place == tag.name or edit.place.startswith(f"{tag.name}/")), None)
            if name is None:
                raise _not_there()
            by_tag.setdefault(name, []).append(Edit(edit.place[len(name) + 1 :], edit.how))
        for name, several in by_tag.items():
            tag = next(tag for tag in exif.tags if tag.name == name)
            exif = self._tag_changed(f"{prefix}{name}/", exif, tag, several, rewriter, reading)
        return exif.data

    def _tag_changed(self, prefix: str, exif: Exif, tag: Tag, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Exif:
        raw = exif.raw(tag)
        if tag.number == XMP:
            return exif.with_raw(tag, self._nested_changed(prefix, raw, edits, rewriter, reading))
        if tag.number == IPTC:
            return exif.with_raw(tag, _iptc_changed(raw, edits, rewriter))
        if tag.number == PHOTOSHOP:
            return exif.with_raw(tag, _photoshop_changed(raw, edits, rewriter))
        text = exif.text(tag)
        if not text:
            raise _not_there()
        now = text
        for edit in edits:
            now = _new(now, edit.how, rewriter)
        return exif.with_text(tag, now) if now != text else exif

    def _chunk_changed(self, place: str, content: bytes, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> bytes:
        _, text, codec = png_text(content)
        if edits[0].place.startswith("xmp/"):
            return png_text_with(content, self._nested_changed(f"{place}/", text, edits, rewriter, reading))
        now = was = text.decode(codec, "replace")
        for edit in edits:
            if edit.place == "keyword":
                content = _keyword_changed(content, edit.how, rewriter)
            elif not edit.place:
                now = _new(now, edit.how, rewriter)
            else:
                raise _not_there()
        return png_text_with(content, now.encode(codec, "replace")) if now != was else content


def _held(data: bytes) -> Opener:
    return lambda: flowing(iter((data,)))


def _not_there() -> Exception:
    return cannot_rewrite("A place of the plan is not in the picture, or holds no text.", "plan again: the file is not what it was")


def _text(place: str, text: str, reading: Reading) -> Iterator[Unit]:
    if text and (reading.gate is None or reading.gate.passes_text(text)):
        yield Unit(reading.prefix + place, text, inside(reading), is_value=True)


def _iptc(prefix: str, data: bytes, reading: Reading) -> Iterator[Unit]:
    for position, found in enumerate(iptc.datasets(data), start=1):
        if found.record != 1:
            yield from _text(f"{prefix}iptc:{position}", decoded(found.data)[0], reading)


def _iptc_changed(data: bytes, edits: Sequence[Edit], rewriter: Rewriter) -> bytes:
    values = {f"iptc:{position}": (position, found.data) for position, found in enumerate(iptc.datasets(data), start=1)}
    now: dict[int, bytes] = {}
    for edit in edits:
        if edit.place not in values:
            raise _not_there()
        position, value = values[edit.place]
        now[position] = _text_changed(value, [Edit("", edit.how)], rewriter)
    return iptc.with_values(data, now)


def _photoshop_changed(data: bytes, edits: Sequence[Edit], rewriter: Rewriter) -> bytes:
    found, rest = iptc.resources(data)
    for edit in edits:
        number, _, place = edit.place.partition("/")
        position = int(number) - 1 if number.isdecimal() else -1
        if not 0 <= position < len(found) or found[position].number != 0x0404:
            raise _not_there()
        found[position] = replace(found[position], data=_iptc_changed(found[position].data, [Edit(place, edit.how)], rewriter))
    return iptc.with_resources(_without_digest(found), rest)


def _without_digest(found: list[iptc.Resource]) -> list[iptc.Resource]:
    """A digest over the old IPTC values (resource 0x0425) would be one of the person's data, and wrong."""
    return [one for one in found if one.number != 0x0425]


def _text_changed(data: bytes, edits: Sequence[Edit], rewriter: Rewriter) -> bytes:
    for edit in edits:
        if edit.place:
            raise _not_there()
        text, codec = decoded(data)
        data = encoded_like(data, codec, text, _new(text, edit.how, rewriter))
    return data


def _keyword_changed(content: bytes, how: How, rewriter: Rewriter) -> bytes:
    """A chunk with another keyword, of at most 79 characters (ISO 15948 §11.3.3)."""
    end = content.find(b"\0")
    was = content[4:end].decode("latin-1")
    now = _new(was, how, rewriter)
    return content if now == was else content[:4] + now[:79].encode("latin-1", "replace") + content[end:]


def _without_position(exif: Exif, how: How, rewriter: Rewriter) -> Exif:
    text = exif.position()[1]
    if not text:
        raise _not_there()
    return exif if isinstance(how, RedactSpans) and rewriter.redacted(text) == text else exif.without_position()


def _new(text: str, how: How, rewriter: Rewriter) -> str:
    if isinstance(how, RedactSpans):
        return rewriter.redacted(text)
    if isinstance(how, SetValue):
        try:
            value = rewriter.replaced(how, text, FieldFacts("text"))
        except Misfit as misfit:
            raise cannot_rewrite(f"A text in a picture cannot hold what the method gives: {misfit}.") from None
        return "" if value is None else str(value)
    raise cannot_rewrite("Texts in a picture can be redacted or set, nothing else.")
