"""Addresses as mail servers and directories write them: in IMCEA, in xtext, as a guest of a tenant, and folded over two lines."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.automaton import ENGINES
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.selector import Secret, Selector
from tests.content.people import EMAIL, JANE

MATCHERS = {engine: Matcher({"case": JANE}, engine) for engine in ENGINES}
JURGEN = Matcher({"case": (Selector("e", "email", Secret("jürgen.groß@straße.example"), verified=True),)})


def imcea(address: str) -> str:
    return "".join(sign if sign.isalnum() else f"+{ord(sign):02X}" for sign in address)


def guest(address: str) -> str:
    return f"{address.replace('@', '_')}#EXT#@contoso.onmicrosoft.com"


WRITINGS = (
    f"IMCEASMTP-{imcea(EMAIL)}@contoso.com",
    f"imceasmtp-{imcea(EMAIL).lower()}@contoso.com",
    f"To: <IMCEASMTP-{imcea(EMAIL)}@eurprd01.prod.outlook.com>, bob@example.net",
    f"IMCEAEX-_O=CONTOSO_OU=x_CN=RECIPIENTS_CN=+20{imcea(EMAIL)}@contoso.com",
    guest(EMAIL),
    guest(EMAIL).lower(),
    guest("Jane.Doe@Example.com"),
    guest(EMAIL).replace("#", "%23"),
    f'"userPrincipalName": "{guest(EMAIL)}"',
    f"ORCPT=rfc822;{EMAIL.replace('@', '+40')}",
    f"ORCPT=rfc822;{imcea(EMAIL)} ENVID=1",
    "mail: jane.doe@exam\n ple.com\n",
    "mail: jane.d\r\n oe@example.com\r\ncn: x",
    "mail: jane.doe\n @example.com",
    "mail: jane.doe@\n example.com",
    "EMAIL;TYPE=work:jane.doe@exam\r\n\tple.com",
    "ATTENDEE;CN=x;ROLE=REQ:mailto:jane.doe@example.c\r\n om\r\n",
)
OTHERS = (
    f"IMCEASMTP-x{imcea(EMAIL)}@contoso.com",
    f"IMCEASMTP-{imcea(EMAIL)}munity@contoso.com",
    f"IMCEASMTP-{imcea('bob.doe@example.com')}@contoso.com",
    "jane.doe_example.com@contoso.com",
    guest(f"mary.{EMAIL}"),
    guest("jane.doe@example.community"),
    guest("jane_doe@example.com"),
    f"ORCPT=rfc822;x{EMAIL.replace('@', '+40')}",
    f"ORCPT=rfc822;{EMAIL.replace('@', '+41')}",
    "mail: jane.doe@exam\n  ple.com",
    "mail: jane.doe@exam\n\n ple.com",
    "mail: jane.doe@exam\nple.com",
    "mail: jane.doe@example.co\n mail: bob@example.net",
)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", WRITINGS)
@pytest.mark.parametrize("frame", ["{}", "dn: x\nsn: bob@example.org\n{}\n"])
def test_the_address_is_found_as_it_was_rewritten_or_folded(engine: str, text: str, frame: str) -> None:
    whole = frame.format(text)
    matcher = MATCHERS[engine]
    assert [span.kind for span in matcher.spans(whole)] == ["email"]
    assert matcher.gate.passes_text(whole)
    assert matcher.gate.passes(whole.encode())
    after = CaseRewriter(matcher, "case", b"k" * 32).redacted(whole)
    assert matcher.spans(after) == ()
    assert ("bob@example.org" in after) == ("bob@example.org" in whole)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", OTHERS)
def test_addresses_of_others_that_come_close_are_not(engine: str, text: str) -> None:
    assert [span for span in MATCHERS[engine].spans(text) if span.kind == "email"] == []


def test_a_cut_takes_the_address_and_leaves_the_tenant_and_the_lines_around() -> None:
    rewriter = CaseRewriter(MATCHERS["hyperscan"], "case", b"k" * 32)
    assert rewriter.redacted(f"a {guest(EMAIL)} b") == "a [redacted]#EXT#@contoso.onmicrosoft.com b"
    assert rewriter.redacted("cn: Bob\nmail: jane.doe@exam\n ple.com\nsn: Doe") == "cn: Bob\nmail: [redacted]\nsn: Doe"
    assert rewriter.redacted(f"x IMCEASMTP-{imcea(EMAIL)}@contoso.com y") == "x IMCEASMTP-[redacted]@contoso.com y"


@pytest.mark.parametrize("charset", ["utf-8", "cp1252", "iso8859-1", "mac-roman", "cp437"])
def test_an_address_with_letters_beyond_ascii_passes_in_its_charset(charset: str) -> None:
    for text in ("mail: jürgen.groß@stra\n ße.example", "a jürgen.groß_straße.example#EXT#@x.example b"):
        assert JURGEN.spans(text)
        assert JURGEN.gate.passes(text.encode(charset))


@given(st.integers(1, len(EMAIL) - 1), st.sampled_from(("\n ", "\n\t", "\r\n ", "\r\n\t")), st.sampled_from(sorted(MATCHERS)))
@settings(deadline=None)
def test_an_address_may_be_folded_anywhere(where: int, fold: str, engine: str) -> None:
    text = f"mail: {EMAIL[:where]}{fold}{EMAIL[where:]}\nsn: x"
    assert MATCHERS[engine].spans(text)
    assert MATCHERS[engine].gate.passes_text(text)


_LOOSE = st.text(st.sampled_from("jane.doe@example.com+40_#EXT\n\t\r IMCEASMTP-2E</td><td>;|>ü="), max_size=120)


@given(_LOOSE, st.sampled_from(WRITINGS), _LOOSE, st.sampled_from(("utf-8", "cp1252", "mac-roman", "utf-16-le")))
@settings(deadline=None, max_examples=300)
def test_the_gate_never_refuses_what_is_found(before: str, text: str, after: str, charset: str) -> None:
    whole = f"{before}{text}{after}"
    found = {engine: matcher.spans(whole) for engine, matcher in MATCHERS.items()}
    assert found["hyperscan"] == found["ahocorasick"]
    for matcher in MATCHERS.values():
        if found["hyperscan"]:
            assert matcher.gate.passes_text(whole)
            assert matcher.gate.passes(whole.encode(charset, "replace"))
