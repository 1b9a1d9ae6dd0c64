"""Where in a mail a text stands: which header it is, and whether its writer says it or only repeats it.

What is quoted is told by signs that programs write and people hardly ever do; in doubt a text is its writer's own. Only mails in which somebody was
found are looked at for it: their bodies are read once more, from the top to the last place that counts.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import BinaryIO

from dsr_engine.content.format import Reading
from dsr_engine.content.mail.quoting import quoted_paragraphs, repeats
from dsr_engine.domain.correspondence import ATTACHMENT, BODY, HEADER, QUOTED, RECIPIENT, SENDER, Envelope
from dsr_engine.domain.record import Unit
from dsr_engine.domain.system import Manifest
from dsr_engine.drivers.mailstore.message import is_mail, read_message
from dsr_engine.drivers.mailstore.sorting import DELIVERED, ENVELOPE_SENDER, envelope_of, header_named, is_header, owned
from dsr_engine.drivers.mailstore.store import Mail

_SENDERS = frozenset(
    {"from", "sender", "reply-to", "return-path", "errors-to", "resent-from", "resent-sender", "resent-reply-to", "x-envelope-from", ENVELOPE_SENDER}
)
_RECIPIENTS = frozenset({"to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc", "mail-followup-to"}) | DELIVERED
#: Headers that say what the mail is about: its writer wrote them as he wrote the text.
_CONTENT = frozenset({"subject", "comments", "keywords", "thread-topic"})
#: What Outlook's files call the same (MS-OXPROPS), and the name of a mail's own file.
_OF_OUTLOOK = {
    **dict.fromkeys(("from", "sender"), SENDER),
    **dict.fromkeys(("recipient", "to", "cc", "bcc"), RECIPIENT),
    **dict.fromkeys(("property", "message_id", "file"), HEADER),
}
#: Of a text that is looked at for what is quoted in it: lines or paragraphs, characters of each. Beyond, it is the writer's own.
_MOST, _LONGEST, _PAGE = 100_000, 1_000, 10_000


def role_of(unit: Unit) -> str:
    """The role of a text by its place; nothing is told about what is quoted."""
    if unit.inside:
        return ATTACHMENT
    if is_header(unit.place):
        return _of_header(header_named(unit.place))
    word = re.split(r"[/.:]", unit.place, maxsplit=1)[0]
    return HEADER if "/part-header:" in unit.place else _OF_OUTLOOK.get(word, BODY)


def standing(units: Sequence[Unit], mail: Mail, reading: Reading, owner: str, manifest: Manifest) -> tuple[tuple[Unit, ...], Envelope | None]:
    """The texts of a mail, each with its role, and what its headers say. Nothing is told of a file that is no mail."""
    if not (is_mail(mail.open, mail.file) or mail.file.lower().endswith(".msg")):
        return tuple(units), None
    headers = () if any(unit.place.startswith("header:") for unit in units) else _headers(mail, reading)
    envelope = envelope_of((*units, *headers), manifest.own_domains, owner, manifest.own_mail)
    return with_roles([owned(unit, manifest.own_mail) for unit in units], mail.open, reading), envelope


def envelope_alone(mail: Mail, reading: Reading, manifest: Manifest) -> Envelope | None:
    """What the headers of a mail say that is found by its age."""
    if not is_mail(mail.open, mail.file):
        return None
    return envelope_of(_headers(mail, reading), manifest.own_domains, "", ())


def _headers(mail: Mail, reading: Reading) -> tuple[Unit, ...]:
    """All headers of a mail; they come before anything else in it."""
    found = takewhile(lambda got: isinstance(got, Unit) and is_header(got.place), read_message(mail.open, replace(reading, gate=None)))
    return tuple(got for got in found if isinstance(got, Unit))


def with_roles(units: Sequence[Unit], open_file: Callable[[], BinaryIO], reading: Reading) -> tuple[Unit, ...]:
    """The texts of a mail, each with its role. Raises what `open_file` raises."""
    placed = [replace(unit, role=role_of(unit)) for unit in units]
    bodies = {unit.place for unit in placed if unit.role == BODY and not is_header(unit.place)}
    quoted = _quoted(bodies, open_file, reading) if bodies else frozenset()
    return tuple(replace(unit, role=QUOTED) if unit.role == BODY and unit.place in quoted else unit for unit in placed)


def _of_header(name: str) -> str:
    if name in _SENDERS:
        return SENDER
    if name in _RECIPIENTS:
        return RECIPIENT
    return BODY if name in _CONTENT else HEADER


def _quoted(places: set[str], open_file: Callable[[], BinaryIO], reading: Reading) -> frozenset[str]:
    """Which of these places of bodies are repeated from an earlier mail."""
    by_part: dict[str, set[str]] = {}
    for place in places:
        part, _, local = place.partition("/")
        by_part.setdefault(part, set()).add(local)
    found: set[str] = set()
    for part, texts in _texts(open_file, replace(reading, gate=None), set(by_part)):
        below = repeats([text for _, text in texts], is_prose=any(local.startswith("p:") for local, _ in texts))
        repeated = {local for (local, _), is_below in zip(texts, below, strict=True) if is_below}
        if any(local.startswith(("p:", "attribute:")) for local in by_part[part]):
            repeated |= quoted_paragraphs(open_file, part, reading)
        found.update(f"{part}/{local}" for local in by_part[part] if _begins_in(local, repeated))
    return frozenset(found)


def _texts(open_file: Callable[[], BinaryIO], reading: Reading, wanted: set[str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The lines or paragraphs of each wanted part of the mail's own bodies, in the order in which they are read."""
    part, texts = "", list[tuple[str, str]]()
    left = set(wanted)
    for unit in read_message(open_file, reading):
        if not isinstance(unit, Unit):
            continue
        name, _, local = unit.place.partition("/")
        if name != part:
            if part in left:
                left.discard(part)
                yield part, _in_order(texts)
                if not left:
                    return
            part, texts = name, []
        if name in left and not unit.inside and len(texts) < _MOST and _is_text(local):
            texts.append((local, unit.text[: _LONGEST if local.startswith("line:") else _PAGE]))
    if part in left:
        yield part, _in_order(texts)


def _is_text(local: str) -> bool:
    word, _, number = local.partition(":")
    return word in ("line", "p") and number.isdecimal()


def _in_order(texts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """In the order in which they begin: a paragraph around others is read after them."""
    return sorted(texts, key=lambda entry: int(entry[0].partition(":")[2]))


def _begins_in(local: str, repeated: set[str] | frozenset[str]) -> bool:
    """True if a place begins in one of these: a line or paragraph. What lies over several lines stands where it begins."""
    word, _, number = local.partition("/")[0].partition(":")
    first = number.partition("-")[0]
    return f"{'line' if word == 'wrap' else word}:{first}" in repeated
