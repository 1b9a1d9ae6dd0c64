"""What goes over the line to an IMAP server: only commands that are safe, only answers that can be right, compressed where it may be."""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.domain.errors import DsrError, NotSupported, Unreachable
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Failed, Looked, Watched
from dsr_engine.drivers.mailstore import imap_wire
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.imap_answers import _rows, answers, uids_of
from dsr_engine.drivers.mailstore.imap_session import Session
from dsr_engine.drivers.mailstore.imap_wire import Garbled, Source, Tally
from dsr_engine.drivers.mailstore.settings import account_of
from dsr_engine.drivers.mailstore.store import Mail
from tests.drivers.mailstore_boxes import DovecotBox, letter, system_of
from tests.drivers.mailstore_scripted import served, session_of
from tests.drivers.test_mailstore_driver import JANE, REWRITER, about, deletion, records, redaction
from tests.drivers.test_mailstore_driver import answers as told_by
from tests.servers.dovecot import DovecotServer, running
from tests.servers.scripted_imap import NO_UIDPLUS, USUAL, Manner, ScriptedImap

SAFE = {
    *("CAPABILITY", "AUTHENTICATE", "ENABLE", "ID", "NAMESPACE", "LIST", "STATUS", "EXAMINE", "SELECT", "UNSELECT", "NOOP", "LOGOUT"),
    *("FETCH", "UID FETCH", "UID SEARCH", "UID STORE", "UID EXPUNGE", "APPEND"),
}


def mail_of(sender: str, number: int = 1) -> bytes:
    return letter(sender, "shop@example.com", f"subject {number}", "hello", message_id=f"{number}@mail", eol=b"\r\n")


def fill(server: ScriptedImap) -> None:
    for number, sender in enumerate((JANE, "ann@example.com", JANE, "bob@example.com"), 1):
        server.folder("INBOX").deliver(mail_of(sender, number), "\\Flagged")
    server.folder("INBOX").letters[1].flags.add("\\Deleted")


def erase(server: ScriptedImap) -> None:
    """A whole erasure: search, look, foresee, one mail removed, one rewritten, and a fresh look."""
    driver = MailstoreDriver(system_of(server.settings()))
    first, second = records(driver)
    changes = [deletion(driver, first), redaction(driver, second)]
    foreseen = driver.foresee(changes, REWRITER)
    assert [entry.refusal for entry in foreseen] == [None, None]
    outcomes = driver.change(changes, REWRITER)
    assert all(isinstance(outcome, Done) for outcome in outcomes), outcomes
    driver.close()
    fresh = MailstoreDriver(system_of(server.settings()))
    assert records(fresh) == []
    assert len(fresh.observe([Watched(first.locator), Watched(second.locator)])) == 2
    fresh.close()


@pytest.mark.parametrize("capabilities", [USUAL, USUAL.replace(" LITERAL+", "").replace(" ESEARCH", ""), f"{USUAL} COMPRESS=DEFLATE QRESYNC"])
def test_a_whole_erasure_says_nothing_that_touches_other_mail(imap_certificate: Path, capabilities: str) -> None:
    with served(imap_certificate, Manner(capabilities=capabilities)) as server:
        fill(server)
        others = [letter.raw for letter in server.folder("INBOX").letters if JANE.encode() not in letter.raw]

        erase(server)

        inbox = server.folder("INBOX").letters
        assert set(server.verbs()) <= SAFE | {"COMPRESS"}
        assert "CLOSE" not in server.verbs()
        assert "EXPUNGE" not in server.verbs()
        assert not [line for line in server.commands if "BODY[" in line.upper() or "RFC822 " in line.upper() or "RFC822)" in line.upper()]
        assert not [line for line in server.commands if line.upper().startswith("UID STORE") and "SEEN" in line.upper()]
        assert [letter.raw for letter in inbox if letter.uid in (2, 4)] == others
        assert [sorted(letter.flags) for letter in inbox] == [["\\Deleted", "\\Flagged"], ["\\Flagged"], ["\\Flagged"]]
        assert not any(JANE.encode() in letter.raw for letter in inbox)


