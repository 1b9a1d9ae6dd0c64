"""What is found, what is not, and what it means for a record."""

import base64
import encodings.aliases
import hashlib
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.automaton import ENGINES
from dsr_engine.content.forms import Shape, written
from dsr_engine.content.match import Matcher
from dsr_engine.domain.finding import Confidence, Finding, Match
from dsr_engine.domain.record import Locator, Record, Unit
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.domain.system import FieldMap
from tests.content.people import EMAIL, JANE, KEY_17, STRANGERS, selector
from tests.content.planted import OTHER_ALPHABET, RUNS, WAYS, around, planted

MATCHERS = {engine: Matcher({"case": JANE}, engine) for engine in ("hyperscan", "ahocorasick")}


ADDRESSES = [form.text for each in JANE for form in written(each) if form.shape is Shape.WHOLE and "@" in form.text]


@pytest.fixture(params=MATCHERS)
def matcher(request: pytest.FixtureRequest) -> Matcher:
    return MATCHERS[request.param]


def found(matcher: Matcher, text: str) -> list[str]:
    return [text[span.start : span.end] for span in matcher.spans(text)]


def record(*units: Unit, collection: str = "customers", system: str = "shop") -> Record:
    return Record(Locator(system, collection, ("1",)), units, "server", facts={"born": "1984"})


def column(name: str, text: str, **about: object) -> Unit:
    return Unit(name, text, field=FieldMap(name, **about), is_value=True)  # type: ignore[arg-type]  # keyword arguments of one dataclass


