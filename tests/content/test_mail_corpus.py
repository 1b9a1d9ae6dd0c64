"""The small corpus of mails: exactly those people are found who are in a mail, and after an erasure nobody finds them, however it reads the mail."""

import email
import email.policy
import io
from collections.abc import Callable, Iterator
from email.header import decode_header, make_header
from functools import partial

import pytest

from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.finding import Finding
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Gap, Locator, Record, Unit
from dsr_engine.drivers.mailstore.message import read_message, write_message
from tests.content.mail_corpus import PEOPLE, Letter, encoded_words, raw_headers
from tests.content.mail_corpus_bodies import broken_structures, charsets, structures, transfer_encodings

_MATCHER = Matcher(PEOPLE)
_SOURCES: tuple[Callable[[], Iterator[Letter]], ...] = (encoded_words, raw_headers, charsets, transfer_encodings, structures, broken_structures)
LETTERS = tuple(letter for source in _SOURCES for letter in source())
_named = pytest.mark.parametrize("letter", LETTERS, ids=[letter.name for letter in LETTERS])


def _looked(data: bytes) -> tuple[tuple[Finding, ...], tuple[Unit, ...], list[str]]:
    got = list(read_message(lambda: io.BytesIO(data), Reading("mail", _MATCHER.gate)))
    units = tuple(unit for unit in got if isinstance(unit, Unit))
    findings = _MATCHER.findings(Record(Locator("mail", "INBOX", ("1",)), units, "server"))
    return findings, units, [gap.code for gap in got if isinstance(gap, Gap)]


def _places(data: bytes, who: str) -> tuple[set[str], bool]:
    """Where the person stands, and whether all of it can be rewritten."""
    findings, units, _ = _looked(data)
    places = {hit.place for finding in findings if finding.case == who for hit in finding.hits}
    return places, places.isdisjoint(unit.place for unit in units if unit.is_opaque)


def _erased(data: bytes, who: str) -> bytes:
    """The mail after as many rounds as verification takes; raises `NotSupported` where a rewrite is refused."""
    for _ in range(3):
        places, can_be_rewritten = _places(data, who)
        if not places:
            return data
        if not can_be_rewritten:
            raise NotSupported("bytes of unknown shape", code="format.cannot_rewrite")
        sink = io.BytesIO()
        edits = [Edit(place, RedactSpans()) for place in sorted(places)]
        write_message(partial(io.BytesIO, data), sink, edits, CaseRewriter(_MATCHER, who, b"k" * 32), Reading("mail", None))
        data = sink.getvalue()
    raise AssertionError("the person is still there after three rounds")


def _as_others_read(data: bytes) -> str:
    """All headers and decoded texts as the standard library gives them."""
    said: list[str] = []
    for part in email.message_from_bytes(data, policy=email.policy.compat32).walk():
        for value in part.values():
            try:
                said.append(str(make_header(decode_header(value))))
            except (ValueError, LookupError):
                said.append(str(value))
        if isinstance(payload := part.get_payload(decode=True), bytes):
            said.append(payload.decode(_codec(part.get_content_charset()), "replace"))
    return "\n".join(said)


def _codec(name: object) -> str:
    try:
        "".encode(str(name))
    except LookupError:
        return "utf-8"
    return str(name)


def test_the_corpus_has_names_of_its_own() -> None:
    assert len({letter.name for letter in LETTERS}) == len(LETTERS)


def test_a_search_in_the_raw_bytes_finds_less_than_a_tenth_of_those_people() -> None:
    pairs = [(letter, who) for letter in LETTERS for who in letter.who]
    seen = [
        letter.name
        for letter, who in pairs
        if any(one.value.reveal().lower() in letter.data.decode("utf-8", "replace").lower() for one in PEOPLE[who])
    ]
    assert len(pairs) > 190
    assert len(seen) * 10 < len(pairs)


@_named
def test_exactly_those_are_found_who_are_in_the_mail(letter: Letter) -> None:
    findings, _, gaps = _looked(letter.data)
    assert {finding.case for finding in findings} == set(letter.who)
    assert not letter.gap or letter.gap in gaps


@_named
def test_without_edits_a_mail_is_written_as_it_is(letter: Letter) -> None:
    sink = io.BytesIO()
    write_message(lambda: io.BytesIO(letter.data), sink, (), CaseRewriter(_MATCHER, "jane", b"k" * 32), Reading("mail", None))
    assert sink.getvalue() == letter.data


@pytest.mark.parametrize("letter", [one for one in LETTERS if one.who and one.is_erasable], ids=lambda one: one.name)
def test_after_an_erasure_neither_the_engine_nor_another_reader_finds_the_person(letter: Letter) -> None:
    for who in letter.who:
        after = _erased(letter.data, who)
        assert after != letter.data
        assert not _places(after, who)[0]
        said = _as_others_read(after).lower()
        assert not any(one.value.reveal().lower() in said for one in PEOPLE[who])
        assert after.startswith((b"From: bob@example.org", b"\xef\xbb\xbfFrom: bob@example.org", b"From bob@example.org")), "headers of others stay"


@pytest.mark.parametrize("letter", [one for one in LETTERS if one.who and not one.is_erasable], ids=lambda one: one.name)
def test_what_cannot_be_rewritten_is_refused(letter: Letter) -> None:
    for who in letter.who:
        with pytest.raises(NotSupported):
            _erased(letter.data, who)
