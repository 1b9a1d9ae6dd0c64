"""Many people's mailboxes as one system: each folder by its mailbox, none missed when another cannot be opened, and nothing touched beside."""

from datetime import date
from pathlib import Path

import pytest

from dsr_engine.domain.errors import DsrError, InputWrong, ManifestWrong, NotAllowed, Unreachable
from dsr_engine.domain.plan import Delete, Edit, RedactSpans, Rewrite
from dsr_engine.domain.policy import Start
from dsr_engine.domain.record import Locator
from dsr_engine.domain.selector import Secret
from dsr_engine.drivers.driver import Absent, Change, Done, Drifted, Failed, Looked, OlderThan, Present, Slice, Watched
from dsr_engine.drivers.mailstore import estate
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.enumerating import source_of
from dsr_engine.drivers.mailstore.reading import MailstoreReader
from dsr_engine.drivers.reading import Bounds
from tests.drivers.mailstore_boxes import DovecotBox, letter
from tests.drivers.mailstore_estates import (
    JANE,
    MATCHER,
    REWRITER,
    answers,
    at_dovecot,
    box_on_disk,
    dovecot_boxes,
    on_disk,
    records,
    said,
    slices,
    stored,
)
from tests.servers.dovecot import DovecotServer
from tests.servers.lifecycle import free_port

TO_JANE = letter("shop@example.com", JANE, "Your order", f"Dear Jånë Roe, we write to {JANE}.", message_id="one@example.com")
OF_BOB = letter("shop@example.com", "bob@example.com", "Other", "Nothing about her.", message_id="two@example.com")


def _filled(server: DovecotServer, count: int = 3) -> list[DovecotBox]:
    boxes = dovecot_boxes(server, count)
    for box in boxes:
        box.deliver("INBOX", OF_BOB.replace(b"\n", b"\r\n"), is_seen=True)
    boxes[1].deliver("Sent", TO_JANE.replace(b"\n", b"\r\n"), is_seen=True)
    return boxes


def _change(driver: MailstoreDriver, effect: Delete | Rewrite) -> list[Change]:
    found = records(driver)
    seen = driver.observe([Watched(record.locator) for record in found])
    return [Change(record.locator, effect, (), now.state, now.server) for record, now in zip(found, seen, strict=True) if isinstance(now, Present)]


def test_each_folder_of_each_mailbox_is_a_collection_of_its_own(dovecot: DovecotServer) -> None:
    boxes = _filled(dovecot)
    driver = MailstoreDriver(at_dovecot(dovecot, said(*(box.user for box in boxes))))
    assert {part.collection for part in slices(driver)} == {f"{box.user}/{name}" for box in boxes for name in ("INBOX", "Sent")}
    (found,) = records(driver)
    assert found.locator.collection == f"{boxes[1].user}/Sent"
    assert {entry.name: entry.count for entry in driver.describe()}[f"{boxes[1].user}/Sent"] == 1
    assert driver._store.owner(f"{boxes[1].user}/Sent") == boxes[1].user
    driver.close()


@pytest.mark.parametrize("effect", [Delete(), Rewrite((Edit("text", RedactSpans()),))], ids=["delete", "redact"])
def test_only_the_mail_that_is_meant_changes_in_any_mailbox(dovecot: DovecotServer, effect: Delete | Rewrite) -> None:
    boxes = _filled(dovecot)
    system = at_dovecot(dovecot, said(*(box.user for box in boxes)))
    driver = MailstoreDriver(system)
    (record,) = records(driver)
    places = sorted({hit.place for finding in MATCHER.findings(record) for hit in finding.hits})
    effect = Delete() if isinstance(effect, Delete) else Rewrite(tuple(Edit(place, RedactSpans()) for place in places))
    before = stored(boxes)
    changes = _change(driver, effect)
    (foreseen,) = driver.foresee(changes, REWRITER)
    (outcome,) = driver.change(changes, REWRITER)
    assert isinstance(outcome, Done)
    assert outcome.state == foreseen.becomes
    after = stored(boxes)
    (gone,) = before[1].pop("Sent")
    left = after[1].pop("Sent")
    assert before == after, "other people's mail stays byte for byte, with flags and dates"
    assert [(mail.is_seen, mail.delivered) for mail in left] == ([] if isinstance(effect, Delete) else [(gone.is_seen, gone.delivered)])
    assert not any(JANE.encode() in mail.raw for mail in left)
    assert records(driver) == []
    driver.close()


