"""Mail files that are no mbox: MMDF and Babyl as Python's `mailbox` writes them, and .emlx as Apple Mail does."""

import mailbox
import plistlib
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from tests.content.mails import mail
from tests.content.plain_words import MARK, WordGate, gaps, reading, rewritten, texts, units


def _bob(body: str = "hello\n", **more: str) -> EmailMessage:
    return mail(sender="bob@x.org", subject="hi", body=body, **more)


@pytest.fixture(params=["mmdf", "babyl"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> bytes:
    """Three mails, of which the second holds Jane in base64."""
    box: mailbox.Mailbox = (mailbox.MMDF if request.param == "mmdf" else mailbox.Babyl)(tmp_path / "box")
    for one in (_bob(), _bob("dear jane\n", cte="base64"), _bob("From here on\n")):
        box.add(one)
    box.close()
    return (tmp_path / "box").read_bytes()


def test_each_mail_of_an_old_mailbox_is_read_and_decoded(stored: bytes) -> None:
    assert b"jane" not in stored
    found = units(stored, reading(WordGate("jane")))
    assert len({unit.inside.partition("/")[0] for unit in found}) == 1
    assert [unit.text for unit in found if unit.text == "dear jane"]
    assert not gaps(stored)


def test_an_old_mailbox_is_never_rewritten(stored: bytes) -> None:
    (place,) = [unit.place for unit in units(stored, reading(WordGate("jane"))) if unit.text == "dear jane"]
    with pytest.raises(NotSupported):
        rewritten(stored, [Edit(place, RedactSpans())], "jane")
    assert rewritten(stored, []) == stored


def test_headers_that_babyl_does_not_show_are_searched_too() -> None:
    box = b"BABYL OPTIONS: -*- rmail -*-\nVersion: 5\n\x1f\x0c\n1,,\nX-Hidden: jane\nFrom: a@x\n\n*** EOOH ***\nFrom: a@x\nTo: b@x\n\nhello\n\x1f"
    assert [unit.place for unit in units(box, reading(WordGate("jane"))) if "jane" in unit.text]


PLIST = plistlib.dumps({"date-sent": 1600000000, "flags": 8590195713, "subject": "hi jane"})


def _emlx(raw: bytes, behind: bytes = PLIST, width: int = 11) -> bytes:
    return str(len(raw)).encode().ljust(width) + b"\n" + raw + behind


def _split(data: bytes) -> tuple[bytes, bytes]:
    """The mail and the list, as Apple Mail takes them apart."""
    line, _, rest = data.partition(b"\n")
    return rest[: int(line)], rest[int(line) :]


def test_a_mail_of_apple_mail_is_redacted_and_its_length_told_anew() -> None:
    before = _emlx(_bob("dear jane\n", cte="base64").as_bytes())
    found = {unit.place: unit.text for unit in units(before, reading(WordGate("jane")))}
    assert found["emlx/part:1/line:1"] == "dear jane"

    after = rewritten(before, [Edit("emlx/part:1/line:1", RedactSpans())], "jane")

    now, behind = _split(after)
    assert texts(after, reading(WordGate("bob")))["emlx/header:from"] == "bob@x.org"
    assert b"jane" not in now
    assert behind == PLIST
    assert after.index(b"\n") == before.index(b"\n")
    assert not [unit for unit in units(after, reading(WordGate("jane"))) if unit.place.startswith("emlx/part")]


def test_the_flags_of_apple_mail_are_redacted_where_they_name_the_person() -> None:
    before = _emlx(_bob().as_bytes())
    places = [unit.place for unit in units(before, reading(WordGate("jane")))]
    assert places
    assert all(place.startswith("plist/") for place in places)

    now, behind = _split(rewritten(before, [Edit(place, RedactSpans()) for place in places], "jane"))

    assert now == _bob().as_bytes()
    assert plistlib.loads(behind)["subject"] == f"hi {MARK}"


def test_a_file_of_apple_mail_that_was_cut_is_a_gap_and_never_rewritten() -> None:
    cut = _emlx(_bob("dear jane\n").as_bytes(), b"")[:-1]
    assert gaps(cut) == ["emlx.short"]
    (place,) = [unit.place for unit in units(cut, reading(WordGate("jane"))) if unit.text.startswith("dear")]
    with pytest.raises(NotSupported):
        rewritten(cut, [Edit(place, RedactSpans())], "jane")


@pytest.mark.parametrize("edit", [Edit("line:1", RedactSpans()), Edit("emlx/part:9", DropPart())])
def test_what_is_not_there_is_refused(edit: Edit) -> None:
    with pytest.raises(NotSupported):
        rewritten(_emlx(_bob().as_bytes()), [edit], "jane")


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=60),
    st.integers(0, 12),
    st.sampled_from(("base64", "quoted-printable")),
)
@settings(deadline=None, max_examples=40)
def test_whatever_a_mail_says_its_length_is_right_after_a_rewrite(words: str, width: int, cte: str) -> None:
    before = _emlx(_bob(f"dear jane {words}\n", cte=cte).as_bytes(), width=width)
    places = [unit.place for unit in units(before, reading(WordGate("jane"))) if unit.place.startswith("emlx/part")]

    now, behind = _split(rewritten(before, [Edit(place, RedactSpans()) for place in places], "jane"))

    assert behind == PLIST
    assert now.endswith(b"\n")
    assert not units(now, reading(WordGate("jane")))
