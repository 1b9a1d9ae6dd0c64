"""Folders that are named after the person: found, given another name with all that is in them, and known under it; others stay as they are."""

import imaplib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient import imap_utf7

from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.correspondence import FOLDER, FOLDER_NAME
from dsr_engine.domain.errors import ManifestWrong
from dsr_engine.domain.finding import Confidence
from dsr_engine.domain.plan import Delete, Edit, Effect, RedactSpans, Rewrite
from dsr_engine.domain.record import Locator, Record
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.domain.system import CollectionMap, Manifest, System
from dsr_engine.drivers.driver import AboutSubjects, Absent, Change, Done, Drifted, Failed, Foreseen, Looked, Moved, Present, Watched
from dsr_engine.drivers.mailstore import subscription_files
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.folder_names import KEY, marked
from dsr_engine.drivers.mailstore.reading import MailstoreReader
from dsr_engine.drivers.reading import Bounds
from tests.drivers.mailstore_boxes import DELIVERED, DovecotBox, letter
from tests.drivers.mailstore_estates import at_dovecot, dovecot_boxes, said
from tests.servers.dovecot import DovecotServer, running

JANE, NAME = "jane.roe@example.org", "Jane Roe"
SELECTORS = (Selector("s1", "email", Secret(JANE), verified=True), Selector("s2", "name", Secret(NAME), verified=True))
MATCHER = Matcher({"case-1": SELECTORS})
REWRITER = CaseRewriter(MATCHER, "case-1", b"k" * 32)
RENAME = Rewrite((Edit(FOLDER_NAME, RedactSpans()),))
KINDS = ("maildir", "mbox", "eml", "dovecot")
#: Folders with one mail each; those of other people keep theirs.
HERS, BELOW, OTHERS = f"Clients/{NAME}", f"Clients/{NAME}/Invoices", ("Clients/Ann Roe", "Clients/Jane Rowan", "Archive")


@dataclass
class Estate:
    """A mailbox on a disk or on a server; `path` writes a folder's name as the driver does."""

    kind: str
    root: Path
    box: DovecotBox | None = None

    def path(self, folder: str) -> str:
        return folder.replace("/", ".") if self.kind == "maildir" else folder

    def driver(self, **settings: str) -> MailstoreDriver:
        return MailstoreDriver(self.system(**settings))

    def system(self, **settings: str) -> System:
        if self.box is not None:
            return self.box.system(**settings)
        return System(
            "mail", Manifest("mail", "mailstore"), {"url": Secret(f"{self.kind}:{self.root}")} | {n: Secret(v) for n, v in settings.items()}
        )

    def put(self, folder: str, raw: bytes) -> None:
        if self.box is not None:
            with self.box.client() as client:
                client.create(f'"{folder}"')
                client.append(f'"{folder}"', "(\\Seen)", imaplib.Time2Internaldate(DELIVERED), raw.replace(b"\n", b"\r\n"))
            return
        if self.kind == "maildir":
            for part in ("cur", "new", "tmp"):
                (self.root / f".{self.path(folder)}" / part).mkdir(parents=True, exist_ok=True)
            file = self.root / f".{self.path(folder)}" / "cur" / "1600000000.M1P7.host:2,S"
        elif self.kind == "mbox":
            raw = b"From shop@example.com Thu Mar 04 05:06:07 2021\n" + raw + b"\n"
            file = self.root / f"{folder}.mbox" if folder == HERS else self.root / folder
        else:
            file = self.root / folder / "1.eml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)
        os.utime(file, (DELIVERED.timestamp(), DELIVERED.timestamp()))

    def names(self) -> set[str]:
        """The folders that have mail, as other eyes see them, with slashes."""
        return {name for name, _ in self.mails()}

    def mails(self) -> set[tuple[str, bytes]]:
        """Every mail with its folder, flags and date."""
        if self.box is None:
            files = [path for path in self.root.rglob("*") if path.is_file() and b"From: " in path.read_bytes()]
            return {
                (self._folder(path), repr((int(path.stat().st_mtime), path.name.partition(":")[2], path.read_bytes())).encode()) for path in files
            }
        found = set()
        with self.box.client() as client:
            for line in client.list()[1]:
                name = re.search(rb' "/" "?(.*?)"?$', line)[1].decode()  # type: ignore[index,arg-type]  # a test's own reading
                if client.select(f'"{name}"', readonly=True)[0] == "OK":
                    for uid in client.uid("SEARCH", "ALL")[1][0].split():
                        found.add((name, repr(client.uid("FETCH", uid.decode(), "(FLAGS INTERNALDATE BODY.PEEK[])")[1]).encode()))
        return found

    def _folder(self, path: Path) -> str:
        if self.kind == "mbox":
            return path.relative_to(self.root).as_posix().removesuffix(".mbox")
        folder = (path.parent.parent if self.kind == "maildir" else path.parent).relative_to(self.root).as_posix()
        return folder.removeprefix(".").replace(".", "/") if self.kind == "maildir" else folder


