"""What a mail repeats of earlier mails, by the signs that mail programs leave: `>` before lines, a line that says who wrote, a block of headers, and
elements of HTML that hold nothing else.

No standard marks a quotation in plain text (RFC 3676 §4.5 only counts the `>`), so this knows conventions. Whatever shows none of them is taken for
the writer's own words: an own word that was called a quotation would fall under a rule that was not meant for it.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing

from dsr_engine.content.charset import as_utf8
from dsr_engine.content.documents.html_file import script_of
from dsr_engine.content.documents.html_stream import HtmlStream
from dsr_engine.content.documents.markup_blocks import Blocks
from dsr_engine.content.documents.xml_stream import Event, Start, Text
from dsr_engine.content.format import Opener, Reading, Unreadable
from dsr_engine.content.mail.mime_encoding import body_of
from dsr_engine.content.mail.mime_structure import structure_of
from dsr_engine.content.stream import opened

#: A quoted line; `>From ` is what mbox makes of a line that begins with From.
_MARKED = re.compile(r"\s{0,3}>(?!>*From )")
_PREFIX = re.compile(r"[\s>|*_]*")
_LINE_BETWEEN = re.compile(
    r"\W{0,3}[-_=]{2,}\s*(?:original message|original appointment|forwarded message|forwarded by .{1,200}|begin forwarded message|"
    r"urspr(?:ü|ue)ngliche nachricht|originalnachricht|weitergeleitete nachricht|message d.origine|message original|message transf[eé]r[eé]|"
    r"mensaje original|mensaje reenviado|messaggio originale|messaggio inoltrato|oorspronkelijk bericht|doorgestuurd bericht|"
    r"mensagem original|ursprungligt meddelande|oprindelig meddelelse|wiadomość oryginalna)\s*:?\s*[-_=]{2,}\W{0,3}",
    re.IGNORECASE,
)
_FROM = re.compile(r"(?:from|von|de|da|van|fra|från|od)\s?:\s*\S", re.IGNORECASE)
_OTHER_LABELS = tuple(
    re.compile(rf"(?:{labels})\s?:", re.IGNORECASE)
    for labels in (
        "sent|date|gesendet|datum|envoyé|enviado|fecha|inviato|data|verzonden|sendt|dato|skickat|wysłano",
        "to|an|à|para|a|aan|til|till|do",
        "subject|betreff|objet|asunto|oggetto|onderwerp|assunto|emne|ämne|temat",
    )
)
_WROTE = re.compile(
    r"(?:on|am|le|el|il|op|den|em|dnia)\b.{4,500}\b(?:wrote|schrieb(?: .{1,200})?|a écrit|escribió|ha scritto|schreef(?: .{1,200})?|skrev|escreveu|"
    r"napisał(?:\(a\))?)\s?:",
    re.IGNORECASE,
)
#: What says that such a line is a mail program's: an address, a time of day or a year.
_DATED = re.compile(r"<[^<>@\s]+@[^<>\s]+>|\b\d{1,2}[:.]\d{2}\b|\b(?:19|20)\d{2}\b")
#: Lines in which a block of headers has its other ones, and over which a line that says who wrote may be folded.
_NEAR, _FOLDS = 6, 3

_CLASSES = frozenset({"gmail_quote", "gmail_quote_container", "gmail_attr", "yahoo_quoted", "moz-cite-prefix", "protonmail_quote", "tutanota_quote"})
#: From such an element on, everything in the page is an earlier mail (Outlook).
_FROM_HERE = frozenset({"divrplyfwdmsg", "appendonsend", "x_divrplyfwdmsg", "x_appendonsend"})


def repeats(texts: Sequence[str], *, is_prose: bool) -> list[bool]:
    """Which of these lines of a text (or, `is_prose`, paragraphs of a page) are repeated from an earlier mail. As many as there are texts."""
    return _paragraphs(texts) if is_prose else _lines(texts)


def _lines(lines: Sequence[str]) -> list[bool]:
    found = [bool(_MARKED.match(line)) for line in lines]
    for index, line in enumerate(lines):
        if found[index]:
            continue
        if _LINE_BETWEEN.fullmatch(line.strip()) or _is_block(lines, index):
            return [*found[:index], *[True] * (len(lines) - index)]
        folds = _attribution(lines, index)
        if not folds:
            continue
        found[index : index + folds] = [True] * folds
        after = next((at for at in range(index + folds, len(lines)) if lines[at].strip()), None)
        if after is not None and not found[after]:
            return [*found[:index], *[True] * (len(lines) - index)]
    return found


def _paragraphs(texts: Sequence[str]) -> list[bool]:
    found = []
    is_below = False
    for text in texts:
        lines = [line for line in text.splitlines() if line.strip()]
        begins = next((at for at in range(len(lines)) if _LINE_BETWEEN.fullmatch(lines[at].strip()) or _is_block(lines, at)), None)
        is_said = bool(lines) and 0 < _attribution(lines, 0) == len(lines)
        found.append(is_below or begins == 0 or is_said or (bool(lines) and all(_MARKED.match(line) for line in lines)))
        is_below = is_below or begins is not None
    return found


def _is_block(lines: Sequence[str], index: int) -> bool:
    """True where a block of headers begins, as programs put it before a mail that they repeat: who, and two of when, to whom, about what."""
    if not _FROM.match(_bare(lines[index])):
        return False
    near = []
    for line in lines[index + 1 : index + 1 + _NEAR]:
        if not line.strip():
            break
        near.append(_bare(line))
    return sum(any(label.match(line) for line in near) for label in _OTHER_LABELS) >= 2


def _bare(line: str) -> str:
    return line[_PREFIX.match(line).end() :].replace("*", "")  # type: ignore[union-attr]  # the pattern matches nothing, too


def _attribution(lines: Sequence[str], index: int) -> int:
    """How many lines from here on say who wrote what follows; 0 if none does."""
    said = ""
    for folds, line in enumerate(lines[index : index + _FOLDS], 1):
        if not line.strip():
            return 0
        said = f"{said} {line.strip()}".strip()
        if _WROTE.fullmatch(said) and _DATED.search(said):
            return folds
    return 0


def quoted_paragraphs(open_file: Opener, part: str, reading: Reading) -> frozenset[str]:
    """The places (`p:3`, `attribute:7`) of the HTML in this part of a mail (`part:2`) that lie in elements which hold an earlier mail."""
    try:
        mail = structure_of(open_file, reading.limits)
        leaf = next((leaf for leaf in mail.parts if f"{leaf.kind}:{leaf.number}" == part), None)
        if leaf is None:
            return frozenset()
        encoding = leaf.meta.encoding
        content = body_of(open_file, leaf.start, leaf.end, encoding)
        script = script_of(content, leaf.meta.charset)
        with closing(opened(as_utf8(content, script.charset))) as source:
            return _Quotes(reading.limits.line_bytes).of(HtmlStream(source, reading.limits.line_bytes, script.written))
    except Unreadable:
        return frozenset()


class _Quotes(Blocks):
    """Numbers passages as `Blocks` does, and notes which of them begin in a quotation."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._places: set[str] = set()
        self._depth = 0

    def of(self, page: HtmlStream) -> frozenset[str]:
        for _ in self.passages(self._watched(page.events())):
            pass
        return frozenset(self._places)

    def _watched(self, events: Iterator[Event]) -> Iterator[Event]:
        """The events, with the depth below the outermost quotation kept up; a negative one never ends."""
        for event in events:
            if isinstance(event, Start):
                if self._depth < 0 or _begins_rest(event):
                    self._depth = -1
                elif self._depth or _is_quotation(event):
                    self._depth += 1
            yield event
            if not isinstance(event, Start | Text) and self._depth > 0:
                self._depth -= 1

    def _numbered(self, word: str) -> str:
        place = super()._numbered(word)
        if self._depth:
            self._places.add(place)
        return place

    def _begin(self, depth: int) -> None:
        super()._begin(depth)
        if self._depth:
            self._places.add(f"p:{self._numbers['p']}")


def _is_quotation(start: Start) -> bool:
    attributes = _attributes(start)
    if not _CLASSES.isdisjoint(attributes.get("class", "").split()):
        return True
    return start.name.local.lower() == "blockquote" and (attributes.get("type", "") == "cite" or "cite" in attributes)


def _begins_rest(start: Start) -> bool:
    return _attributes(start).get("id", "") in _FROM_HERE


def _attributes(start: Start) -> dict[str, str]:
    return {attribute.name.local.lower(): attribute.value.text.lower() for attribute in start.attributes}