def test_a_mailbox_that_refuses_the_login_is_a_gap_with_its_reason_and_the_others_go_on(dovecot: DovecotServer) -> None:
    boxes = _filled(dovecot, 2)
    driver = MailstoreDriver(at_dovecot(dovecot, said(*(box.user for box in boxes), "gone@example.test")))
    parts = slices(driver)
    (refused,) = [part for part in parts if part.collection.startswith("gone@")]
    assert refused.collection == "gone@example.test/*"
    with pytest.raises(NotAllowed, match="refused the login"):
        list(answers(driver, [refused]))
    assert len(records(driver, [part for part in parts if part != refused])) == 1
    (facts,) = [entry for entry in driver.describe() if entry.name == refused.collection]
    assert not facts.is_searchable
    assert "refused the login" in facts.reason
    (problem,) = [problem for problem in driver.check() if problem.code == "mail.login"]
    assert not problem.is_fatal
    assert "1 of 3 mailboxes that were tried (gone@example.test)" in problem.message
    driver.close()


def test_a_right_that_no_mailbox_grants_is_fatal(dovecot: DovecotServer) -> None:
    driver = MailstoreDriver(at_dovecot(dovecot, said("a@example.test", "b@example.test")))
    (problem,) = [problem for problem in driver.check() if not problem.is_note]
    assert problem.is_fatal
    assert problem.code == "mail.login"
    assert "In each mailbox that was tried" in problem.message


def test_a_server_that_is_down_fails_the_search_and_is_no_list_of_gaps(dovecot: DovecotServer) -> None:
    names = said(*(f"user{number}@example.test" for number in range(40)))
    driver = MailstoreDriver(at_dovecot(dovecot, names, url=f"imaps://127.0.0.1:{free_port()}"))
    with pytest.raises(Unreachable):
        slices(driver)
    with pytest.raises(Unreachable):
        driver.check()


def test_one_password_does_not_open_many_mailboxes(dovecot: DovecotServer) -> None:
    with pytest.raises(InputWrong, match="no other mailbox"):
        MailstoreDriver(at_dovecot(dovecot, said("bob@example.test"), user="alice@example.test", password="pw-alice"))


def test_a_master_user_may_be_named_by_itself(dovecot: DovecotServer) -> None:
    boxes = _filled(dovecot, 2)
    driver = MailstoreDriver(at_dovecot(dovecot, said(*(box.user for box in boxes)), user="", master_user="svc-erase"))
    assert len(records(driver)) == 1
    driver.close()


def test_a_name_that_would_log_in_somewhere_else_is_not_tried(dovecot: DovecotServer) -> None:
    driver = MailstoreDriver(at_dovecot(dovecot, said("alice@example.test", "bob@example.test*svc-erase")))
    (refused,) = [part for part in slices(driver) if part.collection.startswith("bob@")]
    assert refused.collection == "bob@example.test*svc-erase/*"
    with pytest.raises(NotAllowed, match="sign between mailbox and master user"):
        list(answers(driver, [refused]))
    driver.close()


def test_few_connections_stay_open_however_many_mailboxes_there_are(dovecot: DovecotServer) -> None:
    boxes = dovecot_boxes(dovecot, 2 * estate.OPEN)
    for box in boxes:
        box.deliver("INBOX", TO_JANE.replace(b"\n", b"\r\n"))
    driver = MailstoreDriver(at_dovecot(dovecot, said(*(box.user for box in boxes))))
    assert len(records(driver)) == len(boxes)
    assert isinstance(driver._store, estate.Estate)
    assert len(driver._store._open) == estate.OPEN
    driver.close()
    assert not driver._store._open