def estate_of(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Estate:
    if kind == "dovecot":
        return Estate(kind, tmp_path, DovecotBox(request.getfixturevalue("dovecot")))
    root = tmp_path / "mail"
    root.mkdir()
    if kind == "maildir":
        for part in ("cur", "new", "tmp"):
            (root / part).mkdir()
    return Estate(kind, root)


@pytest.fixture(params=KINDS)
def estate(request: pytest.FixtureRequest, tmp_path: Path) -> Estate:
    made = estate_of(request.param, tmp_path, request)
    for folder in (HERS, BELOW, *OTHERS):
        made.put(folder, letter("ann@example.net", "shop@example.com", f"of {folder[:7]}", "Tea, please."))
    return made


@contextmanager
def opened(estate: Estate, **settings: str) -> Iterator[MailstoreDriver]:
    driver = estate.driver(**settings)
    try:
        yield driver
    finally:
        driver.close()


def found(driver: MailstoreDriver) -> list[Record]:
    query = AboutSubjects({"case-1": SELECTORS}, MATCHER.gate)
    answers = [answer for part in list(driver.slices(query)) for answer in driver.find(query, part)]
    assert all(isinstance(answer, Record | Looked) for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, Record)]


def named(driver: MailstoreDriver) -> list[Record]:
    return [record for record in found(driver) if record.locator.key == KEY]


def foreseen(driver: MailstoreDriver, record: Record, effect: Effect = RENAME) -> Foreseen:
    return driver.foresee([Change(record.locator, effect, (), b"", "")], REWRITER)[0]


def renamed(driver: MailstoreDriver, record: Record) -> Foreseen:
    """Foresees the new name of a folder, and gives it."""
    told = foreseen(driver, record)
    assert told.refusal is None
    assert told.state is not None
    assert told.becomes is not None
    outcome = driver.change([Change(record.locator, RENAME, (), told.state, told.server)], REWRITER)[0]
    assert outcome == Done(told.becomes), outcome
    return told


def test_the_name_is_a_record_that_mentions_the_person_and_nothing_else_is_one(estate: Estate) -> None:
    with opened(estate) as driver:
        records = found(driver)
    assert {record.locator.key for record in records} == {KEY}
    hits = {(hit.place, hit.role, hit.kind, hit.is_rewritable) for record in records for one in MATCHER.findings(record) for hit in one.hits}
    assert hits == {(FOLDER_NAME, FOLDER, "name", True)}
    paths = {estate.path(HERS), f"{estate.path(HERS)}.mbox"} if estate.kind == "mbox" else {estate.path(HERS)}
    assert {record.locator.collection for record in records} == paths


def test_a_folder_gets_another_name_with_all_that_is_in_it_and_below_it_and_nothing_else_changes(estate: Estate) -> None:
    before = estate.mails()
    with opened(estate) as driver:
        for record in named(driver):
            renamed(driver, record)
    after = estate.mails()
    assert not any(NAME in name for name, _ in after)
    assert {mail for mail in before if NAME not in mail[0]} == {mail for mail in after if "[redacted" not in mail[0]}
    assert sorted(mail for name, mail in before if NAME in name) == sorted(mail for name, mail in after if "[redacted" in name)
    (fresh,) = {re.sub(r"/Invoices$", "", name) for name, _ in after if "[redacted" in name}
    assert re.fullmatch(r"Clients/\[redacted [0-9a-f]{8}\]", fresh)
    with opened(estate) as driver:
        assert named(driver) == []


