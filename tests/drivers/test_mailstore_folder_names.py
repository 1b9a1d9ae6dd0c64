"""Folders that are named after the person: found, given another name with all that is in them, and known under it; others stay as they are."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dsr_engine.content.match import Matcher
from dsr_engine.domain.correspondence import FOLDER, FOLDER_NAME
from dsr_engine.domain.errors import ManifestWrong
from dsr_engine.domain.plan import Delete
from dsr_engine.domain.record import Locator, Record
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.domain.system import CollectionMap, Manifest, System
from dsr_engine.drivers.driver import AboutSubjects, Absent, Change, Done, Drifted, Failed, Moved, Present, Watched
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.folder_names import KEY, marked
from dsr_engine.drivers.mailstore.reading import MailstoreReader
from dsr_engine.drivers.mailstore.upkeep import MailstoreUpkeep
from dsr_engine.drivers.reading import Bounds
from tests.drivers.mailstore_boxes import DovecotBox, letter
from tests.drivers.mailstore_estates import at_dovecot, dovecot_boxes, said
from tests.drivers.mailstore_named import (
    BELOW,
    HERS,
    KINDS,
    MATCHER,
    NAME,
    OTHERS,
    RENAME,
    REWRITER,
    Estate,
    estate_of,
    foreseen,
    found,
    is_state,
    named,
    opened,
    renamed,
)
from tests.servers.dovecot import DovecotServer, running


@pytest.fixture(params=KINDS)
def estate(request: pytest.FixtureRequest, tmp_path: Path) -> Estate:
    made = estate_of(request.param, tmp_path, request)
    for folder in (HERS, BELOW, *OTHERS):
        made.put(folder, letter("ann@example.net", "shop@example.com", f"of {folder[:7]}", "Tea, please."))
    return made


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
            (seen,) = driver.observe([Watched(record.locator, becomes=is_state(told.becomes))])
            assert isinstance(seen, Moved)
            assert seen.state == told.becomes
            assert NAME not in seen.to.collection
        for old, now in zip(before, driver.observe([Watched(locator) for locator in hers]), strict=True):
            assert isinstance(old, Present)
            assert isinstance(now, Moved)
            assert now.state == old.state
            assert NAME not in now.to.collection
            assert driver.observe([Watched(now.to)])[0] == Present(server, old.state, old.created)


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
            assert isinstance(driver.observe([Watched(record.locator, becomes=is_state(told.becomes))])[0], Moved)
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
            (seen,) = driver.observe([Watched(record.locator, becomes=is_state(told.becomes))])
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
        (seen,) = driver.observe([Watched(record.locator, becomes=is_state(told.becomes))])
        assert seen == Present(told.server, told.state or b"")
        assert driver.change([Change(record.locator, RENAME, (), told.state or b"", told.server)], REWRITER)[0] == Done(told.becomes)
        assert isinstance(driver.observe([Watched(record.locator, becomes=is_state(told.becomes))])[0], Moved)
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
    (seen,) = driver.observe([Watched(record.locator, becomes=is_state(told.becomes))])
    driver.close()
    assert isinstance(seen, Moved)
    assert estates[0].names() == {f"Clients/{marked(NAME, REWRITER)}", OTHERS[0]}
    assert estates[1].mails() == before


def test_a_name_can_be_read_again_by_who_decides_about_it(estate: Estate) -> None:
    with opened(estate) as driver:
        records = named(driver)
        gone = Locator("mail", estate.path("Clients/Nobody"), KEY)
    reader = MailstoreReader(estate.system())
    read = list(reader.read([*(record.locator for record in records), gone], MATCHER.gate, Bounds(1000, 10)))
    reader.close()
    assert [entry.record for entry in read] == [*records, None]


def test_what_is_to_be_purged_is_told_of_the_folder_as_it_is_called_now(estate: Estate) -> None:
    """Works are commands that name folders: one of the old name would fail, and an index under the new one would not be looked at."""
    with opened(estate) as driver:
        for record in named(driver):
            renamed(driver, record)
    upkeep = MailstoreUpkeep(estate.system())
    try:
        seen = upkeep.assess([estate.path(HERS), estate.path(OTHERS[0])], datetime.now(UTC), {})
    finally:
        upkeep.close()
    assert NAME not in repr((seen.works, seen.channels))
    statements = " ".join(work.statement for work in seen.works)
    if estate.kind == "dovecot":
        assert f"Clients/{marked(NAME, REWRITER)}" in statements
    assert (OTHERS[0] in statements) is (estate.kind == "dovecot")


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