def test_a_mailbox_that_was_rebuilt_drifts_alone(dovecot: DovecotServer) -> None:
    boxes = _filled(dovecot)
    boxes[0].deliver("INBOX", TO_JANE.replace(b"\n", b"\r\n"))
    system = at_dovecot(dovecot, said(*(box.user for box in boxes)))
    driver = MailstoreDriver(system)
    changes = _change(driver, Delete())
    driver.close()
    dovecot.renumber(boxes[0].user, "INBOX")
    later = MailstoreDriver(system)
    outcomes = later.change(changes, REWRITER)
    assert [type(outcome) for outcome in outcomes] == [Drifted, Done]
    assert len(boxes[0].stored()["INBOX"]) == 2
    later.close()


def test_a_known_mail_is_read_again_in_its_mailbox(dovecot: DovecotServer) -> None:
    boxes = _filled(dovecot, 2)
    system = at_dovecot(dovecot, said(*(box.user for box in boxes)))
    driver = MailstoreDriver(system)
    (record,) = records(driver)
    reader = MailstoreReader(system)
    (again,) = reader.read([record.locator], MATCHER.gate, Bounds(10_000, 60))
    assert again.record is not None
    assert JANE in " ".join(unit.text for unit in again.record.units)
    reader.close()
    driver.close()


# --- on a disk -------------------------------------------------------------------------------------------------------