def test_a_rename_is_known_afterwards_by_its_state_and_the_mails_of_the_folder_are_where_they_moved_to(estate: Estate) -> None:
    with opened(estate) as driver:
        server = found(driver)[0].server
        everything = [item for part in driver.slices(_anything()) for item in driver.find(_anything(), part) if isinstance(item, Record)]
        hers = [record.locator for record in everything if NAME in record.locator.collection]
        assert len(hers) == 2
        before = driver.observe([Watched(locator) for locator in hers])
        tellings = [(record, renamed(driver, record)) for record in named(driver)]
    with opened(estate) as driver:
        for record, told in tellings:
            (seen,) = driver.observe([Watched(record.locator, becomes=_is(told.becomes))])
            assert isinstance(seen, Moved)
            assert seen.state == told.becomes
            assert NAME not in seen.to.collection
        for old, now in zip(before, driver.observe([Watched(locator) for locator in hers]), strict=True):
            assert isinstance(old, Present)
            assert isinstance(now, Moved)
            assert now.state == old.state
            assert NAME not in now.to.collection
            assert driver.observe([Watched(now.to)])[0] == Present(server, old.state, old.created)


def _is(state: bytes | None) -> Callable[[bytes], bool]:
    return lambda other: other == state


def _anything() -> AboutSubjects:
    everybody = (Selector("s1", "email", Secret("ann@example.net"), verified=True),)
    return AboutSubjects({"case-1": everybody}, Matcher({"case-1": everybody}).gate)


def test_a_second_try_finds_what_the_first_has_done(estate: Estate) -> None:
    with opened(estate) as driver:
        records = named(driver)
        tellings = [renamed(driver, record) for record in records]
        after = estate.mails()
    with opened(estate) as driver:
        for record, told in zip(records, tellings, strict=True):
            assert told.state is not None
            outcome = driver.change([Change(record.locator, RENAME, (), told.state, told.server)], REWRITER)[0]
            assert outcome in (Drifted("changed"), Drifted("absent"), Done(told.becomes))
    assert estate.mails() == after


def test_a_folder_that_is_gone_is_drift_and_no_other_is_taken_for_it(estate: Estate) -> None:
    with opened(estate) as driver:
        record = named(driver)[0]
        told = foreseen(driver, record)
        gone = Locator("mail", record.locator.collection.replace(NAME, "Nobody Here"), KEY)
        assert isinstance(driver.observe([Watched(gone)])[0], Absent)
        assert told.state is not None
        assert driver.change([Change(gone, RENAME, (), told.state, told.server)], REWRITER)[0] == Drifted("absent")
        with pytest.raises(ManifestWrong) as caught:
            driver.observe([Watched(Locator("mail", gone.collection, ("1", "2", "3", "4", "5", "6")))])
        assert caught.value.code == "mail.no_folder"


def test_a_folder_is_not_deleted_and_never_takes_anothers_name(estate: Estate) -> None:
    with opened(estate) as driver:
        record = named(driver)[0]
        refusal = foreseen(driver, record, Delete()).refusal
        assert refusal is not None
        assert refusal.code == "mail.folder_deleted"
        fresh = f"Clients/{marked(NAME, REWRITER)}" + (".mbox" if record.locator.collection.endswith(".mbox") else "")
        estate.put(fresh, letter("ann@example.net", "shop@example.com", "in the way", "Tea, please."))
        before = {mail for mail in estate.mails() if NAME not in mail[0]}
        for record in named(driver):
            told = renamed(driver, record)
            assert isinstance(driver.observe([Watched(record.locator, becomes=_is(told.becomes))])[0], Moved)
    after = estate.mails()
    assert before <= after
    assert not any(NAME in name for name, _ in after)
    assert any(name.startswith(f"Clients/{marked(NAME, REWRITER, 1)}") for name, _ in after)


