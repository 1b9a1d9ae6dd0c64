"""A search looks over ordinary mails without reading them in full, and finds exactly those that it would find otherwise."""

import base64
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

import pytest

from dsr_engine.content.mail.mime import Mime
from dsr_engine.content.mail.skim import Skimmer
from dsr_engine.content.match import Matcher
from dsr_engine.domain.record import Gap, Record
from dsr_engine.domain.selector import Selector
from dsr_engine.drivers.driver import AboutSubjects, Looked
from dsr_engine.drivers.mailstore import message as message_module
from dsr_engine.drivers.mailstore import screening
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from tests.benchmarks.mail_corpus import PERSON, letters
from tests.content.mail_corpus import encoded_words, raw_headers
from tests.content.mail_corpus_bodies import broken_structures, charsets, structures, transfer_encodings
from tests.content.people import selector
from tests.drivers.mailstore_boxes import system_of

ROE: tuple[Selector, ...] = (selector("email", PERSON[1]), selector("name", PERSON[0]))
MATCHER = Matcher({"case-1": ROE}, "hyperscan")
COUNT = 250


def maildir(root: Path, mails: Sequence[bytes]) -> Path:
    for part in ("cur", "new", "tmp"):
        (root / part).mkdir(parents=True)
    for number, raw in enumerate(mails):
        (root / "cur" / f"{1_600_000_000 + number}.M{number}P1.host:2,S").write_bytes(raw)
    return root


def looked(root: Path) -> tuple[set[str], list[str], int]:
    """Which mails hold her, by the number in their name, the codes of gaps, and how many mails were looked at."""
    driver = MailstoreDriver(system_of({"url": f"maildir:{root}"}))
    query = AboutSubjects({"case-1": ROE}, MATCHER.gate, {})
    given = [each for part in driver.slices(query) for each in driver.find(query, part)]
    hers = {each.locator.key[0].split(".")[1] for each in given if isinstance(each, Record) and MATCHER.findings(each)}
    return hers, [each.code for each in given if isinstance(each, Gap)], sum(each.count for each in given if isinstance(each, Looked))


