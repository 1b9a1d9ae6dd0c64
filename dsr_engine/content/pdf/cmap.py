"""CMaps of PDF fonts: which bytes are one character code, which glyph a code means, and which text it stands for.

ISO 32000-2, 9.7.5 and 9.10.3; Adobe Technical Notes 5014 and 5411.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dsr_engine.content.pdf.tokens import hex_string, literal_string

#: Codes of one section of a map. A map of two bytes has at most 65,536.
_MOST = 500_000
_TOKEN = re.compile(rb"<([0-9A-Fa-f\s]*)>|(\[)|(\])|/([^\s()<>\[\]{}/%]+)|(\((?:[^()\\]|\\.)*\))|([^\s()<>\[\]{}/%]+)|%[^\r\n]*", re.DOTALL)
#: Predefined CMaps whose codes are text in a charset of their own.
_CODECS = (
    (re.compile(r"Uni.*-UTF16-[HV]"), "utf-16-be"),
    (re.compile(r"Uni.*-UCS2-(HW-)?[HV]"), "utf-16-be"),
    (re.compile(r"Uni.*-UTF32-[HV]"), "utf-32-be"),
    (re.compile(r"90(ms|msp|pv)-RKSJ-[HV]|83pv-RKSJ-H|Ext-RKSJ-[HV]|Add-RKSJ-[HV]"), "cp932"),
    (re.compile(r"EUC-[HV]"), "euc_jp"),
    (re.compile(r"GBKp?-EUC-[HV]|GBK2K-[HV]|GBpc-EUC-[HV]|GB-EUC-[HV]"), "gb18030"),
    (re.compile(r"B5pc-[HV]|ETen(ms)?-B5-[HV]|HKscs-B5-[HV]"), "big5hkscs"),
    (re.compile(r"KSCms-UHC-(HW-)?[HV]|KSC-EUC-[HV]|KSCpc-EUC-[HV]"), "cp949"),
)


@dataclass(slots=True)
class CMap:
    """What a CMap says. `lengths` are (bytes of a code, lowest, highest); `texts` and `glyphs` go by (code, its length)."""

    lengths: list[tuple[int, int, int]] = field(default_factory=list)
    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    glyphs: dict[tuple[int, int], int] = field(default_factory=dict)


def codec_of(name: str) -> str:
    """The charset of a predefined CMap; empty where there is none."""
    return next((codec for pattern, codec in _CODECS if pattern.fullmatch(name)), "")


def cmap_of(data: bytes) -> CMap:
    """The CMap in the stream. What makes no sense in it is left out."""
    cmap = CMap()
    operands: list[bytes | int | list[bytes]] = []
    section = ""
    array: list[bytes] | None = None
    for kind, value in _tokens(data):
        if kind == "[":
            array = []
        elif kind == "]":
            operands.append(array or [])
            array = None
        elif kind == "string":
            (operands if array is None else array).append(value)
        elif value.isdigit():
            operands.append(int(value[:9]))
        else:
            word = value.decode("latin-1")
            if word.startswith("end"):
                _take(cmap, section, operands)
            section = word.removeprefix("begin") if word.startswith("begin") else ""
            operands = []
    return cmap


def _tokens(data: bytes) -> Iterator[tuple[str, bytes]]:
    for found in _TOKEN.finditer(data):
        if found[1] is not None:
            yield "string", hex_string(found[1])
        elif found[2] or found[3]:
            yield found[0].decode("ascii"), b""
        elif found[5]:
            yield "string", literal_string(found[5])
        elif found[6]:
            yield "word", found[6]


def _take(cmap: CMap, section: str, operands: "list[bytes | int | list[bytes]]") -> None:
    """Notes the entries of one section."""
    width = {"codespacerange": 2, "bfchar": 2, "cidchar": 2, "bfrange": 3, "cidrange": 3}.get(section, 0)
    if not width:
        return
    work = 0
    for at in range(0, len(operands) - width + 1, width):
        first, last = operands[at], operands[at + 1 if section.endswith("range") else at]
        target = operands[at + width - 1]
        if not isinstance(first, bytes) or not isinstance(last, bytes) or not 0 < len(first) <= 4 or work > _MOST:
            continue
        low, high, length = int.from_bytes(first), int.from_bytes(last), len(first)
        work += 1 if section == "codespacerange" else max(1, min(high - low, 65535))
        if section == "codespacerange":
            cmap.lengths.append((length, low, high))
        elif section.startswith("cid") and isinstance(target, int):
            cmap.glyphs.update({(code, length): target + code - low for code in range(low, min(high, low + 65535) + 1)})
        else:
            cmap.texts.update(_texts(target, low, min(high, low + 65535), length))


def _texts(target: "bytes | int | list[bytes]", low: int, high: int, length: int) -> Mapping[tuple[int, int], str]:
    if isinstance(target, list):
        return {(low + index, length): _text(one) for index, one in enumerate(target[: high - low + 1])}
    if not isinstance(target, bytes) or not target:
        return {}
    size, start = len(target), int.from_bytes(target)
    return {(code, length): _text(((start + code - low) % 256**size).to_bytes(size)) for code in range(low, high + 1)}


def _text(data: bytes) -> str:
    return data.decode("latin-1") if len(data) == 1 else data.decode("utf-16-be", "replace")
