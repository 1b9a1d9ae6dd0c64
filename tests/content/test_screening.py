"""Whatever passes the gate alone passes among others: a mail that is looked over with a hundred more is not missed."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content import screening
from dsr_engine.content.files import FILES
from dsr_engine.content.format import Budget, Limits, Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.screening import Noting, passes_any, passing
from dsr_engine.domain.record import Unit
from tests.content.mail_corpus import PEOPLE, encoded_words, raw_headers
from tests.content.mail_corpus_bodies import broken_structures, charsets, structures, transfer_encodings
from tests.content.people import JANE, KEY_17, selector
from tests.content.planted import planted

MATCHERS = {
    "one": Matcher({"case": JANE}),
    "a key": Matcher({"case": (KEY_17,)}),
    "not latin": Matcher({"case": (selector("name", "Дарья Иванова"), selector("email", "дарья@пример.рф"))}),
    "ahocorasick": Matcher({"case": JANE}, "ahocorasick"),
}
CHARSETS = ("utf-8", "cp1251", "utf-16-le", "utf-16-be", "koi8-r", "cp1252", "iso2022_jp", "gb18030")

#: Neighbours that could do harm: half a character, an open escape, digits of base64 and hex at an edge, zeros, a charset of its own.
HARMFUL = (
    b"",
    b"ab",
    b"QUJD" * 20,
    b"QUJDR",
    b"4a616e65",
    b"\xff\xfe",
    b"\xc3",
    b"\x1b$B",
    b"\0",
    b"a\0b\0",
    b"%",
    b"&#7",
    b"=?utf-8?B?",
    b"=\r\n",
    b"\xe4\xf6\xfc",
    "日本".encode("shift_jis"),
)
_neighbours = st.lists(st.one_of(st.sampled_from(HARMFUL), st.binary(max_size=60), st.text(max_size=40).map(str.encode)), max_size=6)


def noted(name: str, buffers: Sequence[bytes] = (), texts: Sequence[str] = ()) -> Noting:
    note = Noting(MATCHERS[name].gate)
    assert not any(note.passes(data) for data in buffers)
    assert not any(note.passes_text(text) for text in texts)
    assert all(note.hits(data) == () for data in buffers)
    return note


@given(planted, st.sampled_from(CHARSETS), _neighbours, _neighbours, st.sampled_from(sorted(MATCHERS)))
@settings(deadline=None, max_examples=400)
def test_bytes_that_pass_alone_pass_among_others(
    parts: tuple[str, str, str], charset: str, before: list[bytes], after: list[bytes], name: str
) -> None:
    data = "".join(parts).encode(charset, "ignore")
    gate = MATCHERS[name].gate
    if gate.passes(data):
        assert passes_any(gate, [noted(name, before), noted(name, [data]), noted(name, after)])


@given(planted, _neighbours, _neighbours, st.sampled_from(sorted(MATCHERS)))
@settings(deadline=None, max_examples=300)
def test_a_text_that_passes_alone_passes_among_others(parts: tuple[str, str, str], before: list[bytes], after: list[bytes], name: str) -> None:
    text = "".join(parts)
    gate = MATCHERS[name].gate
    others = [[data.decode("utf-8", "surrogateescape") for data in side] for side in (before, after)]
    if gate.passes_text(text):
        assert passes_any(gate, [noted(name, texts=others[0]), noted(name, texts=[text]), noted(name, texts=others[1])])


@given(planted, st.lists(_neighbours, min_size=1, max_size=12), st.integers(0, 11), st.sampled_from(sorted(MATCHERS)))
@settings(deadline=None, max_examples=100)
def test_of_many_notes_those_pass_that_hold_something_that_passes(
    parts: tuple[str, str, str], others: list[list[bytes]], place: int, name: str
) -> None:
    gate = MATCHERS[name].gate
    others[place % len(others)].append("".join(parts).encode())
    notes = [noted(name, texts=[data.decode("utf-8", "replace") for data in some[::2]], buffers=some[1::2]) for some in others]
    alone = {at for at, note in enumerate(notes) if any(map(gate.passes, note.noted[0])) or any(map(gate.passes_text, note.noted[1]))}
    assert passing(gate, notes) == alone
    assert passes_any(gate, notes) >= bool(alone)


def test_a_note_that_passed_before_it_is_judged_passes() -> None:
    notes = [noted("one", [b"nobody"]) for _ in range(3)]
    notes[1].passed = True
    assert passing(MATCHERS["one"].gate, notes) == {1}


@pytest.mark.parametrize("text", ["no 17 is due", "17", "id=17;", "&#49;7"])
def test_a_short_key_passes_as_a_word_of_its_own_among_others(text: str) -> None:
    gate = MATCHERS["a key"].gate
    assert gate.passes_text(text)
    assert passes_any(gate, [noted("a key", texts=["1"]), noted("a key", texts=[text]), noted("a key", texts=["7"])])


def test_what_is_noted_beyond_the_bound_is_asked_about_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "_MOST", 10_000)
    gate = MATCHERS["one"].gate
    note = noted("one", [b"jane.doe@example.com", *[b"nobody in particular " * 100] * 20])
    assert note.size > 2 * 20_000
    assert sum(map(len, note.noted[0])) <= 12_000
    assert passes_any(gate, [note])


LETTERS = [letter for maker in (encoded_words, raw_headers, charsets, transfer_encodings, structures, broken_structures) for letter in maker()]


def units(raw: bytes, gate: object) -> list[object]:
    reading = Reading("INBOX", gate, budget=Budget(Limits()))  # type: ignore[arg-type]  # both gates are used in the same way
    return [found for found in FILES.formats["mime"].read(lambda: io.BytesIO(raw), reading) if isinstance(found, Unit)]


def test_no_mail_of_the_corpus_in_which_somebody_is_found_is_looked_over() -> None:
    matcher = Matcher(dict(PEOPLE))
    missed, found = [], 0
    for letter in LETTERS:
        note = Noting(matcher.gate)
        assert units(letter.data, note) == []
        if units(letter.data, matcher.gate):
            found += 1
            missed += [] if passes_any(matcher.gate, [note]) else [letter.name]
    assert found > 100
    assert missed == []