def with_file(number: int, content: bytes, name: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.org", "b@example.org", f"no {number}"
    mail.set_content(f"this is mail {number}\n")
    mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()


def test_a_search_that_skims_finds_what_one_that_reads_in_full_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mails = [letter.raw for letter in letters(COUNT) if b"application/pdf" not in letter.raw]
    mails[::40] = [raw.replace(b"\n\n", b"\n\nWe told Jane\nRoe.\n", 1) for raw in mails[::40]]
    root = maildir(tmp_path / "Maildir", mails)
    skimming = looked(root)
    monkeypatch.setattr(Skimmer, "skim", lambda *_: None)
    assert skimming == looked(root)
    assert len(skimming[0]) >= 3
    assert skimming[1:] == ([], len(mails))


def odd_mails() -> list[bytes]:
    """Mails of every kind, most of them odd in some way; about every fourth names her somewhere."""
    mails = [letter.data for maker in (encoded_words, raw_headers, charsets, transfer_encodings, structures, broken_structures) for letter in maker()]
    mails += [letter.raw for letter in letters(30) if b"application/pdf" not in letter.raw]
    wrapped = base64.encodebytes(b"some words of nobody, " * 9 + b"and Jane Roe, " + b"and more of them. " * 9)
    mails += [
        b"From: a@example.org\r\rhello\rJane Roe\r",
        b"From: a@example.org\n\nnul\0 Jane\0 Roe\n",
        b"From: a@example.org\n\n" + b"J\0a\0n\0e\0 \0R\0o\0e\0",
        b"From: a@example.org\nContent-Transfer-Encoding: base64\n\n" + wrapped,
        b"From: a@example.org\n\na key\n" + wrapped + b"\nand text\n",
        b'From: a@example.org\nContent-Type: multipart/mixed; boundary="b"\n\n--c\n\nJane Roe\n--c--\n',
        b'From: a@example.org\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n\nhello\n--b--\n--b\n\nJane Roe\n--b--\n',
        b'From: a@example.org\nContent-Type: multipart/mixed;\n boundary="b"\n\n--b\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n\nx',
        b"From: a@example.org\n\n" + b"nothing in it\n" * 90_000,
        b"From: a@example.org\n\n" + b"nothing in it\n" * 90_000 + b"but Jane Roe\n",
        b"From: a@example.org\nContent-Type: text/html\n\n<p>Ja<b>ne</b> Ro<i>e</i></p>",
        b"From: a@example.org\nContent-Transfer-Encoding: quoted-printable\n\nJa= \nne=20R=6F=\ne\n",
        b"",
        b"\n",
    ]
    mails[::4] = [raw.replace(b"\n\n", b"\n\nWe told Jane\nRoe.\n", 1) for raw in mails[::4]]
    mails[1::16] = [b"Comments: jane.roe\n @example.com\n" + raw for raw in mails[1::16]]
    return [*mails, *(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for raw in mails[::3])]


@pytest.mark.slow
def test_odd_mails_among_others_are_found_and_told_as_each_is_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mails = odd_mails()
    root = maildir(tmp_path / "Maildir", mails)
    together = looked(root)
    monkeypatch.setattr(screening, "_MAILS", 1)
    assert together == looked(root)
    monkeypatch.setattr(Skimmer, "skim", lambda *_: None)
    hers, gaps, count = looked(root)
    assert (hers, sorted(gaps), count) == (together[0], sorted(together[1]), together[2])
    assert count == len(mails)
    assert len(hers) > len(mails) // 5
    assert len(set(gaps)) > 5


def test_ordinary_mails_without_her_are_not_read_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hers = next(letter.raw for letter in letters(2000) if letter.is_hers)
    others = [letter.raw for letter in letters(60) if not letter.is_hers and b"multipart/mixed" not in letter.raw]
    read_in_full: list[bool] = []
    read = Mime.read
    monkeypatch.setattr(Mime, "read", lambda self, open_file, reading: read_in_full.append(True) or read(self, open_file, reading))  # type: ignore[func-returns-value]  # None is false
    assert looked(maildir(tmp_path / "Maildir", [*others, hers])) == ({f"M{len(others)}P1"}, [], len(others) + 1)
    assert len(read_in_full) == 1


def test_a_file_that_is_sent_around_is_found_in_each_mail_that_has_it(tmp_path: Path) -> None:
    clean, hers = b"no;name\n1;nobody at all\n" * 20, b"no;name\n1;Jane Roe\n" * 20
    mails = [with_file(number, hers if number in (5, 6, 260) else clean, "a.csv") for number in range(270)]
    assert looked(maildir(tmp_path / "Maildir", mails))[0] == {"M5P1", "M6P1", "M260P1"}


def test_what_cannot_be_read_is_told_for_each_mail(tmp_path: Path) -> None:
    noise = bytes(range(256)) * 20
    mails = [with_file(number, noise if number % 2 else b"x;y\n1;2\n" * 9, "a.bin" if number % 2 else "a.csv") for number in range(8)]
    mails.append(b"From: a@example.org\nContent-Type: text/plain\n\n-----BEGIN PGP MESSAGE-----\n" + base64.b64encode(noise))
    _, gaps, count = looked(maildir(tmp_path / "Maildir", mails))
    assert sorted(gaps) == ["binary.unknown"] * 4 + ["mime.encrypted"]
    assert count == 9


def test_a_mail_that_is_longer_than_the_skimmer_reads_is_read_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_module, "LARGEST", 2000)
    long = b"From: a@example.org\n\n" + b"nothing in it\n" * 200
    mails = [long, long + b"but Jane Roe\n", b"From: a@example.org\n\nJane\n", b"From: jane.roe@example.com\n\nx\n"]
    assert looked(maildir(tmp_path / "Maildir", mails)) == ({"M1P1", "M3P1"}, [], 4)
