"""Many mails in one file: each is a record, is read as a mail, and changes alone; `mailbox` reads the rest as it was."""

import io
import mailbox
import re
import tempfile
import zipfile
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from tests.content.mails import mail, with_attachments
from tests.content.plain_words import MARK, WordGate, gaps, reading, rewritten, texts, units

_TABLE = b"id,name\n1,jane\n2,bob\n"


def _stored(*mails: EmailMessage | bytes, sender: str = "a@x.org", newline: bytes = b"\n") -> bytes:
    pieces = []
    for one in mails:
        raw = one if isinstance(one, bytes) else one.as_bytes()
        quoted = re.sub(rb"(?m)^(>*From )", rb">\1", raw)
        pieces.append(f"From {sender} Thu Jan  1 00:00:00 2026\n".encode() + quoted.rstrip(b"\n") + b"\n\n")
    return b"".join(pieces).replace(b"\n", newline)


def _bob(body: str = "hello\n") -> EmailMessage:
    return mail(sender="bob@x.org", subject="hi", body=body)


def _listed(data: bytes) -> list[bytes]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        box = mailbox.mbox(file.name, create=False)
        try:
            return [box.get_bytes(key, from_=True) for key in box.keys()]  # noqa: SIM118  # no mapping: iterating it gives mails
        finally:
            box.close()


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("cte", ["base64", "quoted-printable"])
def test_each_mail_is_a_record_and_is_decoded(cte: str, newline: bytes) -> None:
    before = _stored(_bob(), mail(sender="bob@x.org", subject="s", cte=cte, body="grüße an jane\n"), _bob(), newline=newline)
    found = units(before, reading(WordGate("jane")))
    assert {unit.inside for unit in found} == {"mail:2"}
    by_place = {unit.place: unit.text for unit in found}
    assert by_place["mail:2/part:1/line:1"] == "grüße an jane"
    assert by_place["mail:2/header:from"] == "bob@x.org"
    assert by_place["mail:2/envelope"] == "a@x.org"
    assert not gaps(before)


def test_attachments_of_mails_are_parts_of_their_mail() -> None:
    before = _stored(_bob(), with_attachments(_bob(), ("a.csv", _TABLE)))
    found = {unit.place: unit.inside for unit in units(before, reading(WordGate("jane")))}
    assert found["mail:2/part:2/row:2/name"] == "mail:2/part:2/row:2"
    after = rewritten(before, [Edit("mail:2/part:2/row:2", DropPart())])
    assert "mail:2/part:2/row:2/name" not in texts(after, reading(WordGate("jane")))
    assert texts(after, reading(WordGate("bob")))["mail:2/part:2/row:2/name"] == "bob"
    assert after.startswith(_stored(_bob()))


def test_a_rewrite_changes_one_mail_and_its_line() -> None:
    jane = mail(body="dear jane\n", cte="base64")
    before = _stored(_bob(), jane, _bob("after\n"), sender="jane@x.org")
    edits = [Edit(place, RedactSpans()) for place in ("mail:2/part:1/line:1", "mail:2/header:from", "mail:2/envelope")]
    was, now = _listed(before), _listed(rewritten(before, edits, "jane", "grüße an jane"))
    assert [now[0], now[2]] == [was[0], was[2]]
    assert now[1].startswith(f"From {MARK}@x.org Thu Jan  1 00:00:00 2026\n".encode())
    assert texts(rewritten(before, edits, "jane"))["mail:2/part:1/line:1"] == f"dear {MARK}"


def test_a_mail_is_dropped_and_the_others_stay() -> None:
    mails = [_bob(f"number {number}\nFrom here on\n") for number in range(5)]
    before = _stored(*mails)
    after = rewritten(before, [Edit("mail:2", DropPart()), Edit("mail:5", DropPart())])
    assert after == _stored(mails[0], mails[2], mails[3])