@pytest.mark.parametrize("literals", [" LITERAL+", ""])
def test_utf8_in_headers_and_names_of_folders_goes_both_ways_as_it_is(imap_certificate: Path, literals: str) -> None:
    capabilities = f"{USUAL.replace(' LITERAL+', literals)} UTF8=ACCEPT"
    with served(imap_certificate, Manner(capabilities=capabilities)) as server:
        folder = server.folder("Entwürfe & Co")
        for sender in (JANE, "jürgen@example.com"):
            folder.deliver(mail_of(sender).replace(b"subject 1", "für dich".encode()))
        other = folder.raws[1]
        driver = MailstoreDriver(system_of(server.settings()))
        (record,) = records(driver)
        assert record.locator.collection == "Entwürfe & Co"

        (outcome,) = driver.change([redaction(driver, record)], REWRITER)

        driver.close()
        assert isinstance(outcome, Done)
        assert folder.raws[0] == other
        assert len(folder.raws) == 2
        assert "für dich".encode() in folder.raws[1]
        assert JANE.encode() not in folder.raws[1]


def test_a_server_that_cannot_remove_single_mails_is_refused_before_anything_is_approved(imap_certificate: Path) -> None:
    with served(imap_certificate, Manner(capabilities=NO_UIDPLUS)) as server:
        fill(server)
        driver = MailstoreDriver(system_of(server.settings()))
        first, second = records(driver)
        changes = [deletion(driver, first), redaction(driver, second)]

        assert "mail.no_uidplus" in {problem.code for problem in driver.check()}
        assert [entry.refusal and entry.refusal.code for entry in driver.foresee(changes, REWRITER)] == ["mail.no_uidplus"] * 2
        with pytest.raises(NotSupported) as caught:
            driver.change(changes, REWRITER)
        driver.close()
        assert caught.value.code == "mail.no_uidplus"
        assert not {"UID STORE", "UID EXPUNGE", "EXPUNGE", "CLOSE", "APPEND"} & set(server.verbs())
        assert len(server.folder("INBOX").letters) == 4


def test_a_folder_whose_uids_do_not_last_is_searched_and_not_changed(imap_certificate: Path) -> None:
    with served(imap_certificate, Manner(is_sticky=False)) as server:
        fill(server)
        driver = MailstoreDriver(system_of(server.settings()))
        found = records(driver)
        changes = [deletion(driver, record) for record in found]

        assert {problem.code for problem in driver.check() if not problem.is_note} == {"mail.uid_not_sticky"}
        # Known by its number a mail would be passed over that has another's number by now.
        assert all(isinstance(mail, Mail) and not mail.told for mail in driver._store.mails("INBOX", ("0", "1", "*")))
        assert [entry.refusal and entry.refusal.code for entry in driver.foresee(changes, REWRITER)] == ["mail.uid_not_sticky"] * 2
        with pytest.raises(NotSupported):
            driver.change(changes, REWRITER)
        driver.close()
        assert len(server.folder("INBOX").letters) == 4


def test_a_server_that_stores_another_mail_than_it_was_given_keeps_the_old_one(imap_certificate: Path) -> None:
    with served(imap_certificate, Manner(alters=lambda raw: raw.replace(b"hello", b"HELLO"))) as server:
        fill(server)
        driver = MailstoreDriver(system_of(server.settings()))
        before = server.folder("INBOX").raws
        change = redaction(driver, records(driver)[0])

        (outcome,) = driver.change([change], REWRITER)

        driver.close()
        assert isinstance(outcome, Failed)
        assert outcome.code == "mail.altered_by_server"
        assert server.folder("INBOX").raws == before


