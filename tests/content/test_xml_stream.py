"""Events of XML know their bytes: what is read is what `ElementTree` reads, and the bytes of each character are the ones that it is written with."""

import io
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.documents.runs import Joined, cuts, splices_of
from dsr_engine.content.documents.xml_runs import XmlRun
from dsr_engine.content.documents.xml_stream import Start, Text, as_plain, events_of
from dsr_engine.content.format import Unreadable
from dsr_engine.content.stream import spliced
from tests.content.plain_words import opener

_LIMIT = 1024 * 1024
_letters = st.text(st.sampled_from("abü<&>\"' \n\t€😀]"), max_size=8)


def _referenced(text: str) -> str:
    return "".join(f"&#{ord(character)};" for character in text)


_written = st.builds(lambda text, way: (text, way(text)), _letters, st.sampled_from((escape, _referenced)))


@st.composite
def documents(draw: st.DrawFn, depth: int = 2) -> str:
    """An element with text, attributes and elements in it."""
    inner = []
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(("text", "cdata", "comment", "element" if depth else "text")))
        if kind == "text":
            inner.append(draw(_written)[1])
        elif kind == "cdata":
            inner.append(f"<![CDATA[{draw(_letters).replace(']', ' ')}]]>")
        elif kind == "comment":
            inner.append("<!-- a > < & -->")
        else:
            inner.append(draw(documents(depth - 1)))
    value = quoteattr(draw(_letters).replace("\n", " ").replace("\t", " "))
    return f"<x:e xmlns:x='urn:x' a ={value}\n>{''.join(inner)}</x:e  >"


@given(documents(), st.sampled_from(("utf-8", "utf-16", "iso-8859-15")))
@settings(deadline=None, max_examples=200)
def test_texts_attributes_and_names_are_those_that_another_parser_reads(body: str, charset: str) -> None:
    data = f'<?xml version="1.0" encoding="{charset}"?>\n{body}'.encode(charset, "xmlcharrefreplace")
    root = ElementTree.fromstring(data)
    plain, found = as_plain(opener(data))
    events = list(events_of(plain, _LIMIT, found.wide))
    texts = [event.run for event in events if isinstance(event, Text) and event.run.kind in ("text", "cdata")]
    assert "".join(run.text for run in texts).strip() == "".join(root.itertext()).strip()
    starts = [event for event in events if isinstance(event, Start)]
    assert [f"{{{start.name.namespace}}}{start.name.local}" for start in starts] == [element.tag for element in root.iter()]
    values = [attribute.value.text for start in starts for attribute in start.attributes if attribute.name.local == "a"]
    assert values == [element.get("a") for element in root.iter()]
    with plain() as source:
        whole = source.read()
    assert all(whole[run.start : run.start + len(run.raw)] == run.raw for run in texts)


@given(st.lists(_written, min_size=1, max_size=4), st.text("xyz<&\u20ac ", max_size=5), st.data())
@settings(deadline=None, max_examples=200)
def test_replacing_any_characters_replaces_them_and_nothing_else(pieces: list[tuple[str, str]], new: str, data: st.DataObject) -> None:
    body = "".join(f"<b>{raw}</b>" for _, raw in pieces)
    before = f"<a>{body}</a>".encode()
    runs: tuple[XmlRun, ...] = tuple(event.run for event in events_of(opener(before), _LIMIT) if isinstance(event, Text))
    joined = Joined(runs)
    text = joined.text
    assert text == "".join(ElementTree.fromstring(before).itertext())
    if not runs:
        return
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    now = text[:start] + new + text[end:]
    sink = io.BytesIO()
    spliced(opener(before), list(splices_of(joined.changes(now))))(sink)
    assert "".join(ElementTree.fromstring(sink.getvalue()).itertext()) == now


@given(st.text("ab [].", max_size=30), st.text("ab [].", max_size=30))
def test_cuts_turn_one_text_into_the_other(was: str, now: str) -> None:
    made, at = "", 0
    for start, end, text in cuts(was, now):
        made += was[at:start] + text
        at = end
    assert made + was[at:] == now


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'<!DOCTYPE a [<!ENTITY e "jane">]><a>&e;</a>', "xml.entities"),
        (b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><a/>', "xml.entities"),
        (b"<a><b></a>", "xml.broken"),
        (b"<a>&undefined;</a>", "xml.broken"),
        (b"<a x='1' x='2'/>", "xml.broken"),
        (b"<a><b>", "xml.broken"),
        (b"<a>" * 3000, "xml.too_deep"),
        (b"<a>" + b"".join(b"<n%d/>" % number for number in range(400_000)) + b"</a>", "xml.too_many_names"),
        (b"<a><!--" + b" " * 3 * _LIMIT, "xml.token_too_long"),
    ],
)
def test_what_is_no_xml_or_an_attack_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        list(events_of(opener(data), _LIMIT))
    assert refused.value.code == code


def test_a_text_is_read_in_pieces_and_no_character_is_cut() -> None:
    data = b"<a>" + "ü&amp;€\r\n".encode() * 300_000 + b"</a>"
    runs = [event.run for event in events_of(opener(data), _LIMIT) if isinstance(event, Text)]
    assert len(runs) > 1
    assert "".join(run.text for run in runs) == "ü&€\n" * 300_000
    assert max(len(run.raw) for run in runs) <= 2 * _LIMIT


def test_several_documents_in_one_file_are_read_as_one() -> None:
    one = b'<?xml version="1.0"?>\n<log who="a">x</log>\n'
    data = one * 40_000
    starts = [event for event in events_of(opener(data), _LIMIT) if isinstance(event, Start)]
    assert len(starts) == 40_000
    assert all(data[start.start : start.end] == b'<log who="a">' for start in starts)