def test_a_folder_that_the_settings_name_is_refused_before_anybody_approves(estate: Estate) -> None:
    with opened(estate, folders=f"Archive,{estate.path(BELOW)}") as driver:
        (record,) = named(driver)
        refusal = foreseen(driver, record).refusal
    assert refusal is not None
    assert refusal.code == "mail.folder_listed"
    listed = System("mail", Manifest("mail", "mailstore", collections=(CollectionMap(estate.path(HERS)),)), estate.system().settings)
    driver = MailstoreDriver(listed)
    refusals = {told.code for record in named(driver) if (told := foreseen(driver, record).refusal) is not None}
    driver.close()
    assert refusals == {"mail.folder_listed"}


@pytest.mark.parametrize("kind", KINDS)
def test_folders_within_folders_are_each_renamed_the_deeper_one_first(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    estate = estate_of(kind, tmp_path, request)
    for folder in (f"{NAME}/letters of {NAME}", f"{NAME}/other"):
        estate.put(folder, letter("ann@example.net", "shop@example.com", "hello", "Tea, please."))
    with opened(estate) as driver:
        records = sorted(named(driver), key=lambda record: -len(record.locator.collection))
        assert len(records) == 2
        tellings = [renamed(driver, record) for record in records]
        for record, told in zip(records, tellings, strict=True):
            (seen,) = driver.observe([Watched(record.locator, becomes=_is(told.becomes))])
            assert isinstance(seen, Moved)
            assert seen.state == told.becomes
    assert {re.sub("[0-9a-f]{8}", "", name) for name in estate.names()} == {"[redacted ]/letters of [redacted ]", "[redacted ]/other"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_is_kept_is_known_when_the_one_above_it_was_renamed(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    estate = estate_of(kind, tmp_path, request)
    estate.put(f"{NAME}/letters of {NAME}", letter("ann@example.net", "shop@example.com", "hello", "Tea, please."))
    with opened(estate) as driver:
        above, below = sorted(named(driver), key=lambda record: len(record.locator.collection))
        (before,) = driver.observe([Watched(below.locator)])
        renamed(driver, above)
        (now,) = driver.observe([Watched(below.locator)])
    assert isinstance(before, Present)
    assert isinstance(now, Moved)
    assert now.state == before.state
    assert now.to.collection.endswith(f"letters of {NAME}")


def test_an_address_in_a_maildir_takes_several_levels_and_below_others_it_is_a_guess(tmp_path: Path) -> None:
    """Maildir++ takes a dot for a border between levels: whether an address begins with the first of them or in their midst, nobody can tell."""
    estate = Estate("maildir", tmp_path)
    for folder in (f".{JANE}", f".Clients.{JANE}.2024", ".Clients.jane.roe@example.com", ""):
        for part in ("cur", "new", "tmp"):
            (tmp_path / folder / part).mkdir(parents=True)
    with opened(estate) as driver:
        found = {record.locator.collection: record for record in named(driver)}
        sure = {name: {one.confidence for one in MATCHER.findings(record)} for name, record in found.items()}
        assert sure == {JANE: {Confidence.CERTAIN}, f"Clients.{JANE}": {Confidence.POSSIBLE}}
        for record in found.values():
            renamed(driver, record)
    names = {re.sub("[0-9a-f]{8}", "", path.name) for path in tmp_path.iterdir() if path.name.startswith(".")}
    assert names == {".[redacted ]", ".Clients.[redacted ].2024", ".Clients.jane.roe@example.com"}


def test_a_name_in_modified_utf_7_is_read_and_written_in_it(tmp_path: Path) -> None:
    estate = Estate("maildir", tmp_path)
    for folder in ("", ".Kund&AOQ-ren &- Jane Roe.&AMQ-lter"):
        for part in ("cur", "new", "tmp"):
            (tmp_path / folder / part).mkdir(parents=True)
    (tmp_path / "subscriptions").write_bytes(b"V\t2\n\nKund&AOQ-ren &- Jane Roe\t&AMQ-lter\nJane\n")
    with opened(estate) as driver:
        for record in named(driver):
            renamed(driver, record)
    (name,) = (path.name for path in tmp_path.iterdir() if path.name.startswith("."))
    assert re.fullmatch(r"\.Kund&AOQ-ren &- \[redacted [0-9a-f]{8}\]\.&AMQ-lter", name)
    above, below = name[1:].split(".")
    assert (tmp_path / "subscriptions").read_bytes() == f"V\t2\n\n{above}\t{below}\nJane\n".encode()


def test_an_index_beside_an_mbox_goes_with_it_and_a_lock_keeps_it(tmp_path: Path) -> None:
    estate = Estate("mbox", tmp_path)
    estate.put(NAME, letter("ann@example.net", "shop@example.com", "hello", "Tea, please."))
    (tmp_path / f"{NAME}.msf").write_text("index")
    (tmp_path / ".imap" / NAME).mkdir(parents=True)
    with opened(estate) as driver:
        (record,) = named(driver)
        renamed(driver, record)
    assert not [path for path in tmp_path.rglob("*") if NAME in path.name]
    assert len(list(tmp_path.rglob("*[[]redacted*"))) == 3


def test_one_file_or_folder_that_the_settings_name_is_nobodys_folder(tmp_path: Path) -> None:
    file = tmp_path / NAME
    file.write_bytes(b"From shop@example.com Thu Mar 04 05:06:07 2021\nFrom: a@example.com\n\nhello\n")
    with opened(Estate("mbox", file)) as driver:
        assert named(driver) == []


def test_a_rename_that_was_killed_before_the_subscriptions_goes_on_with_them(dovecot: DovecotServer, tmp_path: Path) -> None:
    estate = Estate("dovecot", tmp_path, DovecotBox(dovecot))
    assert estate.box is not None
    for folder in (HERS, BELOW, OTHERS[0]):
        estate.put(folder, letter("ann@example.net", "shop@example.com", "hello", "Tea, please."))
    with estate.box.client() as client:
        for folder in (HERS, OTHERS[0]):
            client.subscribe(f'"{folder}"')
    with opened(estate) as driver:
        (record,) = named(driver)
        told = foreseen(driver, record)
    fresh = f"Clients/{marked(NAME, REWRITER)}"
    with estate.box.client() as client:
        assert client.rename(f'"{HERS}"', f'"{fresh}"')[0] == "OK"
        assert HERS.encode() in repr(client.lsub()).encode()
    with opened(estate) as driver:
        (seen,) = driver.observe([Watched(record.locator, becomes=_is(told.becomes))])
        assert seen == Present(told.server, told.state or b"")
        assert driver.change([Change(record.locator, RENAME, (), told.state or b"", told.server)], REWRITER)[0] == Done(told.becomes)
        assert isinstance(driver.observe([Watched(record.locator, becomes=_is(told.becomes))])[0], Moved)
    with estate.box.client() as client:
        subscribed = repr(client.lsub())
    assert fresh in subscribed
    assert OTHERS[0] in subscribed
    assert HERS not in subscribed


def test_a_folder_that_the_account_may_not_rename_is_refused_before_anybody_approves(tmp_path: Path) -> None:
    with running(("mail_plugins = acl", "mail_plugins = acl imap_acl")) as server:
        estate = Estate("dovecot", tmp_path, DovecotBox(server))
        assert estate.box is not None
        estate.put(HERS, letter("ann@example.net", "shop@example.com", "hello", "Tea, please."))
        with opened(estate) as driver:
            (record,) = named(driver)
            told = foreseen(driver, record)
            assert told.refusal is None
            server.grant(estate.box.user, HERS.replace("/", "."), "lrswtipeka")
        with opened(estate) as driver:
            refusal = foreseen(driver, record).refusal
            assert refusal is not None
            assert refusal.code == "mail.folder_name"
            outcome = driver.change([Change(record.locator, RENAME, (), told.state or b"", told.server)], REWRITER)[0]
            assert isinstance(outcome, Failed)
        assert HERS in estate.names()


def test_a_folder_that_was_made_anew_under_its_name_is_another_one(dovecot: DovecotServer, tmp_path: Path) -> None:
    estate = Estate("dovecot", tmp_path, DovecotBox(dovecot))
    assert estate.box is not None
    estate.put(HERS, letter("ann@example.net", "shop@example.com", "hello", "Tea, please."))
    with opened(estate) as driver:
        (record,) = named(driver)
        told = foreseen(driver, record)
    dovecot.renumber(estate.box.user, HERS)
    with opened(estate) as driver:
        (seen,) = driver.observe([Watched(record.locator)])
        assert isinstance(seen, Present)
        assert seen.state != told.state
        assert driver.change([Change(record.locator, RENAME, (), told.state or b"", told.server)], REWRITER)[0] == Drifted("changed")
    assert HERS in estate.names()


def test_a_folder_in_one_of_many_mailboxes_is_renamed_there_and_nowhere_else(dovecot: DovecotServer, tmp_path: Path) -> None:
    first, second = dovecot_boxes(dovecot, 2)
    estates = [Estate("dovecot", tmp_path, box) for box in (first, second)]
    for estate in estates:
        for folder in (HERS, OTHERS[0]):
            estate.put(folder, letter("ann@example.net", "shop@example.com", "hello", "Tea, please."))
    before = estates[1].mails()
    driver = MailstoreDriver(at_dovecot(dovecot, said(first.user, second.user)))
    records = named(driver)
    assert {record.locator.collection for record in records} == {f"{first.user}/{HERS}", f"{second.user}/{HERS}"}
    (record,) = (record for record in records if record.locator.collection.startswith(first.user))
    told = renamed(driver, record)
    (seen,) = driver.observe([Watched(record.locator, becomes=_is(told.becomes))])
    driver.close()
    assert isinstance(seen, Moved)
    assert estates[0].names() == {f"Clients/{marked(NAME, REWRITER)}", OTHERS[0]}
    assert estates[1].mails() == before


_LEVELS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="./\t\r\n"), min_size=1), min_size=1, max_size=3)