def test_a_mail_that_says_how_long_it_is_says_it_anew() -> None:
    body = b"dear jane\nFrom here\n"
    raw = b"From: bob@x.org\nTo: a@x.org\nSubject: s\nContent-Length: %d\n\n" % len(body) + body
    before = b"From a@x.org Thu Jan  1 00:00:00 2026\n" + raw + b"\n" + _stored(_bob())
    after = rewritten(before, [Edit("mail:1/part:1/line:1", RedactSpans())], "jane")
    now = body.replace(b"jane", MARK.encode())
    assert after == before.replace(body, now).replace(b"Length: %d" % len(body), b"Length: %d" % len(now))


def test_mailboxes_in_archives_are_read_and_rewritten() -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("old.mbox", _stored(_bob(), mail()))
    found = [unit.inside for unit in units(sink.getvalue(), reading(WordGate("jane")))]
    assert set(found) == {"member:1/mail:2"}
    after = rewritten(sink.getvalue(), [Edit("member:1/mail:2", DropPart())])
    with zipfile.ZipFile(io.BytesIO(after)) as archive:
        assert archive.read("old.mbox") == _stored(_bob())


@pytest.mark.parametrize(
    "edit", [Edit("mail:9", DropPart()), Edit("line:1", RedactSpans()), Edit("mail:1/envelope", DropPart()), Edit("mail:1/part:9", DropPart())]
)
def test_what_is_not_there_is_refused(edit: Edit) -> None:
    with pytest.raises(NotSupported):
        rewritten(_stored(_bob(), _bob()), [edit], "jane")


bodies = st.lists(st.sampled_from(("hello", "dear jane", "From jane", ">From x", "From a@x.org Thu Jan  1 00:00:00", "grüße", "")), max_size=5)


@given(st.lists(bodies, min_size=1, max_size=5), st.sampled_from(("base64", "quoted-printable", "8bit")), st.sets(st.integers(1, 5)))
@settings(deadline=None, max_examples=60)
def test_after_a_rewrite_every_other_mail_is_what_it_was(written: list[list[str]], cte: str, dropped: set[int]) -> None:
    before = _stored(*(mail(sender="bob@x.org", subject="s", body="\n".join(lines) + "\n", cte=cte) for lines in written))
    found = units(before, reading(WordGate("jane")))
    edits = [Edit(f"mail:{number}", DropPart()) for number in dropped if number <= len(written)]
    edits += [Edit(unit.place, RedactSpans()) for unit in found if "jane" in unit.text and int(unit.place.split("/")[0][5:]) not in dropped]
    after = rewritten(before, edits, "jane")
    assert not units(after, reading(WordGate("jane")))
    touched = {int(edit.place.split("/")[0][5:]) for edit in edits}
    was, now = _listed(before), _listed(after)
    assert len(now) == len(was) - len([number for number in dropped if number <= len(was)])
    left = [number for number in range(1, len(was) + 1) if number not in dropped]
    assert all(now[at] == was[number - 1] for at, number in enumerate(left) if number not in touched)


@given(
    st.lists(
        st.sampled_from(("jane", "From bob@x Thu Jan  1 00:00:00 2026", "From From a@x Thu Jan  1 00:00:00 2026", "a" * 70, "grüße ")), max_size=9
    )
)
@settings(deadline=None, max_examples=60)
def test_a_text_that_is_encoded_anew_begins_no_mail(words: list[str]) -> None:
    """Quoted-printable hides the line; it stays hidden, also where a long line is broken just before it."""
    body = "".join(("\n" if word.startswith("From") else "") + word for word in words) + "\n"
    raw = mail(sender="bob@x.org", subject="s", body=body, cte="quoted-printable").as_bytes()
    before = _stored(re.sub(rb"(?m)^From ", b"=46rom ", raw), _bob())
    edits = [Edit(unit.place, RedactSpans()) for unit in units(before, reading(WordGate("jane"))) if "jane" in unit.text and "part:1" in unit.place]
    after = rewritten(before, edits, "jane")
    assert len(_listed(after)) == 2
    assert not units(after, reading(WordGate("jane")))
    assert texts(after, reading(WordGate("bob"))).keys() == texts(before, reading(WordGate("bob"))).keys()