def only(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1
    return findings[0]


FRAMES = ("mailto:{},", "<{}>", '"{}"', "({})", "email={}&x", "{}.", "'{}'", "{};{}", "a {}\n", "exports/{}.csv", "{}/", "_{}_", "联系{}吧")


@pytest.mark.parametrize("text", FRAMES)
def test_an_address_is_found_between_these_boundaries(matcher: Matcher, text: str) -> None:
    written_text = text.replace("{}", EMAIL)
    assert found(matcher, written_text) == [EMAIL] * text.count("{}")


@pytest.mark.parametrize("before", ["note\n", "a\r\n", "7\n", "Smith\n\n", "x@\n"])
@pytest.mark.parametrize("value", [EMAIL, "Jane Doe", "DE89 3704 0044 0532 0130 00", "+49 170 1234567"])
def test_a_word_on_the_line_before_is_no_part_of_an_identifier(matcher: Matcher, before: str, value: str) -> None:
    assert found(matcher, f"{before}{value}\nand more") == [value]


@pytest.mark.parametrize("value", ["0170 1234567", "(0170) 123 45 67", "DE89 3704 0044 0532 0130 00", "Jane Doe", "+49 170 1234567"])
def test_a_form_that_a_browser_sent_is_read(matcher: Matcher, value: str) -> None:
    text = f"a=1&who={quote_plus(value)}&b=2"
    assert [span.kind for span in matcher.spans(text)]


@pytest.mark.parametrize("charset", sorted({*encodings.aliases.aliases.values(), "undefined", "nothing", "idna", "punycode"}))
@pytest.mark.parametrize("way", ["q", "b"])
def test_an_encoded_word_in_any_charset_ends_no_search(matcher: Matcher, charset: str, way: str) -> None:
    text = f"Subject: =?{charset}?{way}?SmFuZQ==?= {EMAIL}"
    assert EMAIL in found(matcher, text)


@pytest.mark.parametrize("text", STRANGERS)
@pytest.mark.parametrize("frame", ["{}", "before {} after", "a,{},b", "<{}>"])
def test_what_comes_close_is_somebody_else(matcher: Matcher, text: str, frame: str) -> None:
    spans = matcher.spans(frame.format(text))
    assert [span for span in spans if span.kind != "name" or "Jane" in text] == []


@pytest.mark.parametrize(("value", "encode"), WAYS, ids=lambda part: getattr(part, "__name__", "shifted") if callable(part) else part)
def test_every_writing_is_found_in_every_encoding(matcher: Matcher, value: str, encode: object) -> None:
    assert callable(encode)
    text = f"| {encode(value)} |"
    assert matcher.spans(text)
    assert matcher.gate.passes_text(text)


@pytest.mark.parametrize("encode", RUNS, ids=lambda encode: getattr(encode, "__name__", "shifted"))
@pytest.mark.parametrize("value", ["jürgen.groß@example.com", "ＪÜＲＧＥＮ.groß@example.com", "Jürgen Groß"])
@pytest.mark.parametrize("engine", ENGINES)
def test_an_identifier_that_is_not_ascii_is_found_in_runs_in_any_writing(engine: str, value: str, encode: object) -> None:
    assert callable(encode)
    selectors = (
        Selector("e", "email", Secret("jürgen.groß@example.com"), verified=True),
        Selector("n", "name", Secret("Jürgen Groß"), verified=True),
    )
    assert Matcher({"case": selectors}, engine).spans(f"| {encode(value)} |")


@given(planted)
@settings(deadline=None, max_examples=300)
def test_a_planted_identifier_is_found_and_its_neighbours_are_not_taken(parts: tuple[str, str, str]) -> None:
    before, value, after = parts
    spans = MATCHERS["hyperscan"].spans(before + value + after)
    assert spans
    assert all(len(before) <= span.start < span.end <= len(before) + len(value) for span in spans)
    assert MATCHERS["ahocorasick"].spans(before + value + after) == spans


@given(st.text(OTHER_ALPHABET + "&=%\\+/-_.@#;", max_size=300))
@settings(deadline=None)
def test_nothing_is_found_in_another_alphabet(text: str) -> None:
    assert all(matcher.spans(text) == () for matcher in MATCHERS.values())


@given(around, st.sampled_from(ADDRESSES), st.data(), around)
@settings(deadline=None)
def test_one_changed_character_makes_it_another_address(before: str, text: str, data: st.DataObject, after: str) -> None:
    place = data.draw(st.sampled_from([index for index, character in enumerate(text) if character.isalpha()]))
    other = text[:place] + ("q" if text[place] != "q" else "z") + text[place + 1 :]
    assert [span for span in MATCHERS["hyperscan"].spans(f"{before}{other}|{after}") if span.kind == "email"] == []


@given(st.text(alphabet="0123456789", min_size=11, max_size=11))
@settings(deadline=None)
def test_a_number_of_the_same_length_is_another_number(digits: str) -> None:
    text = f"tel {digits} ok"
    assert bool(MATCHERS["hyperscan"].spans(text)) == (digits == "01701234567")


@given(st.text(max_size=400))
@settings(deadline=None)
def test_any_text_is_read_without_error_and_alike_by_both_engines(text: str) -> None:
    assert MATCHERS["hyperscan"].spans(text) == MATCHERS["ahocorasick"].spans(text)


@pytest.mark.parametrize("text", ["Janet Doe, Jane Smith", "to Mary Jane, Doe Smith and Bob", "Doe, jane.q.doe@gmail.co"])
def test_the_end_of_one_name_and_the_beginning_of_the_next_are_nobody(matcher: Matcher, text: str) -> None:
    assert not matcher.spans(text)


@pytest.mark.parametrize(
    "text", ["Doe, Jane", "Mrs. Doe, Jane Marie", "Frau Dr. Doe, Jane Marie", "by Doe, Jane Marie", "Customer: Doe, Jane M.", "Smith, Doe, Jane"]
)
def test_a_name_with_the_last_name_first_is_found(matcher: Matcher, text: str) -> None:
    assert [text[span.start : span.end] for span in matcher.spans(text)] == ["Doe, Jane"]


@pytest.mark.parametrize("before", ["%41", "&amp;", "%41 &#65; "])
def test_an_identifier_in_an_encoding_within_an_encoding_is_found_among_other_escapes(matcher: Matcher, before: str) -> None:
    escaped = "".join(f"\\u{ord(character):04x}" for character in "Doe, Jane")
    coded = base64.b64encode(f'{{"who": "{escaped}"}}'.encode()).decode()
    assert matcher.spans(f"{before}|{coded}|&amp;")


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256"])
def test_a_digest_of_the_address_is_likely(matcher: Matcher, name: str) -> None:
    digest = hashlib.new(name, EMAIL.encode()).hexdigest()
    for text in (f"user {digest} seen", f"user {digest.upper()} seen"):
        (span,) = matcher.spans(text)
        assert (span.form, span.confidence, text[span.start : span.end].lower()) == (name, Confidence.LIKELY, digest)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("at", [0, 3, 9])
@pytest.mark.parametrize("name", ["md5", "sha1", "sha256"])
def test_a_digest_is_found_in_a_list_with_one_on_each_line(matcher: Matcher, name: str, at: int, newline: str) -> None:
    others = [hashlib.new(name, f"{number}@example.com".encode()).hexdigest() for number in range(9)]
    own = hashlib.new(name, EMAIL.encode()).hexdigest()
    for digest, listed in ((own, others), (base64_of(own), [base64_of(other) for other in others])):
        text = newline.join([*listed[:at], digest, *listed[at:]])
        (span,) = matcher.spans(text)
        assert text[span.start : span.end].rstrip("=") == digest.rstrip("=")
        assert matcher.gate.passes(text.encode())


def base64_of(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


def test_other_digests_are_nobody(matcher: Matcher) -> None:
    assert matcher.spans(hashlib.sha256(b"john@example.com").hexdigest()) == ()


@pytest.mark.parametrize(
    ("text", "form", "confidence"),
    [
        (EMAIL, "plain", Confidence.CERTAIN),
        ("jane.doe%40example.com", "percent", Confidence.CERTAIN),
        ("jane.doe+shop@example.com", "plus-tag", Confidence.LIKELY),
        ("janeqdoe@gmail.com", "gmail", Confidence.LIKELY),
        ("jáne.doe@example.com", "plain", Confidence.POSSIBLE),
        ("Jane Doe", "plain", Confidence.POSSIBLE),
        ("+49 170 1234567", "phone", Confidence.POSSIBLE),
    ],
)
def test_confidence_follows_from_the_form(matcher: Matcher, text: str, form: str, confidence: Confidence) -> None:
    (span,) = matcher.spans(text)
    assert (span.form, span.confidence) == (form, confidence)


def test_overlapping_sightings_of_one_case_are_one_span(matcher: Matcher) -> None:
    assert found(matcher, "Doe Jane Doe") == ["Doe Jane Doe"]


def test_an_unverified_selector_gives_possible_only() -> None:
    matcher = Matcher({"case": (selector("email", EMAIL, verified=False),)})
    assert [span.confidence for span in matcher.spans(EMAIL)] == [Confidence.POSSIBLE]


def test_spans_of_several_cases_are_told_apart() -> None:
    matcher = Matcher({"a": (selector("email", EMAIL),), "b": (selector("email", "john@example.com"),)})
    assert [(span.case, span.start) for span in matcher.spans(f"john@example.com {EMAIL}")] == [("b", 0), ("a", 17)]


def test_thousands_of_people_are_told_apart_in_one_pass() -> None:
    people = {f"c{n}": (selector("email", f"person{n}@gmail.com"), selector("phone", f"+49151{n:08}")) for n in range(3_000)}
    spans = Matcher(people).spans("person17@gmail.com, person171@gmail.com, 0151 00002999")
    assert [span.case for span in spans] == ["c17", "c171", "c2999"]


class TestFindings:
    """Who owns a record, who is mentioned in it, and how sure that is."""

    def test_a_whole_value_in_the_selecting_field_owns(self, matcher: Matcher) -> None:
        owned = column("email", "Jane.Doe@example.com ", selects="email", category="user.contact.email")
        finding = only(matcher.findings(record(owned, column("born", "1990", category="user.demographic"))))
        assert (finding.match, finding.confidence) == (Match.OWNS, Confidence.CERTAIN)
        assert finding.fields == {"email": "user.contact.email", "born": "user.demographic"}
        assert finding.facts == {"born": "1984"}

    def test_a_part_of_the_selecting_field_mentions(self, matcher: Matcher) -> None:
        assert only(matcher.findings(record(column("email", f"old: {EMAIL}", selects="email")))).match is Match.MENTIONS

    def test_a_tagged_address_in_the_selecting_field_mentions(self, matcher: Matcher) -> None:
        finding = only(matcher.findings(record(column("email", "jane.doe+x@example.com", selects="email"))))
        assert (finding.match, finding.confidence) == (Match.MENTIONS, Confidence.LIKELY)

    def test_collation_never_makes_somebody_the_owner(self, matcher: Matcher) -> None:
        finding = only(matcher.findings(record(column("email", "jané.doe@example.com", selects="email"))))
        assert (finding.match, finding.confidence) == (Match.MENTIONS, Confidence.POSSIBLE)

    def test_who_only_acted_is_mentioned(self, matcher: Matcher) -> None:
        assert only(matcher.findings(record(column("agent", EMAIL, selects="email", is_actor=True)))).match is Match.MENTIONS

    def test_a_field_that_selects_another_kind_mentions(self, matcher: Matcher) -> None:
        assert only(matcher.findings(record(column("login", EMAIL, selects="username")))).match is Match.MENTIONS

    def test_a_unique_value_owns_without_a_manifest(self, matcher: Matcher) -> None:
        assert only(matcher.findings(record(Unit("mail", EMAIL, is_value=True, is_unique=True)))).match is Match.OWNS

    @pytest.mark.parametrize(
        "unit",
        [
            Unit("mail", EMAIL, is_value=True),
            Unit("mail", EMAIL, is_unique=True),
            Unit("phone", "+491701234567", is_value=True, is_unique=True),
            Unit("raw", EMAIL, is_value=True, is_unique=True, is_opaque=True),
        ],
    )
    def test_less_than_that_mentions(self, matcher: Matcher, unit: Unit) -> None:
        assert only(matcher.findings(record(unit))).match is Match.MENTIONS

    def test_an_unverified_address_never_owns_without_a_manifest(self) -> None:
        matcher = Matcher({"case": (selector("email", EMAIL, verified=False),)})
        finding = only(matcher.findings(record(Unit("mail", EMAIL, is_value=True, is_unique=True))))
        assert (finding.match, finding.confidence) == (Match.MENTIONS, Confidence.POSSIBLE)

    def test_opaque_bytes_are_reported_and_not_rewritable(self, matcher: Matcher) -> None:
        assert [hit.is_rewritable for hit in only(matcher.findings(record(Unit("bytes", EMAIL, is_opaque=True)))).hits] == [False]

    def test_name_and_phone_together_are_likely(self, matcher: Matcher) -> None:
        finding = only(matcher.findings(record(column("name", "Jane Doe"), column("phone", "0170 1234567"))))
        assert finding.confidence is Confidence.LIKELY

    def test_two_identifiers_of_a_household_are_not(self, matcher: Matcher) -> None:
        finding = only(matcher.findings(record(column("street", "221B Baker Street, London"), column("phone", "0170 1234567"))))
        assert finding.confidence is Confidence.POSSIBLE

    def test_an_initial_agrees_with_nothing(self, matcher: Matcher) -> None:
        finding = only(matcher.findings(record(column("name", "J. Doe"), column("phone", "0170 1234567"))))
        assert finding.confidence is Confidence.POSSIBLE

    def test_rows_of_a_file_are_judged_apart(self, matcher: Matcher) -> None:
        units = (Unit("row:1/name", "Jane Doe", inside="row:1"), Unit("row:2/phone", "0170 1234567", inside="row:2"))
        findings = matcher.findings(record(*units))
        assert [finding.locator.inside for finding in findings] == ["row:1", "row:2"]
        assert {finding.confidence for finding in findings} == {Confidence.POSSIBLE}
        assert [hit.field for finding in findings for hit in finding.hits] == ["name", "phone"]

    def test_a_stranger_is_no_finding(self, matcher: Matcher) -> None:
        assert matcher.findings(record(column("email", "john@example.com", selects="email"))) == ()

    @pytest.mark.parametrize(
        ("about", "expected"),
        [
            ({"references": ("customers", "id"), "selects": "customer_id"}, Match.OWNS),
            ({"references": ("customers", "id")}, Match.MENTIONS),
            ({"same_as": ("shop.customers.id",), "selects": "customer_id"}, Match.OWNS),
            ({"same_as": ("customers.id",), "selects": "customer_id"}, Match.OWNS),
            ({"references": ("customers", "id"), "selects": "customer_id", "is_actor": True}, Match.MENTIONS),
            ({"references": ("orders", "id"), "selects": "customer_id"}, None),
            ({"selects": "customer_id"}, None),
        ],
    )
    def test_a_learnt_key_counts_only_where_its_scope_is_meant(self, about: dict[str, object], expected: Match | None) -> None:
        matcher = Matcher({"case": (KEY_17,)})
        findings = matcher.findings(record(column("customer_id", "17", **about), collection="orders"))
        assert [finding.match for finding in findings] == ([] if expected is None else [expected])

    def test_a_learnt_key_owns_in_its_own_field(self) -> None:
        matcher = Matcher({"case": (KEY_17,)})
        assert only(matcher.findings(record(column("id", "17")))).match is Match.OWNS
        assert matcher.findings(record(column("id", "170"), column("note", "see 17"))) == ()
        assert matcher.findings(record(column("id", "17"), system="other")) == ()
