"""Pictures: words are found in every corner and rewritten, pixels stay, and Pillow reads what is left."""

import io
import random
import struct
import zlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.pictures.exif import Exif
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Unit
from tests.content.plain_words import MARK, WordGate, gaps, read, reading, rewritten, texts, units

_XMP = (
    b"<?xpacket begin=''?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='r' xmlns:dc='d'><dc:creator>jane</dc:creator></rdf:RDF></x:xmpmeta>"
)
Entry = tuple[int, int, bytes]


def tiff(*folders: Sequence[Entry], order: str = "<", extra: bytes = b"") -> bytes:
    """A TIFF structure of lists of (tag, type, value); a value that is a list of entries is a list that the tag leads to."""
    out = bytearray((b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8))
    widths = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}
    for index, entries in enumerate(folders):
        at = len(out)
        room = at + 2 + 12 * len(entries) + 4
        body, behind = bytearray(struct.pack(order + "H", len(entries))), bytearray()
        for tag, kind, value in entries:
            body += struct.pack(order + "HHI", tag, kind, len(value) // widths[kind])
            if len(value) <= 4:
                body += value.ljust(4, b"\0")
            else:
                body += struct.pack(order + "I", room + len(behind))
                behind += value + bytes(len(value) % 2)
        end = room + len(behind)
        out += body + struct.pack(order + "I", end if index + 1 < len(folders) else 0) + behind
    return bytes(out) + extra


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def jpeg(*segments: tuple[int, bytes], scan: bytes = b"\x12\xff\x00\x34\xff\xd0jan\xff\x00e", tail: bytes = b"") -> bytes:
    head = b"\xff\xd8" + b"".join(_segment(*segment) for segment in segments)
    return head + _segment(0xDB, bytes(65)) + _segment(0xDA, b"\1\1\0\0?\0") + scan + b"\xff\xd9" + tail


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(*chunks: tuple[bytes, bytes], tail: bytes = b"") -> bytes:
    pixels = zlib.compress(b"".join(b"\0" + bytes((7, 8, 9)) * 4 for _ in range(3)))
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 3, 8, 2, 0, 0, 0))
    words = b"".join(_chunk(*chunk) for chunk in chunks)
    return b"\x89PNG\r\n\x1a\n" + head + words + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"") + tail


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(struct.pack("<4sI", name, len(data)) + data + bytes(len(data) % 2) for name, data in ((b"VP8 ", b"pixels"), *chunks))
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif(comment: bytes) -> bytes:
    body = b"".join(bytes((len(comment[at : at + 255]),)) + comment[at : at + 255] for at in range(0, len(comment), 255))
    image = b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    return b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + b"!\xfe" + body + b"\0" + image + b";"


def iptc(*values: tuple[int, bytes]) -> bytes:
    data = b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value for number, value in values)
    digest = b"8BIM\x04\x25\0\0" + struct.pack(">I", 16) + b"d" * 16
    return b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data + bytes(len(data) % 2) + digest


_WORDS: list[Entry] = [(0x010E, 2, b"about jane\0"), (0x013B, 2, b"jane"), (0x9C9D, 1, "jane".encode("utf-16-le") + b"\0\0"), (0x0112, 3, b"\1\0")]
_COMMENT: Entry = (0x9286, 7, b"UNICODE\0" + "grüße jane".encode("utf-16-le"))
_GPS: list[Entry] = [
    (1, 2, b"N\0"),
    (2, 5, struct.pack("<6I", 48, 1, 8, 1, 1464, 100)),
    (3, 2, b"W\0"),
    (4, 5, struct.pack("<6I", 11, 1, 34, 1, 0, 1)),
]

