"""Turns a drawn page into an archival document: PDF/A-3b structure (ISO 19005-3), attachments, neutral metadata.

No validator has looked at it, and the page says so. The bytes depend on the input alone: the document's id is a digest of its content.
"""

import io
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pikepdf
from pikepdf import Array, AttachedFileSpec, Dictionary, Name, Pdf, Stream, String

TITLE = "Certificate of erasure"
PRODUCER = "DSR Engine"
STATEMENT_FILE, PROOF_FILE, MANUAL_FILE = "statement.dsse.json", "ledger-proof.txt", "verify.md"
_PRIVATE = "/DSREngine"

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<dc:format>application/pdf</dc:format><dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<xmp:CreatorTool>{producer}</xmp:CreatorTool><xmp:CreateDate>{at}</xmp:CreateDate><xmp:ModifyDate>{at}</xmp:ModifyDate>
<pdf:Producer>{producer}</pdf:Producer>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the document. `relationship` is a PDF name: what the file is to the document (ISO 32000-2 § 7.11.3)."""

    name: str
    data: bytes
    mime_type: str
    about: str
    relationship: str


def archived(drawn: bytes, at: datetime, attachments: tuple[Attachment, ...], layout: int, letterhead: tuple[str, ...]) -> bytes:
    """The document as PDF/A-3b. `layout` and `letterhead` are noted in it, because a verifier needs them to know what the page must say."""
    with Pdf.open(io.BytesIO(drawn)) as pdf:
        _describe(pdf, at)
        for name in [key for key in pdf.trailer if key not in ("/Root", "/Info", "/Size")]:
            del pdf.trailer[name]
        _set_colours(pdf)
        for font in _fonts(pdf):
            font.ToUnicode = Stream(pdf, tidied_cmap(font.ToUnicode.read_bytes()))
        _attach(pdf, attachments, at)
        note = Dictionary(Layout=layout, Letterhead=Array([String(line) for line in letterhead]))
        pdf.Root.PieceInfo = Dictionary({_PRIVATE: Dictionary(LastModified=String(_pdf_date(at)), Private=note)})
        out = io.BytesIO()
        pdf.save(out, deterministic_id=True, min_version="1.7", object_stream_mode=pikepdf.ObjectStreamMode.disable)
        return out.getvalue()


def noted(pdf: Pdf) -> tuple[int, tuple[str, ...]]:
    """The layout and the letterhead that `archived` noted. Raises `KeyError`, `TypeError` or `ValueError` where there is no such note."""
    note = pdf.Root["/PieceInfo"][_PRIVATE]["/Private"]
    return int(note["/Layout"]), tuple(str(line) for line in note["/Letterhead"])


def attached(pdf: Pdf) -> Mapping[str, bytes]:
    """The attachments by name. Raises `ValueError` if two have one name."""
    found = [(name, pdf.attachments[name].get_file().read_bytes()) for name in pdf.attachments]
    if len(dict(found)) != len(found):
        raise ValueError("two attachments have one name")
    return dict(found)


def _describe(pdf: Pdf, at: datetime) -> None:
    """Info and XMP say the same, and nothing about the case."""
    moment = _pdf_date(at)
    info = Dictionary(Title=String(TITLE), Creator=String(PRODUCER), Producer=String(PRODUCER), CreationDate=String(moment), ModDate=String(moment))
    pdf.trailer.Info = pdf.make_indirect(info)
    xmp = Stream(pdf, _XMP.format(title=TITLE, producer=PRODUCER, at=at.strftime("%Y-%m-%dT%H:%M:%SZ")).encode())
    xmp.Type, xmp.Subtype = Name.Metadata, Name.XML
    pdf.Root.Metadata = pdf.make_indirect(xmp)
    pdf.Root.Lang = String("en")
    pdf.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)


def _set_colours(pdf: Pdf) -> None:
    profile = Stream(pdf, srgb_profile())
    profile.N, profile.Alternate = 3, Name.DeviceRGB
    intent = Dictionary(
        Type=Name.OutputIntent,
        S=Name.GTS_PDFA1,
        OutputConditionIdentifier=String("sRGB IEC61966-2.1"),
        Info=String("sRGB IEC61966-2.1"),
        RegistryName=String("http://www.color.org"),
        DestOutputProfile=pdf.make_indirect(profile),
    )
    pdf.Root.OutputIntents = Array([pdf.make_indirect(intent)])


def _attach(pdf: Pdf, attachments: tuple[Attachment, ...], at: datetime) -> None:
    specs = []
    for attachment in attachments:
        spec = AttachedFileSpec(
            pdf,
            attachment.data,
            description=attachment.about,
            filename=attachment.name,
            mime_type=attachment.mime_type,
            relationship=Name(attachment.relationship),
            creation_date=_pdf_date(at),
            mod_date=_pdf_date(at),
        )
        pdf.attachments[attachment.name] = spec
        specs.append(spec.obj)
    pdf.Root.AF = Array(specs)


def _fonts(pdf: Pdf) -> list[Dictionary]:
    return [entry for entry in pdf.objects if isinstance(entry, Dictionary) and entry.get("/Type") == Name.Font and "/ToUnicode" in entry]


def tidied_cmap(cmap: bytes) -> bytes:
    """A ToUnicode map that keeps the rules: no entry for U+0000, pairs of surrogates beyond the BMP, a hundred entries a block at most.

    ReportLab writes one block and five hex digits, which readers take for something else (ISO 32000-2 § 9.10.3; Adobe Technical Note 5014).
    """
    head, _, body = cmap.decode("ascii").partition("endcodespacerange\n")
    pairs = [(int(code, 16), int(point, 16)) for code, point in re.findall(r"<([0-9A-F]{2})> <([0-9A-F]{4,6})>", body)]
    lines = [f"<{code:02X}> <{chr(point).encode('utf-16-be').hex().upper()}>" for code, point in pairs if point]
    blocks = [lines[start : start + 100] for start in range(0, len(lines), 100)]
    entries = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return f"{head}endcodespacerange\n{entries}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend".encode("ascii")


def _pdf_date(at: datetime) -> str:
    return at.strftime("D:%Y%m%d%H%M%SZ")


def srgb_profile() -> bytes:
    """An ICC v2 display profile of sRGB: primaries adapted to D50 and the transfer curve of IEC 61966-2-1 in 1024 steps."""

    def xyz(x: float, y: float, z: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in (x, y, z))

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    name = b"sRGB IEC61966-2.1"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0" + bytes(4 + 4 + 2 + 1 + 67)
    curve = b"curv\0\0\0\0" + struct.pack(">I", 1024) + b"".join(struct.pack(">H", round(linear(step / 1023) * 65535)) for step in range(1024))
    entries = {
        b"desc": described,
        b"cprt": b"text\0\0\0\0Public domain\0",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.4360747, 0.2225045, 0.0139322),
        b"gXYZ": xyz(0.3850649, 0.7168786, 0.0971045),
        b"bXYZ": xyz(0.1430804, 0.0606169, 0.7141733),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    return _profile(entries)


def _profile(entries: Mapping[bytes, bytes]) -> bytes:
    """Header, tag table and data of an ICC profile (ICC.1:2001-04 § 6). Equal data is stored once."""
    at = 128 + 4 + 12 * len(entries)
    table, data = struct.pack(">I", len(entries)), b""
    places: dict[bytes, int] = {}
    for tag, content in entries.items():
        if content not in places:
            places[content] = at + len(data)
            data += content + bytes(-len(content) % 4)
        table += tag + struct.pack(">II", places[content], len(content))
    size = at + len(data)
    date = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    white = struct.pack(">3i", round(0.9642 * 65536), 65536, round(0.8249 * 65536))
    header = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02100000, b"mntr", b"RGB ", b"XYZ ") + date + b"acsp" + bytes(28) + white
    return header + bytes(128 - len(header)) + table + data
