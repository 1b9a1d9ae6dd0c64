"""Mail as an office has it, made from a seed: letters, threads with quotations, newsletters, lists, and files that are sent along.

Sizes and shares follow what is usual in companies: most mails are short texts with a page beside them, one in seven brings a file. There are no
pictures: the words in them are recognised, which takes as long as a thousand letters and is nothing that could be compared.
"""

import base64
import io
import random
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from functools import cache

from tests.benchmarks.bench_scan import words

#: Who is looked for, and the share of mails that she is in.
PERSON = ("Jane Roe", "jane.roe@example.com")
SHARE = 0.002
_XML, _BODY = "http://schemas.openxmlformats.org", "word/document.xml"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_FIRST = datetime(2019, 1, 7, 8, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as it is stored, with LF, and whether the person is in it."""

    raw: bytes
    is_hers: bool


class _Office:
    """Who writes, and about what."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # test data
        self.vocabulary = words(6000, self.chance, umlauts=True)
        names = words(400, self.chance)
        self.people = [(f"{one.title()} {two.title()}", f"{one}.{two}@example.net") for one, two in zip(names[::2], names[1::2], strict=True)]

    def prose(self, size: int) -> str:
        """About so many characters in lines of at most 76."""
        lines, length = [], 0
        while length < size:
            line = " ".join(self.chance.choices(self.vocabulary, k=self.chance.randrange(7, 11)))
            lines.append(line.capitalize() + ".")
            length += len(line) + 2
        return "\n".join(lines)

    def letter(self, number: int) -> Letter:
        chance = self.chance
        is_hers = chance.random() < SHARE
        sender, recipient = chance.sample(self.people, 2)
        if is_hers and chance.random() < 0.5:
            sender = PERSON
        message = EmailMessage()
        message["Received"] = (
            f"from mx{number % 7}.example.org (mx.example.org [192.0.2.{number % 250}]) by mail.example.com with ESMTPS id {number:012x}"
        )
        message["DKIM-Signature"] = f"v=1; a=rsa-sha256; d=example.net; s=mail; bh={self._noise(32)}; b={self._noise(180)}"
        message["From"] = formataddr(sender)
        message["To"] = formataddr(recipient)
        for other in chance.sample(self.people, chance.choice((0, 0, 0, 1, 4))):
            message["Cc" if "Cc" not in message else "X-Other"] = formataddr(other)
        message["Subject"] = ("Re: " if number % 3 == 0 else "") + self.prose(20)[:60].replace("\n", " ")
        message["Date"] = format_datetime(_FIRST + timedelta(minutes=17 * number))
        message["Message-ID"] = f"<{number}.{self._noise(12)}@mail.example.net>"
        text = self.prose(chance.choice((200, 600, 1500, 4000)))
        if number % 3 == 0:
            quoted = self.prose(chance.choice((800, 2500, 9000)))
            text += f"\n\nOn Monday {recipient[0]} wrote:\n" + "\n".join(f"> {line}" for line in quoted.splitlines())
        if is_hers and sender is not PERSON:
            text += f"\n\nPlease call {PERSON[0]} ({PERSON[1]}) about it.\n"
        self._set_content(message, number, text)
        for _ in range(chance.choice((0, 0, 0, 0, 0, 0, 1)) * chance.choice((1, 1, 2))):
            self._attach(message, number)
        return Letter(message.as_bytes(), is_hers)

    def _noise(self, size: int) -> str:
        return base64.b64encode(self.chance.randbytes(size * 3 // 4)).decode()

    def _set_content(self, message: EmailMessage, number: int, text: str) -> None:
        charset = ("utf-8", "utf-8", "utf-8", "iso-8859-1", "windows-1252", "us-ascii")[number % 6]
        if charset == "us-ascii":
            text = text.replace("ä", "ae")
        message.set_content(
            text, charset=charset, cte=("8bit", "quoted-printable", "quoted-printable", "base64")[number % 4] if charset != "us-ascii" else "7bit"
        )
        if number % 5 < 3:
            page = "".join(f'<p style="margin:0;font-family:Calibri,sans-serif;font-size:11pt">{line}</p>\n' for line in text.splitlines())
            if number % 5 == 0:
                page = f'<table width="600" cellpadding="0" role="presentation"><tr><td style="padding:8px 24px">{page * 3}</td></tr></table>'
            message.add_alternative(
                f"<html><head><style>p {{color:#333}}</style></head><body>{page}</body></html>",
                subtype="html",
                charset="utf-8",
                cte="quoted-printable",
            )

    def _attach(self, message: EmailMessage, number: int) -> None:
        match self.chance.randrange(4):
            case 0 | 1:
                message.add_attachment(_pdf(number % 40), maintype="application", subtype="pdf", filename=f"offer {number}.pdf")
            case 2:
                message.add_attachment(_table(number % 20), maintype="text", subtype="csv", filename=f"orders {number}.csv")
            case _:
                kind = "vnd.openxmlformats-officedocument.wordprocessingml.document"
                message.add_attachment(_document(number % 40), maintype="application", subtype=kind, filename=f"minutes {number}.docx")


@cache
def _office(seed: int) -> _Office:
    return _Office(seed)


@cache
def _pdf(seed: int) -> bytes:
    """A page or four of compressed text."""
    office = _office(1000 + seed)
    out, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    pages = 1 + seed % 4
    bodies = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * page} 0 R" for page in range(pages))
    bodies.append(f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode())
    bodies.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    for page in range(pages):
        lines = office.prose(2500).encode("cp1252", "replace").splitlines()
        text = b"BT /F1 11 Tf 14 TL 60 780 Td\n" + b"".join(b"(" + line.replace(b"(", b"\\(") + b") Tj T*\n" for line in lines) + b"ET"
        packed = zlib.compress(text)
        bodies.append(
            f"<< /Type /Page /Parent 2 0 R /Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * page} 0 R /MediaBox [0 0 595 842] >>".encode()
        )
        bodies.append(f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode() + packed + b"\nendstream")
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode() + b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += f"trailer << /Size {len(places) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


@cache
def _document(seed: int) -> bytes:
    office = _office(2000 + seed)
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml", f'<Types xmlns="{_XML}/package/2006/content-types"><Override PartName="/{_BODY}" ContentType="{_MAIN}"/></Types>'
        )
        relation = f'<Relationship Id="r1" Type="{_XML}/officeDocument/2006/relationships/officeDocument" Target="{_BODY}"/>'
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{_XML}/package/2006/relationships">{relation}</Relationships>')
        paragraphs = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in office.prose(6000).splitlines())
        archive.writestr(
            "word/document.xml",
            f'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{paragraphs}</w:body></w:document>',
        )
    return sink.getvalue()


@cache
def _table(seed: int) -> bytes:
    """Orders as a shop exports them."""
    office = _office(3000 + seed)
    rows = (
        f"{number};{name};{address};{office.chance.randrange(10**5) / 100};{word}"
        for number, (name, address) in enumerate(office.people * 4)
        for word in ("paid",)
    )
    return "\n".join(("no;name;email;amount;state", *rows)).encode()


def letters(count: int, seed: int = 7) -> Iterator[Letter]:
    """So many mails; the same for the same seed."""
    office = _Office(seed)
    return (office.letter(number) for number in range(count))
