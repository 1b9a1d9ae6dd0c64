"""One part of a mail with what its headers say about it: how it is decoded, what it is called, what of it cannot be read."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from dsr_engine.content.charset import Charset, as_utf8, detected, is_guessed
from dsr_engine.content.charset_guess import is_told
from dsr_engine.content.detect import container_of
from dsr_engine.content.format import Opener, Reading
from dsr_engine.content.leftover import hides_ascii, is_all_base64, single_bytes, stray_lines
from dsr_engine.content.mail.mime_encoding import body_of, is_known, is_plain
from dsr_engine.content.mail.mime_meta import Meta
from dsr_engine.content.mail.mime_structure import Part
from dsr_engine.content.mail.mime_words import parameter_text
from dsr_engine.content.places import inside
from dsr_engine.content.stream import head_of
from dsr_engine.domain.record import Gap, Unit

_BODIES = frozenset({"plain", "html", "enriched", "richtext", "markdown", "x-amp-html"})
#: Those of which people see a page and not its text. `x-amp-html` is what Gmail shows in place of HTML.
_PAGES = frozenset({"html", "enriched", "richtext", "x-amp-html"})
#: What a content type says of a part that has no telling name. The content still decides.
_NAMES = {
    "message": "message.eml", "text/rfc822-headers": "message.eml", "text/html": "page.html", "text/x-amp-html": "page.html",
    "application/xhtml+xml": "page.xhtml",
}  # fmt: skip
#: Parts that are a mail, whatever they look like.
_MAILS = frozenset({"message/rfc822", "message/global", "message/news", "message/rfc822-headers", "message/global-headers", "text/rfc822-headers"})
_TABLES = frozenset({"csv", "tsv", "tab", "psv", "jsonl", "ndjson"})
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_HEAD = 65536
#: A part's own headers in places, apart from those of a message that is attached (`part:3/header:from`).
OWN = "part-header"


@dataclass(frozen=True)
class Leaf:
    """One part. Its properties are worked out once."""

    open_file: Opener
    part: Part
    reading: Reading

    @property
    def meta(self) -> Meta:
        return self.part.meta

    @property
    def place(self) -> str:
        return f"{self.part.kind}:{self.part.number}"

    @cached_property
    def encoding(self) -> str:
        """The transfer encoding. The text around the parts of a multipart has none."""
        if self.part.kind == "preamble":
            return ""
        return self.meta.encoding

    @cached_property
    def is_hidden_multipart(self) -> bool:
        """True for a multipart that is encoded as a whole."""
        meta = self.meta
        if self.part.kind == "preamble" or meta.main != "multipart" or is_plain(meta.encoding) or not is_known(meta.encoding):
            return False
        head = head_of(body_of(self.open_file, self.part.start, self.part.end, meta.encoding), _HEAD)
        return any(b"--" + boundary in head for boundary in meta.boundaries)

    @cached_property
    def is_body(self) -> bool:
        """True for text that is shown as the message itself."""
        if self.part.kind == "preamble":
            return True
        return (self.meta.main == "multipart" or self.meta.sub in _BODIES) and not self.is_attachment

    @property
    def is_page(self) -> bool:
        """True for a body whose tags are not shown (RFC 2854, RFC 1896)."""
        return self.is_body and self.part.kind == "part" and self.meta.main == "text" and self.meta.sub in _PAGES

    @property
    def is_flowed(self) -> bool:
        """True for a text whose lines are joined without the space that ends them (RFC 3676)."""
        return self.part.kind == "part" and self.meta.parameter("delsp") == "yes"

    @property
    def is_mail(self) -> bool:
        """True for a mail in the mail."""
        return self.part.kind == "part" and self.meta.kind in _MAILS

    @cached_property
    def is_attachment(self) -> bool:
        """True for a file or a message that is sent along: a sub-record of its own."""
        meta = self.meta
        if self.part.kind == "preamble":
            return False
        if meta.main == "multipart":  # one without parts
            return False
        return meta.main != "text" or meta.sub not in _BODIES or meta.disposition == "attachment" or bool(self.file_names)

    @property
    def is_sealed(self) -> bool:
        """True for what says that it is sealed, and is nothing that could be opened: how it is written is not known."""
        return self.part.kind == "part" and self.meta.kind in _SEALED and container_of(self.head) != "cms"

    @property
    def is_encrypted(self) -> bool:
        return self.is_sealed or (self.part.kind == "part" and self.meta.kind == "application/pgp-encrypted")

    @cached_property
    def file_names(self) -> tuple[str, ...]:
        """The names that the part has for its programs, each once; that of the disposition first (RFC 2183 §2.3)."""
        if self.part.kind != "part" or not self.meta.names:
            return ()
        headers = self.part.headers
        ordered = sorted(self.meta.names, key=lambda found: headers[found[0]].name != "content-disposition")
        gate = self.reading.gate
        return tuple(name for name in dict.fromkeys(parameter_text(parameter, gate) for _, parameter in ordered) if name)

    @property
    def inside(self) -> str:
        return inside(self.reading, self.place) if self.is_attachment else inside(self.reading)

    @property
    def inner(self) -> Reading:
        """How the content is read. A message in a message, and a page without a beginning, say so by their names."""
        name = _NAMES.get(self.meta.main) or (self.file_names[0] if self.file_names else "")
        if name.lower().rpartition(".")[2] not in _TABLES:
            name = _NAMES.get(self.meta.kind, name)
        depth = self.reading.depth + 1 if not self.is_mail or not is_plain(self.encoding) else max(1, self.reading.depth)
        return replace(self.reading, prefix=f"{self.reading.prefix}{self.place}/", depth=depth, name=name)

    @cached_property
    def head(self) -> bytes:
        """How the decoded content begins."""
        return head_of(self.content(None), _HEAD)

    @cached_property
    def charset(self) -> Charset | None:
        """The charset of a text part; None for other content, whatever it is called."""
        if self.is_hidden_multipart or (self.part.kind == "part" and self.meta.main not in ("text", "multipart")):
            return None
        is_text = self.is_body and not self.is_page and self.head.isascii()
        if not is_text and container_of(self.head):
            return None
        charset = detected(self.head, self.meta.charset)
        return Charset() if charset is None and self.is_body and is_plain(self.encoding) else charset

    @property
    def is_doubtful(self) -> bool:
        """True for a text that is not valid in the charset that it names: somebody named the wrong one."""
        charset = self.charset
        if charset is None or not charset.wide:
            return False
        try:
            codecs.getincrementaldecoder(charset.wide)("strict").decode(self.head[len(charset.bom) :])
        except UnicodeDecodeError:
            return True
        return False

    def content(self, charset: Charset | None) -> Opener:
        """The decoded content; as UTF-8 where its charset is given."""
        body = body_of(self.open_file, self.part.start, self.part.end, self.encoding)
        return body if charset is None else as_utf8(body, charset)

    @property
    def is_clean(self) -> bool:
        """True if decoding the content and encoding it again loses nothing."""
        if self.encoding == "quoted-printable":
            head = head_of(body_of(self.open_file, self.part.start, self.part.end, ""), _HEAD)
            return head.count(b"\r") == head.count(b"\r\n")
        return self.encoding != "base64" or is_all_base64(self.open_file, self.part.start, self.part.end)

    def leftovers(self) -> Iterator[Unit]:
        """What only shows when the bytes are looked at once more, without the charset or the transfer encoding that the headers claim."""
        found: list[Iterator[Unit]] = []
        charset = self.charset
        if charset is not None and hides_ascii(charset):
            found.append(single_bytes(self.content(None), self.inner))
        if self.encoding == "base64":
            found.append(stray_lines(self.open_file, self.part.start, self.part.end, self.inner))
        yield from (replace(unit, inside=self.inside) for unit in chain.from_iterable(found))

    def gaps(self) -> Iterator[Gap]:
        """What of the part nobody can read here."""
        collection = self.reading.collection
        if self.is_encrypted:
            yield Gap(collection, "mime.encrypted", "a part of a mail is encrypted; it was not read")
        if not is_known(self.encoding):
            yield Gap(collection, "mime.encoding", "a part of a mail has a transfer encoding that is not known; its bytes were searched as they are")
        if self.part.kind == "part" and self.meta.kind == "message/partial":
            yield Gap(collection, "mime.partial", "a mail is one piece of a longer one (message/partial); a name that is cut between two is not seen")
        if self.part.kind == "part" and self.meta.kind == "message/external-body":
            yield Gap(collection, "mime.external", "the content of a part lies outside of its mail (message/external-body); it was not read")
        if self.part.kind == "part" and self.meta.kind == "application/mac-binhex40":
            yield Gap(collection, "mime.binhex", "a part of a mail is in BinHex; only its bytes were searched")
        charset = self.charset
        if charset is not None and not charset.wide and is_guessed(self.head) and not is_told(self.head):
            yield Gap(collection, "text.charset_unknown", "a text is in a charset that could not be told; only what is ASCII in it was searched")
