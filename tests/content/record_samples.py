"""A file of every format of records, messages and pictures, with one part about jane and one about bob."""

import io
import plistlib
import sqlite3
from typing import Any

import fastavro
from PIL import Image

from tests.content.mails import mail
from tests.content.outlook_files import compound, message, tnef
from tests.content.pst_files import Letter, pst
from tests.content.sealed_mails import compressed, signed
from tests.content.seen_words import saved
from tests.content.test_image_file import gif, jpeg, png, tiff, webp

_NAMES = ("jane", "bob")


def avro() -> bytes:
    schema: dict[str, Any] = {
        "type": "record",
        "name": "R",
        "fields": [{"name": "name", "type": "string"}, {"name": "city", "type": ["null", "string"]}],
    }
    sink = io.BytesIO()
    fastavro.writer(sink, schema, [{"name": name, "city": None} for name in _NAMES], codec="deflate", sync_interval=1)
    return sink.getvalue()


def sqlite() -> bytes:
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute("CREATE TABLE people(name, city)")
    for name in _NAMES:
        database.execute("INSERT INTO people VALUES (?, NULL)", (name,))
    data = database.serialize()
    database.close()
    return data


def mbox() -> bytes:
    bob = mail(sender="bob@x.org", subject="s", body="hi\n")
    return b"".join(b"From a@x.org Thu Jan  1 00:00:00 2026\n" + one.as_bytes() + b"\n" for one in (mail(), bob))


#: By the names of formats.
RECORDS: dict[str, list[bytes]] = {
    "avro": [avro()],
    "sqlite": [sqlite()],
    "mbox": [mbox()],
    "emlx": [b"%-10d\n" % len(mail().as_bytes()) + mail().as_bytes() + plistlib.dumps({"subject": "bob"})],
    "vcard": [b"".join(b"BEGIN:VCARD\r\nFN:%s\r\nEND:VCARD\r\n" % name.encode() for name in _NAMES)],
    "icalendar": [
        b"BEGIN:VCALENDAR\r\n"
        + b"".join(b"BEGIN:VEVENT\r\nSUMMARY:of %s\r\nEND:VEVENT\r\n" % name.encode() for name in _NAMES)
        + b"END:VCALENDAR\r\n"
    ],
    "jsonseq": [b'\x1e{"name": "jane"}\n\x1e{"name": "bob"}\n', b'{"name": "jane"}{"name": "bob"}'],
    "jpeg": [jpeg((0xFE, b"of jane"), (0xFE, b"of bob"))],
    "png": [png((b"tEXt", b"Author\0jane"), (b"tEXt", b"Title\0bob"))],
    "gif": [gif(b"of jane and bob")],
    "webp": [webp((b"EXIF", tiff([(0x013B, 2, b"jane\0"), (0x010E, 2, b"of bob\0")])))],
    "tiff": [tiff([(0x013B, 2, b"jane\0"), (0x010E, 2, b"of bob\0")])],
}
#: Those that are read and never rewritten.
READ_ONLY: dict[str, list[bytes]] = {
    "bmp": [saved(Image.new("RGB", (40, 10)), "BMP") + b"about jane\nto bob\n"],
    "cms": [signed(b"Subject: about jane\n\nto bob\n"), compressed(b"Subject: about jane\n\nto bob\n")],
    "pst": [pst({"people": [Letter({0x001A: "IPM.Note", 0x0037: "about jane", 0x1000: "dear bob\r\n"})]})],
    "mmdf": [b"".join(b"\1\1\1\1\n" + one.as_bytes() + b"\1\1\1\1\n" for one in (mail(), mail(sender="bob@x.org", subject="s", body="hi\n")))],
    "babyl": [b"BABYL OPTIONS:\nVersion: 5\n\x1f\x0c\n0,,\n*** EOOH ***\n" + mail().as_bytes() + b"\x1f"],
    "ole": [compound(message({0x0037: "about jane", 0x1000: "dear bob\r\n"}))],
    "tnef": [tnef((1, 1, 0x8004, b"about jane\0"), (1, 2, 0x800C, b"dear bob\0"))],
}
