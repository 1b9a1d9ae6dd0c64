"""What the headers of a part say about its content (RFC 2045, RFC 2183, RFC 2231), read as leniently as the most lenient of mail programs.

Programs differ where a header stands twice or is broken. So nothing is thrown away: every boundary and every file name that any of them may see is
kept, and `other` is what those read who take the last header of a name and not the first.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

_TYPE = re.compile(r"\s*([!#$%&'*+.^`|~\w-]+)\s*/\s*([!#$%&'*+.^`|~\w-]+)")
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*"?)|\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)?', re.DOTALL)
_PARAMETER = re.compile(r';\s*([^\s=;*"]+)(?:\*(\d{1,4}))?(\*)?\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)
_FOLD = re.compile(r"(?:\r\n?|\n)(?=[ \t])")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_LANGUAGE = re.compile(r"([^'%]*)'[^']*'(.*)", re.DOTALL)
_CONTENT = frozenset({"content-type", "content-transfer-encoding", "content-disposition"})
_NAMES = frozenset({"name", "filename"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter put together: its bytes with percent signs undone, and the charset that it names (RFC 2231); empty: it names none."""

    name: str
    data: bytes
    charset: str = ""


@dataclass(frozen=True, slots=True)
class Meta:
    """Type and encoding of a part, in lower case. `boundaries` has several only where several content types name one each."""

    main: str = "text"
    sub: str = "plain"
    charset: str = ""
    boundaries: tuple[bytes, ...] = ()
    encoding: str = ""
    disposition: str = ""
    parameters: tuple[Parameter, ...] = ()
    names: tuple[tuple[int, Parameter], ...] = ()
    other: "Meta | None" = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        return f"{self.main}/{self.sub}"

    def parameter(self, name: str) -> str:
        """A parameter of the content type in lower case; empty where it is not there."""
        return next((found.data.decode("latin-1").strip().lower() for found in self.parameters if found.name == name), "")


def meta_of(headers: Sequence[tuple[str, bytes]], default: str = "text/plain") -> Meta:
    """What headers say, given as names in lower case and raw values; `default` is the type of a part that names none (RFC 2046 §5.1.5)."""
    own = tuple((at, name, value) for at, (name, value) in enumerate(headers) if name in _CONTENT)
    if not own:
        return _PLAIN if default == "text/plain" else _meta((), default)
    first = _meta(own, default)
    twice = len({name for _, name, _ in own}) < len(own)
    if not twice:
        return first
    last = _meta(own[::-1], default)
    differs = (first.kind, first.charset, first.encoding) != (last.kind, last.charset, last.encoding)
    boundaries = tuple(dict.fromkeys((*first.boundaries, *last.boundaries)))
    main = first if first.boundaries or not last.boundaries else last
    return Meta(
        main.main, main.sub, main.charset, boundaries, main.encoding, main.disposition, main.parameters,
        tuple(sorted(dict.fromkeys((*first.names, *last.names)))), (last if main is first else first) if differs else None,
    )  # fmt: skip


def _meta(own: Sequence[tuple[int, str, bytes]], default: str) -> Meta:
    main, _, sub = default.partition("/")
    parameters: tuple[Parameter, ...] = ()
    encoding = disposition = ""
    is_typed = is_encoded = is_disposed = False
    names: list[tuple[int, Parameter]] = []
    for at, header, raw in own:
        if header == "content-transfer-encoding":
            encoding, is_encoded = (encoding if is_encoded else _word(raw)), True
            continue
        found = parameters_of(raw)
        names += ((at, parameter) for parameter in found if parameter.name in _NAMES)
        if header == "content-disposition":
            disposition, is_disposed = (disposition if is_disposed else _word(raw)), True
        elif not is_typed:
            is_typed, parameters = True, found
            main, sub = _type(raw, has_boundary=any(parameter.name == "boundary" for parameter in found))
    boundaries = tuple(found.data.rstrip() for found in parameters if found.name == "boundary") if main == "multipart" else ()
    charset = next((found.data.decode("latin-1").strip().strip("\"'").lower() for found in parameters if found.name == "charset"), "")
    return Meta(main, sub, charset, boundaries, encoding, disposition, parameters, tuple(names))


def _type(raw: bytes, *, has_boundary: bool) -> tuple[str, str]:
    text = uncommented(raw.decode("latin-1"))
    found = _TYPE.match(text)
    if found:
        return found[1].lower(), found[2].lower()
    return ("multipart", "mixed") if has_boundary and text.strip().lower().startswith("multipart") else ("text", "plain")


def _word(raw: bytes) -> str:
    """The one word of a header, without comments, quotes and what stands behind it."""
    text = uncommented(raw.decode("latin-1")).strip()
    return re.split(r'[;,\s"]', text.lstrip('"'), maxsplit=1)[0].lower()


def uncommented(text: str) -> str:
    """The text on one line and without its comments; what is in quotes stays."""
    if "\n" in text or "\r" in text:
        text = _FOLD.sub("", text)
    return _COMMENT.sub(lambda found: found[1] or " ", text) if "(" in text else text


@lru_cache(maxsize=512)
def parameters_of(raw: bytes) -> tuple[Parameter, ...]:
    """The parameters of a header in the order of their names' first mention; what stands in several pieces is put together.

    A name that is given plainly and by RFC 2231 gives two: programs choose differently.
    """
    text = uncommented(raw.decode("latin-1"))
    if _TYPE.match(text) and ";" not in text and "," in text:
        text = text.replace(",", ";", 1)
    pieces: dict[tuple[str, bool], list[tuple[int, bool, str]]] = {}
    for name, number, star, quoted, bare in _PARAMETER.findall(text):
        value = _ESCAPED.sub(r"\1", quoted) if quoted else bare.strip()
        is_extended = bool(number or star)
        pieces.setdefault((name.lower(), is_extended), []).append((int(number or 0), bool(star), value))
    return tuple(parameter for (name, is_extended), found in pieces.items() for parameter in _joined(name, found, is_extended=is_extended))


def _joined(name: str, pieces: list[tuple[int, bool, str]], *, is_extended: bool) -> Iterator[Parameter]:
    if not is_extended:
        yield from (Parameter(name, value.encode("latin-1")) for _, _, value in pieces)
        return
    charset = ""
    data = b""
    for position, (_, is_escaped, value) in enumerate(sorted(pieces, key=lambda piece: piece[0])):
        written = value
        if position == 0 and is_escaped and (found := _LANGUAGE.fullmatch(value)):
            charset, written = found[1].lower(), found[2]
        encoded = written.encode("latin-1")
        data += _PERCENT.sub(lambda code: bytes((int(code[1], 16),)), encoded) if is_escaped else encoded
    yield Parameter(name, data, charset)


_PLAIN = Meta()