@pytest.mark.parametrize("told", [b"77 4", b"77 2", b"78 4"])
def test_a_server_that_names_another_mail_as_the_one_it_was_given_loses_none(imap_certificate: Path, told: bytes) -> None:
    """Some store no mail twice and name the first; a folder may be made anew just before."""
    with served(imap_certificate) as server:
        fill(server)
        driver = MailstoreDriver(system_of(server.settings()))
        before = server.folder("INBOX").raws
        change = redaction(driver, records(driver)[0])
        server.twist = lambda verb, line: b"{tag} OK [APPENDUID %s] done\r\n" % told if verb == "APPEND" else None

        (outcome,) = driver.change([change], REWRITER)

        driver.close()
        assert isinstance(outcome, Failed)
        assert outcome.code == "mail.not_appended"
        assert server.folder("INBOX").raws == before


def test_two_equal_mails_stay_two_also_if_they_are_rewritten_one_after_the_other(imap_certificate: Path) -> None:
    with served(imap_certificate) as server:
        for _ in range(2):
            server.folder("INBOX").deliver(mail_of(JANE), "\\Flagged")
        driver = MailstoreDriver(system_of(server.settings()))
        changes = [redaction(driver, record) for record in records(driver)]

        outcomes = [driver.change([change], REWRITER)[0] for change in changes]

        driver.close()
        assert all(isinstance(outcome, Done) for outcome in outcomes)
        assert [JANE.encode() in raw for raw in server.folder("INBOX").raws] == [False, False]


# --- answers that cannot be right --------------------------------------------------------------------------------------

DONE = b"{tag} OK done\r\n"


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("UID FETCH", b"* 1 FETCH (UID 1 BODY[] {99999999999999}\r\n"),
        ("UID FETCH", b"* 1 FETCH (UID 1 BODY[] {" + b"9" * 6000 + b"}\r\n"),
        ("UID FETCH", b"* 1 FETCH (UID 1 RFC822.SIZE " + b"(" * 100_000 + b"\r\n" + DONE),
        ("UID FETCH", b"* 1 FETCH (UID 1 RFC822.SIZE x INTERNALDATE NIL FLAGS ())\r\n" + DONE),
        ("UID FETCH", b"* 1 FETCH garbage\r\n" + DONE),
        ("UID FETCH", b"{tag} WHAT\r\n"),
        ("UID FETCH", b"* BYE bye\r\n"),
        ("UID FETCH", b""),
        ("UID FETCH", DONE),
        ("UID FETCH", b'* 1 FETCH (FLAGS (\\Seen) RFC822.SIZE 1 INTERNALDATE " 4-Mar-2021 05:06:07 +0000")\r\n' + DONE),
        ("UID SEARCH", DONE),
        ("UID SEARCH", b"* SEARCH one two\r\n" + DONE),
        ("UID SEARCH", b'* ESEARCH (TAG "x") UID ALL 1:4294967295\r\n' + DONE),
        ("UID SEARCH", b"* BYE bye\r\n"),
        ("EXAMINE", DONE),
        ("EXAMINE", b"* many EXISTS\r\n" + DONE),
        ("EXAMINE", b"A0 OK nobody asked\r\n"),
        ("LIST", b"* LIST (\\HasNoChildren\r\n" + DONE),
        ("LIST", b"* BYE bye\r\n"),
        ("AUTHENTICATE", b"+ ???\r\n" * 20),
        ("AUTHENTICATE", b"* BYE too many\r\n"),
        ("CAPABILITY", b"* BYE bye\r\n"),
        ("CAPABILITY", b"* CAPABILITY IMAP4rev2\r\n" + DONE),
        ("ENABLE", b"{tag} BAD what\r\n"),
    ],
)
def test_an_answer_that_cannot_be_right_is_an_error_and_not_a_result(imap_certificate: Path, verb: str, answer: bytes) -> None:
    with served(imap_certificate) as server:
        fill(server)
        server.twist = lambda said, line: answer if said == verb else None
        driver = MailstoreDriver(system_of(server.settings()))

        with pytest.raises(DsrError) as caught:
            told_by(driver, about())

        driver.close()
        assert caught.value.code.startswith("mail.")
        assert JANE not in str(caught.value)