#: A picture with the person in every place that can be rewritten.
PICTURES = {
    "jpeg": jpeg(
        (0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
        (0xE1, b"Exif\0\0" + tiff([*_WORDS, _COMMENT])),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + _XMP),
        (0xED, iptc((80, b"jane"), (105, b"of bob"))),
        (0xFE, b"made by jane"),
        tail=b"and a note of jane\n",
    ),
    "png": png(
        (b"tEXt", b"Author\0jane"),
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"dear jane " * 20)),
        (b"iTXt", "Title\0\0\0de\0Titel\0grüße jane".encode()),
        (b"iTXt", b"Title\0\1\0de\0Titel\0" + zlib.compress("grüße jane".encode())),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _XMP),
        (b"eXIf", tiff(_WORDS)),
    ),
    "webp": webp((b"EXIF", tiff(_WORDS)), (b"XMP ", _XMP)),
    "gif": gif(b"dear jane " * 60),
    "tiff": tiff([*_WORDS, (0x02BC, 1, _XMP), (0x83BB, 7, struct.pack(">BBBH", 0x1C, 2, 80, 4) + b"jane")], order=">"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_words_are_found_and_what_is_seen_is_a_gap(name: str) -> None:
    found = [unit for unit in units(PICTURES[name], reading(WordGate("jane"))) if not unit.is_opaque]
    assert all("jane" in unit.text for unit in found)
    assert len(found) == {"jpeg": 8, "png": 8, "webp": 4, "gif": 1, "tiff": 5}[name]
    assert gaps(PICTURES[name]) == ["image.pixels"]


@pytest.mark.parametrize("name", PICTURES)
def test_after_a_rewrite_the_person_is_in_no_corner_and_the_pixels_are_the_same(name: str) -> None:
    before = PICTURES[name]
    found = units(before, reading(WordGate("jane")))
    after = rewritten(before, [Edit(unit.place, RedactSpans()) for unit in found], "jane")
    assert not units(after, reading(WordGate("jane")))
    assert b"jane" not in after
    assert "jane".encode("utf-16-le") not in after
    for pixels in (
        b"\x12\xff\x00\x34\xff\xd0jan\xff\x00e",
        before[before.find(b"IDAT") - 4 :][:40] if name == "png" else b"",
        b"VP8 \6\0\0\0pixels",
        b",\0\0\0\0\1\0",
    ):
        assert before.count(pixels) == after.count(pixels) or not pixels
    if name == "webp":
        assert int.from_bytes(after[4:8], "little") == len(after) - 8
    assert [unit.text for unit in units(after) if MARK in unit.text]


def test_values_that_stay_keep_their_place_and_longer_ones_go_behind_everything() -> None:
    before = tiff([*_WORDS, (0x8298, 2, b"of bob, all rights\0")], extra=b"strips of pixels")
    after = rewritten(before, [Edit("exif:0/artist", RedactSpans()), Edit("exif:0/description", RedactSpans())], "jane")
    was, now = Exif(before), Exif(after)
    assert {tag.name: now.text(tag) for tag in now.tags} == {
        "exif:0/description": f"about {MARK}",
        "exif:0/artist": MARK,
        "exif:0/author": "jane",
        "exif:0/tag:0112": "",
        "exif:0/copyright": "of bob, all rights",
    }
    assert [tag.start for tag in now.tags[2:]] == [tag.start for tag in was.tags[2:]]
    assert b"strips of pixels" in after
    assert after[: len(before)].count(b"jane") == 0


def test_comments_say_in_which_charset_they_are() -> None:
    for order in "<>":
        wide = "utf-16-le" if order == "<" else "utf-16-be"
        for code, codec in ((b"ASCII\0\0\0", "ascii"), (b"UNICODE\0", wide), (bytes(8), "utf-8"), (b"JIS\0\0\0\0\0", "iso2022_jp")):
            before = tiff([(0x9286, 7, code + "it is jane".encode(codec))], order=order)
            assert texts(before, reading(WordGate("jane"))) == {"exif:0/comment": "it is jane"}
            after = rewritten(before, [Edit("exif:0/comment", RedactSpans())], "jane")
            assert texts(after)["exif:0/comment"] == f"it is {MARK}"


def test_the_place_where_a_picture_was_taken_is_a_text_and_can_go() -> None:
    head = tiff([(0x8825, 4, struct.pack("<I", 26))])
    before = head[:26] + struct.pack("<H", 4)
    room = 26 + 2 + 48 + 4
    for tag, kind, value in _GPS:
        count = len(value) if kind == 2 else len(value) // 8
        before += struct.pack("<HHI", tag, kind, count) + (
            value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", room + (0 if tag == 2 else 24))
        )
    before += bytes(4) + _GPS[1][2] + _GPS[3][2]
    assert texts(before)["position"] == "48.137400, -11.566667"
    after = rewritten(before, [Edit("position", RedactSpans())], "48.137400")
    assert texts(after)["position"] == "0.000000, -0.000000"
    assert len(after) == len(before)


def test_a_small_picture_in_a_picture_is_read() -> None:
    small = jpeg((0xFE, b"it is jane"))
    block = tiff([(0x0201, 4, struct.pack("<I", 38)), (0x0202, 4, struct.pack("<I", len(small)))], extra=small)
    before = jpeg((0xE1, b"Exif\0\0" + block))
    assert block[38 : 38 + len(small)] == small
    assert texts(before, reading(WordGate("jane"))) == {"part:1/thumbnail/comment:1": "it is jane"}
    with pytest.raises(NotSupported):
        rewritten(before, [Edit("part:1/thumbnail/comment:1", RedactSpans())], "jane")


def test_maker_notes_are_searched_as_bytes_and_refused() -> None:
    before = tiff([(0x927C, 7, b"\1\2\3 Owner jane \0\1")])
    found = units(before, reading(WordGate("jane")))
    assert [(unit.place, unit.is_opaque) for unit in found] == [("exif:0/maker_note", True)]
    with pytest.raises(NotSupported):
        rewritten(before, [Edit("exif:0/maker_note", RedactSpans())], "jane")


def test_what_does_not_fit_into_a_segment_is_refused() -> None:
    before = jpeg((0xFE, b"jane" * 16000))
    with pytest.raises(NotSupported, match="segment"):
        rewritten(before, [Edit("comment:1", RedactSpans())], "jane")


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("seed", range(6))
def test_damage_raises_nothing_and_what_is_left_is_searched(name: str, seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(PICTURES[name])
    for _ in range(8):
        data[chance.randrange(8, len(data))] = chance.randrange(256)
    found = read(bytes(data[: chance.randrange(20, len(data))]))
    assert any(not isinstance(got, Unit) for got in found)


@given(st.binary(max_size=400), st.sampled_from(("II", "MM")))
@settings(deadline=None)
def test_no_tags_raise(noise: bytes, order: str) -> None:
    head = b"II*\0\x08\0\0\0" if order == "II" else b"MM\0*\0\0\0\x08"
    assert read(head + noise)


def test_pillow_reads_what_is_left() -> None:
    image = pytest.importorskip("PIL.Image", reason="pip install pillow")
    extras = pytest.importorskip("PIL.PngImagePlugin", reason="pip install pillow")
    picture = image.new("RGB", (9, 7))
    picture.putdata([(n, 2 * n, 255 - n) for n in range(63)])
    exif = image.Exif()
    exif[0x013B], exif[0x010E] = "jane", "a picture of bob"
    words = extras.PngInfo()
    words.add_text("Author", "jane")
    words.add_itxt("Title", "grüße jane", zip=True)
    ways: dict[str, dict[str, object]] = {
        "JPEG": {"exif": exif, "comment": b"dear jane"},
        "PNG": {"pnginfo": words, "exif": exif},
        "WEBP": {"exif": exif, "lossless": True},
        "TIFF": {"tiffinfo": {0x013B: "jane", 0x010E: "a picture of bob"}},
        "GIF": {"comment": b"dear jane"},
    }
    for kind, how in ways.items():
        sink = io.BytesIO()
        picture.save(sink, kind, **how)
        before = sink.getvalue()
        found = units(before, reading(WordGate("jane")))
        assert found
        after = rewritten(before, [Edit(unit.place, RedactSpans()) for unit in found], "jane")
        with image.open(io.BytesIO(before)) as was, image.open(io.BytesIO(after)) as now:
            assert was.tobytes() == now.tobytes()
            if kind != "GIF":
                assert now.getexif()[0x010E] == "a picture of bob"
                assert now.getexif()[0x013B] == MARK
            assert "jane" not in str(now.info)
        assert b"jane" not in after


def test_bytes_to_which_no_tag_leads_are_searched() -> None:
    before = tiff([(0x010E, 2, b"about bob\0")], extra=b"\0\1 once owned by jane \0")
    assert [(unit.place, unit.is_opaque) for unit in units(before, reading(WordGate("jane")))] == [("rest", True)]
