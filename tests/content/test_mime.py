"""Mail: headers, bodies, attachments, messages in messages; what another mail library reads after a rewrite is as before, but for the edit."""

import email
import email.policy
import io
import zipfile
from email.message import EmailMessage
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.mail.mime_addresses import mailboxes
from dsr_engine.content.mail.mime_words import words
from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans, SetValue
from dsr_engine.domain.record import Unit
from dsr_engine.domain.system import FieldMap
from tests.content.mails import mail, with_attachments
from tests.content.plain_words import MARK, WordGate, gaps, read, reading, rewritten, texts, units

_TABLE = b"id,name,city\r\n1,jane,Rome\r\n2,bob,Oslo\r\n"
_NEWLINES = [email.policy.SMTP, email.policy.default]


def _parsed(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_headers_are_decoded_and_addresses_are_values_of_their_own() -> None:
    found = {unit.place: unit for unit in units(mail().as_bytes(), reading(WordGate("hallo jane")))}
    assert {place: unit.text for place, unit in found.items() if unit.is_value} == {
        "header:from": "jane@x.org",
        "header:from.name": "Jäne Doe",
        "header:to": "bob@x.org",
    }
    assert found["header:subject"].text == "grüße an jane"
    assert found["header:message-id"].text == "<1234@mx.x.org>"
    assert found["part:1/line:1"].text == "hallo jane"
    fields = {place: unit.field.selects for place, unit in found.items() if unit.field}
    assert fields == {"header:from": "email", "header:from.name": None, "header:to": "email"}
    assert all(unit.inside == "" for unit in found.values())


def test_one_of_several_recipients_does_not_own_the_mail() -> None:
    found = {unit.place: unit for unit in units(mail(to="bob@x.org, Eve <eve@x.org>").as_bytes())}
    assert {place: unit.text for place, unit in found.items() if place.startswith("header:to")} == {
        "header:to": "bob@x.org",
        "header:to/2": "eve@x.org",
        "header:to/2.name": "Eve",
    }
    assert found["header:to"].field is not None
    assert found["header:to"].field.selects is None


@pytest.mark.parametrize("to", ["jane@x.org, bob", "bob; jane@x.org", "jane@x.org, =?utf-8?Q?bob=40y.org?=", "jane@x.org\nCc: hidden:;"])
def test_who_is_named_beside_somebody_without_an_address_does_not_own_the_mail(to: str) -> None:
    found = {unit.text: unit for unit in units(f"From: eve@x.org\nTo: {to}\nSubject: s\n\nhallo\n".encode())}
    assert found["jane@x.org"].field == FieldMap("to", "user.contact.email", None)


@pytest.mark.parametrize("to", ['"Doe, Jane" <jane@x.org>', "jane@x.org (Jane, or Bob)", "=?utf-8?Q?Doe=2C_Jane?= <jane@x.org>"])
def test_a_comma_in_a_name_makes_no_second_recipient(to: str) -> None:
    found = {unit.text: unit for unit in units(f"From: eve@x.org\nTo: {to}\nSubject: s\n\nhallo\n".encode())}
    assert found["jane@x.org"].field == FieldMap("to", "user.contact.email", "email")


@pytest.mark.parametrize("sender", ['"Bob" <bob@x.org>', "bob@x.org (Bob B. Bobson)", "=?utf-8?Q?B=C3=B6b?= <bob@x.org>", "Bob B. <bob@x.org>"])
def test_an_address_in_which_nothing_is_cut_keeps_its_spelling(sender: str) -> None:
    before = f"From: {sender}\nTo: jane@x.org\nSubject: s\n\nhallo\n".encode()
    edits = [Edit(place, RedactSpans()) for place in texts(before) if place.startswith("header:")]
    assert rewritten(before, edits, "jane") == before.replace(b"jane", b"[erased]")


def test_a_name_in_a_comment_is_replaced_as_a_comment() -> None:
    before = b"From: bob@x.org (Jane B. Doe)\nTo: a@x.org\nSubject: s\n\nhallo\n"
    assert b"From: bob@x.org ([erased] B. Doe)\n" in rewritten(before, [Edit("header:from.name", RedactSpans())], "Jane")


def test_a_mail_in_which_nothing_passes_gives_nothing() -> None:
    assert units(mail().as_bytes(), reading(WordGate("nobody"))) == []


@pytest.mark.parametrize("cte", ["quoted-printable", "base64", "8bit"])
@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-15", "utf-16", "koi8-r"])
def test_bodies_in_every_charset_and_encoding_are_read_and_rewritten(cte: str, charset: str) -> None:
    if charset == "utf-16" and cte == "8bit":
        cte = "base64"
    body = "привет jane\r\nи другим\r\n" if charset == "koi8-r" else "grüße jane\r\nund andere\r\n"
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@x.org", "b@x.org", "s"
    message.set_content(body.encode(charset), maintype="text", subtype="plain", params={"charset": charset}, cte=cte)
    before = message.as_bytes()
    found = texts(before, reading(WordGate("jane")))
    assert found["part:1/line:1"] == body.split("\r\n")[0]
    after = _parsed(rewritten(before, [Edit("part:1/line:1", RedactSpans())], "jane"))
    payload = after.get_payload(decode=True)
    assert isinstance(payload, bytes)
    # The mail library ends the message with its own line end where the encoding does not hold one.
    assert payload.decode(charset).replace("\r\n", "\n").rstrip("\n") == body.replace("jane", MARK).replace("\r\n", "\n").rstrip("\n")
    assert after["content-transfer-encoding"] == cte


@pytest.mark.parametrize("policy", _NEWLINES)
def test_only_the_edited_parts_change(policy: email.policy.EmailPolicy) -> None:
    message = with_attachments(mail(cte="quoted-printable"), ("jane.csv", _TABLE), ("ü.bin", bytes(range(256))))
    before = message.as_bytes(policy=policy)
    after = rewritten(before, [Edit("part:2/row:2/name", RedactSpans())], "jane")
    attachments = list(_parsed(after).iter_attachments())
    assert attachments[0].get_content() == _TABLE.replace(b"jane", b"[erased]")
    boundary = _parsed(before).get_boundary()
    assert boundary is not None
    pieces = list(zip(before.split(boundary.encode()), after.split(boundary.encode()), strict=True))
    assert [one == other for one, other in pieces] == [True, True, True, False, True, True]


def test_a_dropped_attachment_leaves_a_note_and_the_rest_of_the_mail() -> None:
    before = with_attachments(mail(), ("a.csv", _TABLE), ("b.csv", _TABLE)).as_bytes()
    after = rewritten(before, [Edit("part:2", DropPart())])
    _, one, other = _parsed(after).iter_parts()
    assert one.get_content_type() == "text/plain"
    assert one.get_content().strip() == "[attachment erased]"
    assert other.get_content() == _TABLE
    assert texts(after)["part:1/line:1"] == "hallo jane"


def test_an_attachment_and_its_name_and_rows_are_sub_records() -> None:
    before = with_attachments(mail(), ("jane.csv", _TABLE)).as_bytes()
    found = {unit.place: unit.inside for unit in units(before, reading(WordGate("jane")))}
    assert found["part:2/filename"] == "part:2"
    assert found["part:2/row:2/name"] == "part:2/row:2"
    after = rewritten(before, [Edit("part:2/filename", RedactSpans()), Edit("part:2/row:2", DropPart())], "jane")
    attachment = next(_parsed(after).iter_attachments())
    assert attachment.get_filename() == "[erased].csv"
    assert attachment.get_content() == _TABLE.replace(b"1,jane,Rome\r\n", b"")


def test_a_file_name_in_the_continuations_of_rfc_2231_is_put_together_and_redacted() -> None:
    before = (
        b"From: a@x.org\nTo: b@x.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n--b\n"
        b"Content-Type: text/plain\nContent-Disposition: attachment;\n filename*0*=utf-8''j%C3%A4ne;\n filename*1*=%20doe;\n "
        b"filename*2=.txt;\n size=5\n\n"
        b"hello\n--b--\n"
    )
    assert texts(before, reading(WordGate("jäne doe")))["part:2/filename"] == "jäne doe.txt"
    after = rewritten(before, [Edit("part:2/filename", RedactSpans())], "jäne doe")
    parts = list(_parsed(after).iter_parts())
    assert parts[1].get_filename() == "[erased].txt"
    assert parts[1]["content-disposition"].params["size"] == "5"


def test_an_attached_message_is_a_sub_record_with_headers_of_its_own() -> None:
    outer = mail(sender="bob@x.org", to="eve@x.org", subject="fwd", body="see below\n")
    outer.add_attachment(mail())
    before = outer.as_bytes()
    found = {unit.place: unit for unit in units(before, reading(WordGate("jane")))}
    assert found["part:2/header:from"].text == "jane@x.org"
    assert found["part:2/header:from"].inside == "part:2"
    assert found["header:from"].inside == ""
    after = rewritten(
        before, [Edit("part:2/header:from", RedactSpans()), Edit("part:2/header:from.name", SetValue(Method(MethodName.TEXT, "X"), "user"))], "jane"
    )
    assert b"From: X <[erased]@x.org>" in after
    assert after.count(b"From: bob@x.org") == 1


def test_an_archive_in_a_mail_is_read_and_rewritten_in_place() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", _TABLE)
        archive.writestr("b.txt", "other")
    before = with_attachments(mail(), ("a.zip", packed.getvalue())).as_bytes()
    assert "part:2/member:1/row:2/name" in texts(before, reading(WordGate("jane")))
    after = rewritten(before, [Edit("part:2/member:1/row:2", DropPart())])
    content = next(_parsed(after).iter_attachments()).get_content()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("a.csv") == _TABLE.replace(b"1,jane,Rome\r\n", b"")
        assert archive.read("b.txt") == b"other"


def test_headers_are_redacted_one_by_one() -> None:
    before = (
        b"Received: from jane-pc (jane@host)\r\n\tby mx; now\r\nReceived: by other\r\n"
        b"From: Jane <jane@x.org> (jane at work)\r\nTo: group: bob@x.org,\r\n"
        b' "Doe, jane" <jane@y.org>;\r\nSubject: =?utf-8?q?f=C3=BCr?= =?utf-8?q?_jane?= and\r\n more\r\nX-Jane-Secret: jane\r\n\r\nbody\r\n'
    )
    found = {place: " ".join(text.split()) for place, text in texts(before, reading(WordGate("jane"))).items()}
    assert found == {
        "header:received": "from jane-pc (jane@host) by mx; now",
        "header:received.2": "by other",
        "header:from": "jane@x.org",
        "header:from.name": "Jane",
        "header:from.rest": "< > (jane at work)",
        "header:to": "bob@x.org",
        "header:to/2": "jane@y.org",
        "header:to/2.name": "Doe, jane",
        "header:to.rest": "group: , < >;",
        "header:subject": "für jane and more",
        "header:6": "jane",
    }
    after = rewritten(before, [Edit("header:to/2", RedactSpans()), Edit("header:subject", RedactSpans()), Edit("header:6", RedactSpans())], "jane")
    start, end = after.index(b"Subject:"), after.index(b"X-Jane")
    assert _parsed(after)["subject"] == "für [erased] and more"
    others = before.replace(b"<jane@y.org>", b"<[erased]@y.org>").replace(b"Secret: jane", b"Secret: [erased]")
    assert after[:start] == others[: others.index(b"Subject:")]
    assert after[end:] == others[others.index(b"X-Jane") :]


@pytest.mark.parametrize("place", ["header:from/9", "header:subject/2", "header:x", "part:9/line:1", "part:1", "line:1", "part:1/line:99"])
def test_what_is_not_there_is_refused(place: str) -> None:
    with pytest.raises(NotSupported):
        rewritten(mail().as_bytes(), [Edit(place, RedactSpans())], "jane")


def test_an_encrypted_part_is_a_gap() -> None:
    before = (
        b"From: jane@x.org\nTo: b@x.org\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\nContent-Transfer-Encoding: base64\n\nAAAA\n"
    )
    assert "mime.encrypted" in gaps(before, reading(WordGate("jane")))


def test_several_mails_in_one_file_are_searched_as_text_and_are_a_gap() -> None:
    before = b"From jane@x.org Mon\nFrom: jane@x.org\nTo: b@x.org\n\nhi\n\nFrom b@x.org Mon\nFrom: b@x.org\nSubject: x\n\nho\n"
    assert gaps(before, reading(WordGate("jane"))) == ["mbox.as_text"]
    assert set(texts(before, reading(WordGate("jane")))) == {"line:1", "line:2"}


_BROKEN = [
    b"From: jane@x.org\nTo: b@x.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\njane\n",
    b"From: jane@x.org\nTo: b@x.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n--b\njane without headers\n--b--\nepilogue jane",
    b"From: jane@x.org\nTo: b@x.org\nContent-Transfer-Encoding: base64\n\n!!!amFuZQ=",
    b"From: jane@x.org\nTo: b@x.org\nContent-Type: text/plain; charset=nothing\nSubject: =?x?q?jane?= =?utf-8?b?!!!?=\n\n\xff\xfejane\n",
    b"From: jane@x.org\nTo: b@x.org\nno header at all jane\n\njane",
    b"From: =?utf-8?b?\xff?= <jane@x.org\nTo: (((( jane@x.org, <<>>\n\njane\n",
    b"From: jane@x.org\nTo: b@x.org\nContent-Type: multipart/mixed; boundary=b\n\npreamble jane\n"
    + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 300,
]


@pytest.mark.parametrize("before", _BROKEN)
def test_broken_mail_is_read_somehow_and_rewritten_unchanged_where_nothing_matches(before: bytes) -> None:
    found = [got for got in read(before, reading(WordGate("jane"), "a.eml")) if isinstance(got, Unit)]
    assert found
    edits = [Edit(unit.place, RedactSpans()) for unit in found if not unit.is_opaque]
    assert rewritten(before, edits[:1], "nobody", name="a.eml")


@given(
    st.lists(
        st.sampled_from(
            [b"jane", b"<", b">", b'"', b",", b";", b":", b"(", b")", b"@", b" ", b"\\", b"=?utf-8?q?a?=", b"x.org", b"\r\n ", b"\xc3\xa4"]
        ),
        max_size=14,
    )
)
@settings(deadline=None, max_examples=300)
def test_any_address_header_keeps_its_spans_in_order(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    spans = [span for box in mailboxes(raw) for span in sorted([(box.start, box.end), (box.name_start, box.name_end)])]
    assert all(0 <= start <= end <= len(raw) for start, end in spans)
    ordered = [span for span in spans if span[0] < span[1]]
    assert ordered == sorted(ordered)
    assert all(one[1] <= other[0] for one, other in pairwise(ordered))


@given(st.text(max_size=40))
@settings(deadline=None, max_examples=100)
def test_encoded_words_of_any_text_are_decoded(text: str) -> None:
    clean = " ".join(text.split()).replace("=?", "")
    clean = "".join(character for character in clean if character.isprintable())
    from_library = email.header.Header(clean, "utf-8").encode()
    assert words(from_library.replace("\n", "")) == clean


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=150)
def test_any_bytes_behind_mail_headers_are_read_without_failing(data: bytes) -> None:
    before = b"From: a@x.org\nTo: b@x.org\n" + data
    read(before, reading(WordGate("jane"), "a.eml"))
    assert rewritten(before, [], name="a.eml") == before


@given(
    st.sampled_from(["7bit", "quoted-printable", "base64"]),
    st.lists(st.sampled_from(["a jane", "bob", "x" * 90, "=20", "."]), min_size=1, max_size=6),
)
@settings(deadline=None, max_examples=60)
def test_after_a_rewrite_the_other_lines_read_as_before(cte: str, lines: list[str]) -> None:
    body = "\n".join(["top", *lines, "end"]) + "\n"
    before = mail(body=body, cte=cte, subject="s").as_bytes()
    found = {place: text for place, text in texts(before).items() if place.startswith("part:1/line")}
    edits = [Edit(place, RedactSpans()) for place in found]
    after = {place: text for place, text in texts(rewritten(before, edits, "jane")).items() if place.startswith("part:1/line")}
    assert after == {place: text.replace("jane", MARK) for place, text in found.items()}
