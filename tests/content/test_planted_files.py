"""A made-up person is planted in files within files in many written forms; after a rewrite neither the matcher nor the standard library sees them.

The strangers beside them, and every cell, line and member that is not about the person, are what they were: `email`, `csv`, `json` and
`zipfile` tell.
"""

import base64
import bz2
import csv
import email
import email.policy
import gzip
import html
import io
import json
import lzma
import re
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from email.message import EmailMessage, Message
from typing import IO, cast
from urllib.parse import quote, unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.files import read_file, rewrite_file
from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.finding import Hit
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Locator, Record, Unit
from tests.content.container_samples import tar_of
from tests.content.people import EMAIL, JANE, STRANGERS
from tests.content.plain_words import opener

_MATCHER = Matcher({"case": JANE})
_REWRITER = CaseRewriter(_MATCHER, "case", b"k" * 32)
_MARK = "[redacted]"

_PLAIN = (EMAIL, EMAIL.upper(), "+49 170 1234567", "0049-170-1234567", "(0170) 12 34 567", "DE89 3704 0044 0532 0130 00", "CUST-8842107")
_FORMS: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: quote(text, safe=""),
    lambda text: "".join(f"&#{ord(character)};" for character in text),
    lambda text: text[:4] + "\u00ad" + text[4:],
    lambda text: "".join(chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in text),
    lambda text: base64.b64encode(f"this is about {text} only".encode()).decode(),
)
written = st.builds(lambda form, value: form(value), st.sampled_from(_FORMS), st.sampled_from(_PLAIN))
filler = st.sampled_from(("grüße", "a,b;c", '"quoted"', "12.5", "=?", "x\ty", "")) | st.sampled_from(STRANGERS)
cell = filler | written


def _readable(text: str) -> str:
    """The text as an independent reader understands it."""
    return unicodedata.normalize("NFKC", html.unescape(unquote(text))).casefold().replace("\u00ad", "")


def _without_strangers(text: str) -> str:
    for stranger in STRANGERS:
        text = text.replace(_readable(stranger), "")
    return text


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, bytes]:
    rows = draw(st.lists(st.tuples(cell, cell), min_size=1, max_size=4))
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator=draw(st.sampled_from(("\n", "\r\n"))))
    writer.writerows([("id", "first", "second"), *((number, *row) for number, row in enumerate(rows))])
    return "a.csv", sink.getvalue().encode()


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, bytes]:
    value = {"rows": draw(st.lists(st.fixed_dictionaries({"a": cell, "b": st.lists(cell, max_size=2), "n": st.integers()}), max_size=3))}
    return "b.json", json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from((None, 2)))).encode()


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, bytes]:
    lines = draw(st.lists(cell, min_size=1, max_size=5))
    return "c.txt", "".join(f"- {line} .\n" for line in lines).encode(draw(st.sampled_from(("utf-8", "utf-16"))))


def _in_gzip(files: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    name, data = files[0]
    return f"{name}.gz", gzip.compress(data, mtime=0)


def _in_zip(files: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, data) in enumerate(files):
            archive.writestr(zipfile.ZipInfo(f"{number}-{name}"), data)
    return "d.zip", sink.getvalue()


def _in_tar(files: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    return "f.tar", tar_of([(f"{number}-{name}", data) for number, (name, data) in enumerate(files)], tarfile.PAX_FORMAT)


def _in_bz2(files: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    return f"{files[0][0]}.bz2", bz2.compress(files[0][1])


def _in_xz(files: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    return f"{files[0][0]}.xz", lzma.compress(files[0][1])


def _in_mail(files: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Bob <bob@x.org>", f"Jane Q <{EMAIL}>, xjane.doe@example.com", f"grüße an {EMAIL}"
    message.set_content(f"see below, {EMAIL} and {STRANGERS[0]}\n" * 2, cte="quoted-printable")
    message.add_alternative(f"<p>see <b>{EMAIL[:4]}</b>{EMAIL[4:]}, not {STRANGERS[0]}, grüße</p>\n", subtype="html", cte="quoted-printable")
    for name, data in files:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return "e.eml", message.as_bytes(policy=email.policy.SMTP)


leaves = st.lists(tables() | documents() | texts(), min_size=1, max_size=2)
wrappings = st.lists(st.sampled_from((_in_gzip, _in_zip, _in_mail, _in_tar, _in_bz2, _in_xz)), max_size=3)


def _hits(name: str, data: bytes) -> list[Hit]:
    found = tuple(got for got in read_file(opener(data), Reading("files", _MATCHER.gate, name=name)) if isinstance(got, Unit))
    return [hit for finding in _MATCHER.findings(Record(Locator("s", "files", (name,)), found, "server")) for hit in finding.hits]


def _pieces(name: str, data: bytes) -> Iterator[str]:
    """Every text in the file, in its order, as the standard library reads it."""
    if name.endswith(".gz"):
        yield from _pieces(name[:-3], gzip.decompress(data))
    elif name.endswith((".bz2", ".xz")):
        stem, _, ending = name.rpartition(".")
        yield from _pieces(stem, (bz2 if ending == "bz2" else lzma).decompress(data))
    elif name.endswith(".tar"):
        with tarfile.open(fileobj=io.BytesIO(data)) as tape:
            for each in tape.getmembers():
                yield from (each.name, *_pieces(each.name, cast(IO[bytes], tape.extractfile(each)).read()))
    elif name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                yield from (member.filename, *_pieces(member.filename, archive.read(member)))
    elif name.endswith(".eml"):
        yield from _pieces_of_mail(email.message_from_bytes(data, policy=email.policy.default))
    elif name.endswith(".csv"):
        yield from (text for row in csv.reader(io.StringIO(data.decode(), newline="")) for text in row)
    elif name.endswith(".json"):
        yield from _pieces_of_json(json.loads(data))
    else:
        yield from data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8").split("\n")


def _pieces_of_json(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from (key, *_pieces_of_json(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _pieces_of_json(inner)
    else:
        yield str(value)


def _pieces_of_mail(message: "Message[str, str]") -> Iterator[str]:
    yield from (f"{name}: {value}" for name, value in message.items())
    for part in message.walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes) and part.get_content_type() == "text/html":
            yield html.unescape(re.sub("<[^>]*>", "", payload.decode()))
        elif isinstance(payload, bytes):
            yield from _pieces(part.get_filename("body.txt"), payload)


@given(leaves, wrappings)
@settings(deadline=None, max_examples=40)
def test_after_a_rewrite_nobody_sees_the_person_and_all_else_is_as_it_was(
    files: list[tuple[str, bytes]], around: list[Callable[..., tuple[str, bytes]]]
) -> None:
    for wrap in around or [_in_zip]:
        files = [wrap(files)]
    name, before = files[0]
    places = dict.fromkeys(hit.place for hit in _hits(name, before) if hit.is_rewritable)
    sink = io.BytesIO()
    rewrite_file(opener(before), sink, [Edit(place, RedactSpans()) for place in places], _REWRITER, Reading("files", _MATCHER.gate, name=name))
    after = sink.getvalue()
    assert not [hit.place for hit in _hits(name, after) if hit.is_rewritable]
    for was, now in zip(_pieces(name, before), _pieces(name, after), strict=True):
        assert not any(_readable(value) in _without_strangers(_readable(now)) for value in _PLAIN)
        if was != now:
            assert _MARK in now or was.startswith("To: ")  # `email` does not show a mark in the place of an address
            assert _MATCHER.spans(was) or "=?" in was