def test_answers_about_other_mails_in_the_middle_change_nothing(imap_certificate: Path) -> None:
    """A flag that somebody sets meanwhile is told by the mail's place, which looks like another mail's UID."""
    with served(imap_certificate) as server:
        fill(server)
        server.folder("INBOX").letters = server.folder("INBOX").letters[2:]  # places 1 and 2, UIDs 3 and 4
        noise = b"* 3 FETCH (FLAGS (\\Seen \\Draft))\r\n* 4 EXISTS\r\n* OK [ALERT] full\r\n* 9 FETCH (UID 3 FLAGS (\\Flagged))\r\n"

        with session_of(server) as session:
            session.select(b"INBOX")
            server.twist = lambda verb, line: _before(server, noise) if verb == "UID FETCH" else None
            metas = session.metas([3, 4])

    assert [(meta.uid, meta.flags) for meta in metas] == [(3, (b"\\Flagged",)), (4, (b"\\Flagged",))]


def _before(server: ScriptedImap, noise: bytes) -> bytes:
    rows = b"".join(
        b'* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE "%s" FLAGS (\\Flagged))\r\n' % (place, mail.uid, len(mail.raw), mail.date.encode())
        for place, mail in enumerate(server.folder("INBOX").letters, 1)
    )
    return noise + rows + noise + DONE


def test_a_mail_that_comes_twice_with_two_contents_is_no_content(imap_certificate: Path) -> None:
    with served(imap_certificate) as server, session_of(server) as session:
        fill(server)
        session.select(b"INBOX")
        metas = session.metas([1])
        server.twist = lambda verb, line: b"* 1 FETCH (UID 1 BODY[] {1}\r\na)\r\n* 1 FETCH (UID 1 BODY[] {1}\r\nb)\r\n" + DONE
        with pytest.raises(Unreachable) as caught:
            list(session.bodies(metas))
        server.twist = lambda verb, line: None
    assert caught.value.code == "mail.garbled"


def test_a_mail_that_is_listed_and_not_described_is_not_passed_over(imap_certificate: Path) -> None:
    with served(imap_certificate) as server, session_of(server) as session:
        fill(server)
        session.select(b"INBOX")
        server.twist = lambda verb, line: DONE if verb == "UID FETCH" else None
        with pytest.raises(Unreachable) as caught:
            session.metas([1, 2])
        assert caught.value.code == "mail.undescribed"
        assert session.metas([99]) == []


def test_a_mail_whose_headers_are_not_given_is_not_passed_over(imap_certificate: Path) -> None:
    with served(imap_certificate) as server:
        fill(server)
        answer = b"* 1 FETCH (UID 1 BODY[HEADER.FIELDS (DATE FROM)] NIL)\r\n{tag} OK done\r\n"
        server.twist = lambda verb, line: answer if b"FIELDS (DATE FROM)" in line else None
        driver = MailstoreDriver(system_of(server.settings()))
        query = replace(about(), facts={"*": ("sender_domain",)})
        told = [answer for part in driver.slices(query) if part.collection == "INBOX" for answer in driver.find(query, part)]
        driver.close()
        assert [entry.code for entry in told if isinstance(entry, Gap)] == ["mail.unreadable", "mail.unreadable"]


