"""What a mail repeats of an earlier one; in doubt it is its writer's own."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.content.format import Reading
from dsr_engine.content.mail.quoting import quoted_paragraphs, repeats
from tests.content.plain_words import reading, texts

OWN, OLD = False, True


def told(text: str) -> list[str]:
    """The lines that are taken for repeated ones."""
    lines = text.splitlines()
    return [line for line, is_repeated in zip(lines, repeats(lines, is_prose=False), strict=True) if is_repeated]


def test_marked_lines_are_quoted_and_what_stands_between_them_is_not() -> None:
    assert told("Hello\n> one\n>two\n >> three\nmy answer\n> four") == ["> one", ">two", " >> three", "> four"]


def test_a_line_that_an_mbox_escaped_is_no_quotation() -> None:
    assert told("Hello\n>From now on I shall write to you\n>>From here too") == []


ATTRIBUTIONS = (
    "On Mon, 1 Jan 2024 at 10:00, Jane Roe <jane@example.org> wrote:",
    "Am Mo., 1. Jan. 2024 um 10:00 Uhr schrieb Jane Roe <jane@example.org>:",
    "Am 01.01.2024 um 10:00 schrieb Jane Roe:",
    "Le lun. 1 janv. 2024 à 10:00, Jane Roe <jane@example.org> a écrit :",
    "El lun, 1 ene 2024 a las 10:00, Jane Roe (<jane@example.org>) escribió:",
    "Il giorno lun 1 gen 2024 alle ore 10:00 Jane Roe <jane@example.org> ha scritto:",
    "Op ma 1 jan 2024 om 10:00 schreef Jane Roe <jane@example.org>:",
)


@pytest.mark.parametrize("line", ATTRIBUTIONS)
def test_a_line_that_says_who_wrote_is_part_of_the_quotation_and_the_answer_below_is_not(line: str) -> None:
    assert told(f"Hello\n\n{line}\n> one\n> two\n\nMy answer to Jane") == [line, "> one", "> two"]


@pytest.mark.parametrize("line", ATTRIBUTIONS)
def test_without_marks_everything_below_such_a_line_is_quoted(line: str) -> None:
    assert told(f"Hello\n\n{line}\n\none\ntwo") == [line, "", "one", "two"]


def test_such_a_line_may_be_folded() -> None:
    folded = "On Mon, 1 Jan 2024 at 10:00, Jane Roe\n<jane@example.org> wrote:"
    assert told(f"Hello\n{folded}\n> one\nbye") == [*folded.splitlines(), "> one"]


@pytest.mark.parametrize("text", ["On reflection I wrote:\nnothing", "Am Ende schrieb er:\nnichts", "On 2 May 2024 we meet", "wrote: 10:00"])
def test_a_sentence_of_the_writer_is_none(text: str) -> None:
    assert told(text) == []


LINES_BETWEEN = (
    "-----Original Message-----",
    "-----Ursprüngliche Nachricht-----",
    "---------- Forwarded message ---------",
    "-------- Weitergeleitete Nachricht --------",
    "-----Message d'origine-----",
)


@pytest.mark.parametrize("line", LINES_BETWEEN)
def test_below_such_a_line_everything_is_an_earlier_mail(line: str) -> None:
    assert told(f"Hello Jane\n{line}\nSubject: x\n\nold words") == [line, "Subject: x", "", "old words"]


@pytest.mark.parametrize("text", ["the original message was lost", "-- ", "-----", "Original Message", "--- Jane ---"])
def test_other_lines_with_dashes_are_none(text: str) -> None:
    assert told(f"{text}\nJane") == []


BLOCKS = (
    "From: Jane Roe\nSent: Monday\nTo: Bob\nSubject: x",
    "Von: Jane Roe\nGesendet: Montag\nAn: Bob\nCc: Sue\nBetreff: x",
    "*From:* Jane Roe\n*Date:* Monday\n*To:* Bob\n*Subject:* x",
    "De : Jane\nEnvoyé : lundi\nÀ : Bob\nObjet : x",
)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_of_headers_begins_an_earlier_mail(block: str) -> None:
    assert told(f"Hello\n\n{block}\n\nold words") == [*block.splitlines(), "", "old words"]


@pytest.mark.parametrize("text", ["From: Bonn\nto Ulm it takes an hour", "Von: mir\n\nAn: dich\nBetreff: Tee", "To: Bob\nSubject: x\nDate: today"])
def test_words_that_look_like_a_header_are_the_writers_own(text: str) -> None:
    assert told(f"{text}\nJane") == []


@given(st.lists(st.text("> -:abFrom\tOnwrote@1.", max_size=30), max_size=12), st.booleans())
def test_every_text_has_an_answer(lines: list[str], is_prose: bool) -> None:
    assert len(repeats(lines, is_prose=is_prose)) == len(lines)


@given(st.lists(st.text("abc ,.", max_size=20), max_size=12))
def test_plain_sentences_are_never_quoted(lines: list[str]) -> None:
    assert not any(repeats(lines, is_prose=False))


def test_paragraphs_below_a_block_of_headers_are_quoted_and_one_that_holds_both_is_not() -> None:
    block = "From: Jane\nSent: Monday\nTo: Bob"
    assert repeats(["Hello", block, "old"], is_prose=True) == [OWN, OLD, OLD]
    assert repeats([f"Hello\n{block}", "old"], is_prose=True) == [OWN, OLD]


# --- pages -----------------------------------------------------------------------------------------------------------------------

_HEAD = b"From: bob@example.com\nContent-Type: text/html; charset=utf-8\n\n"


def quoted_in(page: str, head: bytes = _HEAD, part: str = "part:1") -> frozenset[str]:
    return quoted_paragraphs(lambda: BytesIO(head + page.encode()), part, Reading("INBOX", None))


PAGES = {
    "Gmail": '<div dir="ltr">mine</div><br><div class="gmail_quote"><div class="gmail_attr">On x wrote:</div><blockquote>old</blockquote></div>',
    "Thunderbird": '<p>mine</p><div class="moz-cite-prefix">Am x schrieb</div><blockquote type="cite" cite="mid:1"><p>old</p></blockquote>',
    "Apple Mail": '<div>mine</div><div><blockquote type="cite"><div>On x, Jane wrote:</div><p>old</p></blockquote></div>',
    "Yahoo": '<div>mine</div><div id="yahoo_quoted_1" class="yahoo_quoted"><div>Am x</div><p>old</p></div>',
    "Outlook": '<p>mine</p><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><p>From: Jane</p></div><p>old</p>',
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_pages_of_mail_programs_say_what_is_old(page: str) -> None:
    places = quoted_in(page)
    paragraphs = {place for place in places if place.startswith("p:")}
    assert "p:1" not in paragraphs
    assert paragraphs


def test_what_stands_behind_a_quotation_is_the_writers_own_again() -> None:
    assert quoted_in('<p>a</p><div class="gmail_quote"><p>old</p></div><p>mine</p>') == {"p:2", "p:3", "attribute:1"}


def test_a_plain_blockquote_is_the_writers_own() -> None:
    assert quoted_in("<p>a</p><blockquote><p>a poem</p></blockquote>") == frozenset()


def test_another_part_and_a_mail_without_it_hold_nothing_quoted() -> None:
    assert quoted_in(PAGES["Gmail"], part="part:7") == frozenset()
    assert quoted_in("no page at all > <", head=b"") == frozenset()


_PIECES = ('<div class="gmail_quote">', "<blockquote type=cite>", "</div>", "</blockquote>", "<p>", "</p>", "<br>", "a")


@given(st.lists(st.sampled_from(_PIECES), max_size=20))
def test_in_broken_pages_what_stands_before_every_quotation_is_the_writers_own_and_what_stands_in_one_is_not(pieces: list[str]) -> None:
    broken = "<p>mine</p>" + "".join(pieces)
    assert "p:1" not in quoted_in(broken)
    if not {*_PIECES[:2]} & {*pieces}:
        assert not quoted_in(broken)
    page = broken + '<div class="gmail_quote"><p>theirs</p></div>'
    (theirs,) = (place for place, text in texts(_HEAD + page.encode(), reading(name="a.eml")).items() if text == "theirs")
    assert theirs.removeprefix("part:1/") in quoted_in(page)
