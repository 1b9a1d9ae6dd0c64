"""The gate lets through everything that matches, whatever the bytes; and it keeps ordinary text out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.automaton import compile_literals, expanded
from dsr_engine.content.forms import UNSEEN
from dsr_engine.content.match import Matcher
from dsr_engine.domain.errors import InputWrong
from tests.content.people import EMAIL, JANE, KEY_17, selector
from tests.content.planted import around, planted

#: The second adds so many people that the gate takes its other way (compact literals in place of patterns).
CROWD = {"case": JANE, **{f"c{n}": (selector("email", f"person{n}@gmail.com"), selector("name", f"Ann{n} Example{n}")) for n in range(150)}}
MATCHERS = {
    "hyperscan": Matcher({"case": JANE}, "hyperscan"),
    "ahocorasick": Matcher({"case": JANE}, "ahocorasick"),
    "hyperscan-crowd": Matcher(CROWD, "hyperscan"),
}
CHARSETS = ("utf-8", "cp1251", "utf-16-le", "utf-16-be", "koi8-r")


@pytest.fixture(params=MATCHERS)
def matcher(request: pytest.FixtureRequest) -> Matcher:
    return MATCHERS[request.param]


@given(planted, st.sampled_from(CHARSETS), st.sampled_from(sorted(MATCHERS)))
@settings(deadline=None, max_examples=300)
def test_what_matches_passes_in_any_charset(parts: tuple[str, str, str], charset: str, name: str) -> None:
    text = "".join(parts).encode(charset, "ignore").decode(charset)
    gate = MATCHERS[name].gate
    if MATCHERS[name].spans(text):
        data = text.encode(charset)
        assert gate.passes_text(text)
        assert gate.passes(data)
        assert gate.hits(data)


@pytest.mark.parametrize("name", MATCHERS)
@pytest.mark.parametrize("charset", ["koi8-r", "mac-roman", "cp437", "cp1252"])
def test_an_escape_beside_a_no_break_space_of_any_latin_charset_is_seen(charset: str, name: str) -> None:
    data = "|%4aAN%45\xa0D%4fE|".encode(charset)
    assert MATCHERS[name].gate.passes(data)
    assert MATCHERS[name].gate.hits(data)


_NOISE = st.builds(
    lambda piece, times, escape: piece * times + escape,
    st.binary(max_size=9).map(lambda data: data + b"\xff\xfe\x81"),
    st.sampled_from((0, 1, 40, 400)),
    st.sampled_from((b"", b"%41", b"&amp;", b"\\u0041", b"a+b", b"=41", b"\\n")),
)


@given(planted, _NOISE, _NOISE, st.sampled_from(("utf-8", "koi8-r", "cp1252", "mac-roman", "cp1250")), st.sampled_from(sorted(MATCHERS)))
@settings(deadline=None, max_examples=200)
def test_what_matches_passes_amid_bytes_that_are_no_text(parts: tuple[str, str, str], before: bytes, after: bytes, charset: str, name: str) -> None:
    text = "".join(parts).encode(charset, "ignore").decode(charset)
    if MATCHERS[name].spans(text):
        data = before + b"|" + text.encode(charset) + b"|" + after
        assert MATCHERS[name].gate.passes(data)
        assert MATCHERS[name].gate.hits(data)


@given(st.text(max_size=300), st.sampled_from(sorted(MATCHERS)))
@settings(deadline=None)
def test_passes_is_true_exactly_where_there_are_hits(text: str, name: str) -> None:
    data = text.encode("utf-8", "replace")
    gate = MATCHERS[name].gate
    hits = gate.hits(data)
    assert gate.passes(data) == bool(hits)
    assert list(hits) == sorted({hit for hit in hits if 0 <= hit <= len(data)})


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_any_bytes_are_looked_at_without_error(data: bytes) -> None:
    for matcher in MATCHERS.values():
        assert matcher.gate.passes(data) == bool(matcher.gate.hits(data))


@given(around, planted, around)
@settings(deadline=None)
def test_a_hit_lies_in_or_near_what_was_planted(before: str, parts: tuple[str, str, str], after: str) -> None:
    start = len((before + parts[0]).encode())
    end = start + len(parts[1].encode())
    for matcher in MATCHERS.values():
        hits = matcher.gate.hits((before + "".join(parts) + after).encode())
        assert any(start <= hit <= end + 1 for hit in hits)


@given(planted, st.integers(0, 4000))
@settings(deadline=None)
def test_two_buffers_that_share_the_reach_miss_nothing(parts: tuple[str, str, str], cut: int) -> None:
    gate = MATCHERS["hyperscan"].gate
    data = b"- " * 900 + "".join(parts).encode() + b" -" * 900
    cut = min(cut, len(data))
    assert gate.passes(data[:cut]) or gate.passes(data[max(0, cut - gate.reach) :])


def test_ordinary_text_does_not_pass(matcher: Matcher) -> None:
    rows = "".join(f"{n},john{n}@example.org,+49 151 {n:07},John Smith,{n * 7}.00,2024-05-{n % 28 + 1:02}\n" for n in range(2_000))
    assert not matcher.gate.passes(rows.encode())
    assert not matcher.gate.passes_text(rows)


def test_one_row_among_many_is_found_where_it_is(matcher: Matcher) -> None:
    rows = [f"{n},john{n}@example.org,some text\n" for n in range(5_000)]
    rows[3_333] = f"3333,{EMAIL},some text\n"
    data = "".join(rows).encode()
    start = data.index(EMAIL.encode())
    hits = matcher.gate.hits(data)
    assert hits
    assert all(start < hit <= start + len(EMAIL) for hit in hits)


@pytest.mark.parametrize("charset", ["latin-1", "cp1250", "mac-roman", "utf-8", "utf-16-le"])
def test_a_name_with_diacritics_passes_in_its_charset(charset: str) -> None:
    for engine in ("hyperscan", "ahocorasick"):
        gate = Matcher({"case": (selector("name", "José Müller"),)}, engine).gate
        assert gate.passes("Señora JOSÉ MÜLLER.".replace("ñ", "n").encode(charset))


@pytest.mark.parametrize("charset", ["utf-8", "cp1251", "koi8-r", "utf-16-le"])
def test_a_name_in_another_script_passes_in_its_charset(charset: str) -> None:
    for engine in ("hyperscan", "ahocorasick"):
        gate = Matcher({"case": (selector("name", "Иван Петров"),)}, engine).gate
        assert gate.passes("письмо: ПЕТРОВ, Иван!".encode(charset))


def test_a_learnt_key_passes_as_a_word_of_its_own() -> None:
    for engine in ("hyperscan", "ahocorasick"):
        gate = Matcher({"case": (KEY_17,)}, engine).gate
        assert gate.passes(b"1,17,x\n")
        assert not gate.passes(b"1,170,117\n")


def test_a_gate_without_subjects_lets_nothing_through() -> None:
    for engine in ("hyperscan", "ahocorasick"):
        assert not Matcher({}, engine).gate.passes(EMAIL.encode())


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(InputWrong) as caught:
        compile_literals([b"x"], "grep")
    assert caught.value.code == "match.engine"


@given(st.binary(max_size=300).map(lambda data: data * 60))
@settings(deadline=None, max_examples=50)
def test_compact_offsets_lead_back_to_the_same_bytes(data: bytes) -> None:
    kept = [index for index, byte in enumerate(data) if byte not in UNSEEN]
    wanted = list(range(0, len(kept), 7))
    assert expanded(data, wanted) == [kept[index] for index in wanted]


def test_escapes_in_text_of_a_western_charset_are_undone(matcher: Matcher) -> None:
    assert matcher.gate.passes(b"|%4aAN%45\xa0D%4fE||")