def test_an_answer_without_end_is_cut_off(imap_certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, bound in (("MOST_ANSWER", 50_000), ("MOST_LINES", 100), ("MOST_LINE", 1_000), ("MOST_LITERAL", 1_000)):
        with monkeypatch.context() as patched, served(imap_certificate) as server, session_of(server) as session:
            fill(server)
            session.select(b"INBOX")
            patched.setattr(imap_wire, name, bound)
            endless = b"* OK still here" + b"x" * 900 + b"\r\n"
            told = {"MOST_LINE": b"* OK " + b"x" * 2_000, "MOST_LITERAL": b"* 1 FETCH (UID 1 BODY[] {2000}\r\n"}.get(name, endless * 200)
            server.twist = lambda verb, line, told=told: told  # type: ignore[misc]  # bound now
            with pytest.raises(Unreachable) as caught:
                session.metas([1])
            assert caught.value.code == "mail.garbled"


def test_an_answer_that_drips_in_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_wire, "_WHOLE", -1.0)
    source = Source(Pipe(b"* OK still here", 1), Tally(), deflated=b"")  # type: ignore[arg-type]  # all of a socket that it uses
    with pytest.raises(TimeoutError):
        source.read(1)


def test_what_a_server_says_is_never_repeated() -> None:
    for error in (ValueError("jane@example.com"), KeyError("jane@example.com"), Garbled("jane@example.com"), OSError("jane@example.com")):
        with pytest.raises(DsrError) as caught, answers():
            raise error
        assert "jane" not in str(caught.value)
        assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("greeting", "family", "code"),
    [
        ("BYE too busy, jane", Unreachable, "mail.unavailable"),
        ("NO go away", DsrError, "mail.refused"),
    ],
)
def test_a_server_that_does_not_let_anybody_in_is_told_as_what_it_is(
    imap_certificate: Path, greeting: str, family: type[DsrError], code: str
) -> None:
    with served(imap_certificate, Manner(greeting=greeting)) as server, session_of(server) as session:
        with pytest.raises(family) as caught:
            session.select(b"INBOX")
        assert caught.value.code == code
        assert "jane" not in str(caught.value)


def test_a_server_that_will_not_enable_is_used_without(imap_certificate: Path) -> None:
    with served(imap_certificate) as server, session_of(server) as session:
        server.twist = lambda verb, line: b"{tag} NO not now\r\n" if verb in ("ENABLE", "COMPRESS") else None
        assert session.select(b"INBOX").exists == 0


_PIECES = st.sampled_from(
    [
        b"(",
        b")",
        b"1",
        b"7",
        b"UID",
        b"FETCH",
        b"FLAGS",
        b"BODY[]",
        b"NIL",
        b'"',
        b" ",
        b"\\Seen",
        b"RFC822.SIZE",
        b"INTERNALDATE",
        b"{3}",
        b"[",
        b"\0",
    ]
)


@given(st.lists(_PIECES, max_size=40).map(b" ".join) | st.binary(max_size=80))
def test_whatever_a_server_says_of_mails_is_read_or_an_error_of_the_engine(said: bytes) -> None:
    rows: list[tuple[int, dict[bytes, object]]] = []
    with suppress(DsrError), answers():
        rows = list(_rows([said]))
    assert all(uid > 0 and all(isinstance(name, bytes) for name in row) for uid, row in rows)


@given(st.binary(max_size=60))
def test_a_set_of_uids_is_read_or_refused(written: bytes) -> None:
    try:
        found = uids_of(written)
    except (ValueError, Garbled):
        return
    assert all(uid >= 0 for uid in found)


# --- compression -------------------------------------------------------------------------------------------------------