@given(st.lists(_LEVELS, max_size=6), _LEVELS, st.sampled_from("./\t"), st.booleans())
def test_a_list_of_subscriptions_gets_the_new_name_and_keeps_every_other_line(
    others: list[list[str]], hers: list[str], sign: str, is_utf7: bool
) -> None:
    def line(levels: list[str]) -> bytes:
        return sign.join(imap_utf7.encode(level).decode() if is_utf7 else level for level in levels).encode() + b"\n"

    kept = [line(other) for other in others if other[: len(hers)] != hers and line(other)[: len(line(hers)) - 1] != line(hers)[:-1]]
    fresh = [*hers[:-1], "[redacted 0a1b2c3d]"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "subscriptions"
        path.write_bytes(b"".join((*kept, line(hers), line([*hers, "Old"]))))
        subscription_files.rename(Path(folder), ".".join(hers), ".".join(fresh))
        assert path.read_bytes() == b"".join((*kept, line(fresh), line([*fresh, "Old"])))
        assert not subscription_files.has(Path(folder), ".".join(hers))
        assert [file.name for file in Path(folder).iterdir()] == ["subscriptions"]


def test_a_name_can_be_read_again_by_who_decides_about_it(estate: Estate) -> None:
    with opened(estate) as driver:
        records = named(driver)
        gone = Locator("mail", estate.path("Clients/Nobody"), KEY)
    reader = MailstoreReader(estate.system())
    read = list(reader.read([*(record.locator for record in records), gone], MATCHER.gate, Bounds(1000, 10)))
    reader.close()
    assert [entry.record for entry in read] == [*records, None]


def test_special_folders_and_names_of_mailboxes_are_none(dovecot: DovecotServer, tmp_path: Path) -> None:
    box = DovecotBox(dovecot)
    with opened(Estate("dovecot", tmp_path, box)) as driver:
        assert _names_of(driver, "Sent") == []
        assert _names_of(driver, "INBOX") == []
        assert _names_of(driver, box.user.partition("@")[0]) == []
        box.deliver("Sentinel", letter("ann@example.net", "shop@example.com", "hello", "Tea."))
        assert _names_of(driver, "Sentinel") == ["Sentinel"]


def _names_of(driver: MailstoreDriver, word: str) -> list[str]:
    selectors = (Selector("s1", "account", Secret(word), verified=True),)
    query = AboutSubjects({"case-1": selectors}, Matcher({"case-1": selectors}).gate)
    return [part.collection for part in driver.slices(query) if part.part == ("name",)]