def test_everybody_whose_mail_lies_on_the_disk_is_searched(tmp_path: Path) -> None:
    boxes = [box_on_disk(tmp_path, name) for name in ("ann@a.example", "bob@b.example", "cy@b.example")]
    boxes[2].deliver("Sent", TO_JANE)
    (tmp_path / "b.example" / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no domain")
    driver = MailstoreDriver(on_disk(tmp_path, said(all=True)))
    assert [part.collection for part in slices(driver)] == [
        f"{name}/{folder}" for name in ("ann@a.example", "bob@b.example", "cy@b.example") for folder in ("INBOX", "Sent")
    ]
    assert [record.locator.collection for record in records(driver)] == ["cy@b.example/Sent"]
    assert driver._store.owner("cy@b.example/Sent") == "cy@b.example"


@pytest.mark.parametrize("link", ["bob", "bob/Maildir"])
def test_a_mailbox_whose_disk_is_not_there_is_a_gap_and_not_left_out(tmp_path: Path, link: str) -> None:
    box_on_disk(tmp_path, "ann@a.example")
    place = tmp_path / "a.example" / link
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(tmp_path / "another disk" / "bob")
    driver = MailstoreDriver(on_disk(tmp_path, said(all=True)))
    parts = slices(driver)
    assert [part.collection for part in parts] == ["ann@a.example/INBOX", "ann@a.example/Sent", "bob@a.example/*"]
    with pytest.raises(DsrError):
        list(answers(driver, parts[2:]))


def test_a_sweep_of_one_folder_tells_of_a_mailbox_that_it_cannot_open(tmp_path: Path) -> None:
    box_on_disk(tmp_path, "ann@a.example")
    driver = MailstoreDriver(on_disk(tmp_path, said("ann@a.example", "bob@a.example")))
    for name in ("ann@a.example/INBOX", "bob@a.example/INBOX"):
        query = OlderThan(name, Start(("date",)), date(2020, 1, 1))
        assert [part.collection for part in driver.slices(query)] == [name if name.startswith("ann") else "bob@a.example/*"]


def test_who_comes_between_two_searches_is_in_the_second(tmp_path: Path) -> None:
    box_on_disk(tmp_path, "ann@a.example")
    driver = MailstoreDriver(on_disk(tmp_path, said(all=True)))
    assert records(driver) == []
    box_on_disk(tmp_path, "new@a.example").deliver("INBOX", TO_JANE)
    assert [record.locator.collection for record in records(driver)] == ["new@a.example/INBOX"]


def test_a_mailbox_that_is_not_listed_any_more_cannot_leave_a_search_in_silence(tmp_path: Path) -> None:
    for name in ("ann@a.example", "bob@a.example"):
        box_on_disk(tmp_path, name)
    driver = MailstoreDriver(on_disk(tmp_path, said("ann@a.example")))
    before = ["ann@a.example/INBOX", "ann@a.example/Renamed", "bob@a.example/INBOX"]
    last = slices(driver, before)[-1]
    assert last == Slice("mail", "bob@a.example/INBOX")
    with pytest.raises(NotAllowed, match="not listed any more") as caught:
        list(answers(driver, [last]))
    assert caught.value.code == estate.GONE
    assert "bob@a.example" not in str(caught.value)


def test_a_mail_of_a_mailbox_that_is_gone_is_absent_only_if_nobody_lists_the_mailbox_either(tmp_path: Path) -> None:
    boxes = [box_on_disk(tmp_path, name) for name in ("ann@a.example", "bob@a.example")]
    boxes[1].deliver("INBOX", TO_JANE)
    listed = MailstoreDriver(on_disk(tmp_path, said("ann@a.example", "bob@a.example")))
    (record,) = records(listed)
    changes = _change(listed, Delete())
    (tmp_path / "a.example" / "bob").rename(tmp_path / "bob-archived")
    with pytest.raises(DsrError):
        listed.observe([Watched(record.locator)])
    unlisted = MailstoreDriver(on_disk(tmp_path, said("ann@a.example")))
    assert isinstance(unlisted.observe([Watched(record.locator)])[0], Absent)
    assert unlisted.change(changes, REWRITER) == (Drifted("absent"),)


def test_a_mailbox_that_is_closed_fails_by_itself_and_the_others_are_changed(tmp_path: Path) -> None:
    boxes = [box_on_disk(tmp_path, name) for name in ("ann@a.example", "bob@a.example", "cy@a.example")]
    for box in boxes:
        box.deliver("INBOX", TO_JANE)
    driver = MailstoreDriver(on_disk(tmp_path, said("ann@a.example", "bob@a.example", "cy@a.example")))
    changes = _change(driver, Delete())
    (tmp_path / "a.example" / "bob").rename(tmp_path / "bob-away")
    outcomes = driver.change(changes, REWRITER)
    assert [type(outcome) for outcome in outcomes] == [Done, Failed, Done]
    assert [len(box.stored()["INBOX"]) for box in (boxes[0], boxes[2])] == [0, 0]


def test_a_mail_is_still_seen_in_a_mailbox_that_is_left_out_since(tmp_path: Path) -> None:
    boxes = [box_on_disk(tmp_path, name) for name in ("ann@a.example", "bob@a.example")]
    boxes[1].deliver("INBOX", TO_JANE)
    (record,) = records(MailstoreDriver(on_disk(tmp_path, said(all=True))))
    without = MailstoreDriver(on_disk(tmp_path, said(all=True, **{"except": ["bob@*"]})))
    assert [part.collection for part in slices(without)] == ["ann@a.example/INBOX", "ann@a.example/Sent"]
    assert isinstance(without.observe([Watched(record.locator)])[0], Present)


def test_whom_except_leaves_out_is_told_by_a_check(tmp_path: Path) -> None:
    for name in ("ann@a.example", "bob@a.example"):
        box_on_disk(tmp_path, name)
    driver = MailstoreDriver(on_disk(tmp_path, said(all=True, **{"except": ["BOB@a.example", "nobody@*"]})))
    told = {problem.code: problem for problem in driver.check() if not problem.is_note}
    assert set(told) == {"mail.mailboxes_left_out", "mail.except_idle"}
    assert not any(problem.is_fatal for problem in told.values())


def test_an_estate_without_anybody_is_an_error_and_not_an_empty_search(tmp_path: Path) -> None:
    with pytest.raises(ManifestWrong, match="no mailbox to search"):
        slices(MailstoreDriver(on_disk(tmp_path, said(all=True))))
    with pytest.raises(ManifestWrong, match="no folder of mailboxes"):
        slices(MailstoreDriver(on_disk(tmp_path / "unmounted", said(all=True))))
    box_on_disk(tmp_path, "ann@a.example")
    with pytest.raises(ManifestWrong, match="leaves no mailbox"):
        slices(MailstoreDriver(on_disk(tmp_path, said(all=True, **{"except": "*"}))))


def test_an_entry_that_is_no_store_is_a_gap_of_its_own(tmp_path: Path) -> None:
    box_on_disk(tmp_path, "ann@a.example")
    (tmp_path / "a.example" / "odd" / "Maildir").mkdir(parents=True)
    driver = MailstoreDriver(on_disk(tmp_path, said(all=True)))
    parts = slices(driver)
    assert [part.collection for part in parts] == ["ann@a.example/INBOX", "ann@a.example/Sent", "odd@a.example/*"]
    with pytest.raises(DsrError):
        list(answers(driver, parts[-1:]))
    box_on_disk(tmp_path, "odd@a.example")
    with pytest.raises(Unreachable, match="can be now"):
        list(answers(driver, parts[-1:]))


def test_folders_are_chosen_in_each_mailbox_and_one_that_nobody_has_is_a_gap(tmp_path: Path) -> None:
    for name in ("ann@a.example", "bob@a.example"):
        box_on_disk(tmp_path, name)
    box_on_disk(tmp_path, "ann@a.example").make("Archive")
    driver = MailstoreDriver(on_disk(tmp_path, said(all=True), folders="INBOX,Archive"))
    assert [part.collection for part in slices(driver)] == ["ann@a.example/INBOX", "ann@a.example/Archive", "bob@a.example/INBOX"]
    wrong = MailstoreDriver(on_disk(tmp_path, said(all=True), folders="Inbx"))
    parts = slices(wrong)
    assert [part.collection for part in parts] == ["ann@a.example/Inbx", "bob@a.example/Inbx"]
    with pytest.raises(DsrError):
        list(answers(wrong, parts[:1]))
    assert [problem.code for problem in wrong.check() if not problem.is_note] == ["mail.no_folder", "mail.no_folder", "mail.folders_left_out"]


def test_signs_of_a_path_in_a_name_lead_nowhere(tmp_path: Path) -> None:
    inside, outside = tmp_path / "mail", tmp_path / "mail" / "a.example" / "Maildir"
    box_on_disk(inside, "ann@a.example")
    for part in ("cur", "new", "tmp"):
        (outside / part).mkdir(parents=True)
    driver = MailstoreDriver(on_disk(inside, said("..@a.example", "x/../../ann@a.example", "ann@a.example")))
    assert [part.collection for part in slices(driver)] == [
        "..@a.example/*",
        "ann@a.example/INBOX",
        "ann@a.example/Sent",
        "x%2F..%2F..%2Fann@a.example/*",
    ]


def test_the_store_s_identity_is_that_of_all_and_of_none(tmp_path: Path) -> None:
    boxes = [box_on_disk(tmp_path / place, "ann@a.example") for place in ("one", "two")]
    boxes[0].deliver("INBOX", TO_JANE)
    drivers = [MailstoreDriver(on_disk(tmp_path / place, said(all=True))) for place in ("one", "one", "two")]
    servers = [driver._store.server() for driver in drivers]
    assert servers[0] == servers[1] != servers[2]
    assert "ann" not in servers[0]


def test_a_look_at_one_folder_ends_with_its_own_word(tmp_path: Path) -> None:
    box_on_disk(tmp_path, "ann@a.example").deliver("INBOX", OF_BOB)
    driver = MailstoreDriver(on_disk(tmp_path, said(all=True)))
    assert [(answer.collection, answer.count) for answer in answers(driver, slices(driver)) if isinstance(answer, Looked)] == [
        ("ann@a.example/INBOX", 1),
        ("ann@a.example/Sent", 0),
    ]


def test_no_setting_of_an_estate_shows_in_what_it_says_of_itself(tmp_path: Path) -> None:
    system = on_disk(tmp_path, said("secret.name@a.example"))
    assert "secret.name" not in repr(system)
    assert "secret.name" not in repr(source_of(Secret(said("secret.name@a.example")).reveal()))
    assert Locator("mail", "a/b", ("1",)).collection == "a/b"