class Pipe:
    """A socket that gives what it was filled with, a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step = data, step

    def recv(self, most: int) -> bytes:
        piece, self.data = self.data[: min(most, self.step)], self.data[min(most, self.step) :]
        return piece


@given(st.binary(max_size=3000), st.integers(1, 500), st.integers(1, 700), st.integers(0, 40))
def test_what_was_compressed_comes_out_as_it_was(data: bytes, step: int, most: int, ahead: int) -> None:
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = b"".join(deflater.compress(data[at : at + 100]) + deflater.flush(zlib.Z_SYNC_FLUSH) for at in range(0, len(data), 100))
    source = Source(Pipe(packed[ahead:], step), Tally(), deflated=packed[:ahead])  # type: ignore[arg-type]  # all of a socket that it uses

    found = b"".join(iter(lambda: source.read(most) or b"", b""))

    assert found == data


def test_a_bomb_comes_out_in_pieces_and_ends_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_wire, "MOST_ANSWER", 5_000_000)
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = bomb.compress(b"\0" * 50_000_000) + bomb.flush()
    source = Source(Pipe(packed, 10_000), Tally(), deflated=b"")  # type: ignore[arg-type]  # as above
    pieces = iter(lambda: source.read(65_536), b"")
    longest: list[int] = []
    with pytest.raises(Garbled):
        longest.extend(len(piece or b"") for piece in pieces)
    assert 1 <= max(longest) <= 65_536


def test_a_damaged_stream_is_no_answer() -> None:
    source = Source(Pipe(b"\xff\xff\xff\xff", 10), Tally(), deflated=b"")  # type: ignore[arg-type]  # as above
    with pytest.raises(Garbled):
        source.read(10)


def test_a_server_that_can_is_spoken_to_compressed(imap_certificate: Path) -> None:
    with served(imap_certificate, Manner(capabilities=f"{USUAL} COMPRESS=DEFLATE")) as server, session_of(server) as session:
        server.folder("INBOX").deliver(mail_of(JANE) + b"padding " * 100_000)
        session.select(b"INBOX")
        ((_, body),) = session.bodies(session.metas([1]))
        assert body == server.folder("INBOX").raws[0]
        assert "COMPRESS DEFLATE" in server.commands


def test_counts_say_how_far_was_looked(imap_certificate: Path) -> None:
    with served(imap_certificate) as server:
        fill(server)
        driver = MailstoreDriver(system_of(server.settings()))
        looked = [(answer.collection, answer.count) for answer in told_by(driver, about()) if isinstance(answer, Looked)]
        driver.close()
    assert sum(count for folder, count in looked if folder == "INBOX") == 4
    assert {folder for folder, _ in looked} == {"INBOX", "Sent"}


@pytest.fixture(scope="module")
def squeezing() -> Iterator[DovecotServer]:
    """Dovecot with its plugin for COMPRESS=DEFLATE."""
    with running(("mail_plugins = acl", "mail_plugins = acl imap_zlib")) as server:
        yield server


def test_dovecot_is_erased_over_a_compressed_line_as_over_any_other(squeezing: DovecotServer) -> None:
    box = DovecotBox(squeezing)
    for number, sender in enumerate((JANE, "ann@example.com", JANE), 1):
        box.deliver("INBOX", mail_of(sender, number) + b"x" * 100_000, is_seen=True)
    before = next(mail for mail in box.stored()["INBOX"] if b"ann@example.com" in mail.raw)
    driver = MailstoreDriver(box.system())
    session = Session(account_of(box.system()))
    assert session.has("COMPRESS=DEFLATE")
    session.close()

    first, second = records(driver)
    changes = [deletion(driver, first), redaction(driver, second)]
    assert all(isinstance(outcome, Done) for outcome in driver.change(changes, REWRITER))
    driver.close()

    after = box.stored()["INBOX"]
    assert len(after) == 2
    assert before in after
    assert not [mail for mail in after if JANE.encode() in mail.raw]


def test_dovecot_lets_a_master_user_in_by_either_way(squeezing: DovecotServer) -> None:
    box = DovecotBox(squeezing)
    box.deliver("INBOX", mail_of(JANE))
    ways = ({"user": f"{box.user}*svc-erase"}, {"user": box.user, "master_user": "svc-erase"})
    servers = []
    for way in ways:
        driver = MailstoreDriver(box.system(**way, password="master-secret"))
        servers += [record.server for record in records(driver)]
        driver.close()
    assert len(servers) == 2
    assert len(set(servers)) == 1
