"""What every kind of mail store does alike: look up, remove, replace; and whom it leaves alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Drifted
from dsr_engine.drivers.mailstore.settings import store_of
from dsr_engine.drivers.mailstore.store import Key, Mail, Order, Sighting, Store
from tests.drivers.mailstore_boxes import DELIVERED, KINDS, Box, box_of, letter


class Swap:
    """A rewriting that exchanges some bytes."""

    def __init__(self, old: bytes, new: bytes) -> None:
        self._old, self._new = old, new

    def write(self, mail: Mail, sink: BinaryIO) -> None:
        with mail.open() as source:
            sink.write(source.read().replace(self._old, self._new))

    def sender(self, sender: str) -> str:
        return sender


@pytest.fixture(params=KINDS)
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    return box_of(request.param, request, tmp_path)


@pytest.fixture
def store(box: Box) -> Iterator[Store]:
    made = store_of(box.system())
    yield made
    made.close()


def deliver(box: Box, folder: str, word: str, *, is_seen: bool = False) -> bytes:
    raw = letter(f"{word}@example.com", "shop@example.com", f"about {word}", f"hello from {word}", message_id=f"{word}@mail", eol=box.eol)
    box.deliver(folder, raw, is_seen=is_seen)
    return raw


def content(mail: Mail) -> bytes:
    with mail.open() as source:
        return source.read()


def sightings(store: Store, folder: str, needle: bytes = b"") -> list[Sighting]:
    """The mails of a folder that hold these bytes."""
    found = []
    for part in store.parts(folder):
        for mail in store.mails(folder, part):
            assert not isinstance(mail, Gap)
            if needle in content(mail):
                found.append(mail.sight())
    return found


def sight(store: Store, folder: str, needle: bytes) -> Sighting:
    (found,) = sightings(store, folder, needle)
    return found


def look(store: Store, folder: str, key: Key) -> Sighting | None:
    return store.locate(folder, [key])[0]


def test_a_mail_is_read_as_it_was_delivered(box: Box, store: Store) -> None:
    raw = deliver(box, "INBOX", "jane")

    read = [(mail.created, content(mail)) for part in store.parts("INBOX") for mail in store.mails("INBOX", part) if isinstance(mail, Mail)]

    assert [(created, data.replace(b"\nStatus: O", b"")) for created, data in read] == [(DELIVERED, raw)]


def test_an_empty_folder_holds_no_mail_and_is_no_error(box: Box, store: Store) -> None:
    assert {"INBOX", "Sent"} <= {folder.name for folder in store.folders()}
    assert sightings(store, "INBOX") == []
    assert list(store.check()) == []


def test_every_folder_is_listed(box: Box, store: Store) -> None:
    deliver(box, "Archive", "jane")

    assert [sighting.state for sighting in sightings(store, "Archive")] != []
    assert {"INBOX", "Sent", "Archive"} <= {folder.name for folder in store.folders()}


def test_a_mail_whose_flags_changed_is_the_same_record(box: Box, store: Store) -> None:
    deliver(box, "INBOX", "jane")
    before = sight(store, "INBOX", b"jane")

    box.flag("INBOX", b"jane")

    after = look(store, "INBOX", before.key)
    assert after is not None
    assert (after.is_same, after.state, after.key) == (True, before.state, before.key)
    assert sight(store, "INBOX", b"jane").key == before.key


def test_reading_marks_no_mail_as_seen(box: Box, store: Store) -> None:
    deliver(box, "INBOX", "jane")

    key = sight(store, "INBOX", b"jane").key
    look(store, "INBOX", key)

    assert [mail.is_seen for mail in box.stored()["INBOX"]] == [False]


def test_removing_a_mail_removes_that_mail_only(box: Box, store: Store) -> None:
    for word in ("ann", "jane", "zoe"):
        deliver(box, "INBOX", word, is_seen=word == "zoe")
    deliver(box, "Sent", "jane")
    before = box.stored()
    target = sight(store, "INBOX", b"jane")

    (outcome,) = store.change("INBOX", [Order(target.key, target.state)])

    assert outcome == Done(None)
    assert look(store, "INBOX", target.key) is None
    before["INBOX"] = [mail for mail in before["INBOX"] if b"jane" not in mail.raw]
    assert box.stored() == before


def test_removing_a_mail_again_says_that_it_is_absent(box: Box, store: Store) -> None:
    deliver(box, "INBOX", "jane")
    deliver(box, "INBOX", "ann")
    target = sight(store, "INBOX", b"jane")
    store.change("INBOX", [Order(target.key, target.state)])

    assert store.change("INBOX", [Order(target.key, target.state)]) == (Drifted("absent"),)
    assert len(box.stored()["INBOX"]) == 1


def test_a_mail_that_is_not_as_expected_is_left_untouched(box: Box, store: Store) -> None:
    deliver(box, "INBOX", "jane")
    before = box.stored()
    target = sight(store, "INBOX", b"jane")

    outcomes = store.change("INBOX", [Order(target.key, b"another state"), Order(target.key, b"another", Swap(b"jane", b"xxxx"))])

    assert outcomes == (Drifted("changed"), Drifted("changed"))
    assert box.stored() == before


def test_a_mail_that_was_moved_to_another_folder_is_absent_here_and_found_there(box: Box, store: Store) -> None:
    deliver(box, "INBOX", "jane")
    target = sight(store, "INBOX", b"jane")

    box.move("INBOX", b"jane", "Archive")

    assert look(store, "INBOX", target.key) is None
    assert store.change("INBOX", [Order(target.key, target.state)]) == (Drifted("absent"),)
    assert len(box.stored()["Archive"]) == 1
    assert sight(store, "Archive", b"jane").state == target.state


def test_a_copy_in_another_folder_does_not_stand_in_for_a_removed_mail(box: Box, store: Store) -> None:
    deliver(box, "INBOX", "jane")
    deliver(box, "Archive", "jane")
    target = sight(store, "INBOX", b"jane")
    store.change("INBOX", [Order(target.key, target.state)])

    assert look(store, "INBOX", target.key) is None
    assert len(box.stored()["Archive"]) == 1


def test_replacing_a_mail_keeps_flags_and_delivery_time_and_everybody_else(box: Box, store: Store) -> None:
    for word in ("ann", "jane", "zoe"):
        deliver(box, "INBOX", word, is_seen=word == "jane")
    before = box.stored()["INBOX"]
    target = sight(store, "INBOX", b"jane")
    swap = Swap(b"hello from jane", b"hello from [gone and longer]")
    located = look(store, "INBOX", target.key)
    assert located is not None
    becomes = store.becomes(located, swap)

    (outcome,) = store.change("INBOX", [Order(target.key, target.state, swap)])

    assert outcome == Done(becomes)
    after = box.stored()["INBOX"]
    assert [mail for mail in after if b"jane" not in mail.raw] == [mail for mail in before if b"jane" not in mail.raw]
    (new,) = [mail for mail in after if b"jane" in mail.raw]
    (old,) = [mail for mail in before if b"jane" in mail.raw]
    assert new.raw == old.raw.replace(b"hello from jane", b"hello from [gone and longer]")
    assert (new.is_seen, new.delivered) == (old.is_seen, old.delivered) == (True, int(DELIVERED.timestamp()))


def test_the_successor_of_a_replaced_mail_is_recognised(box: Box, store: Store, request: pytest.FixtureRequest) -> None:
    """A mail that is a file keeps its name, so it is the same record in another state."""
    keeps_its_name = request.node.callspec.params["box"] == "eml"
    deliver(box, "INBOX", "jane")
    deliver(box, "INBOX", "ann")
    target = sight(store, "INBOX", b"jane")
    (outcome,) = store.change("INBOX", [Order(target.key, target.state, Swap(b"hello", b"[x]"))])

    found = look(store, "INBOX", target.key)

    assert isinstance(outcome, Done)
    assert found is not None
    assert (found.is_same, found.state) == (keeps_its_name, outcome.state)
    itself = look(store, "INBOX", found.key)
    assert itself is not None
    assert itself.is_same


def test_a_replacement_that_changes_nothing_touches_nothing(box: Box, store: Store) -> None:
    deliver(box, "INBOX", "jane")
    before = box.stored()
    target = sight(store, "INBOX", b"jane")

    assert store.change("INBOX", [Order(target.key, target.state, Swap(b"nowhere", b"x"))]) == (Done(target.state),)
    assert box.stored() == before
    found = look(store, "INBOX", target.key)
    assert found is not None
    assert found.is_same


def test_one_batch_removes_replaces_and_leaves(box: Box, store: Store) -> None:
    for word in ("ann", "bea", "jane", "zoe"):
        deliver(box, "INBOX", word)
    ann, jane, zoe = (sight(store, "INBOX", word) for word in (b"ann", b"jane", b"zoe"))

    outcomes = store.change(
        "INBOX", [Order(zoe.key, b"wrong"), Order(jane.key, jane.state, Swap(b"hello from jane", b"[x]")), Order(ann.key, ann.state)]
    )

    assert [type(outcome) for outcome in outcomes] == [Drifted, Done, Done]
    left = [mail.raw for mail in box.stored()["INBOX"]]
    assert sorted(b"about " + word in raw for raw in left for word in (b"bea", b"jane", b"zoe")) == [False] * 6 + [True] * 3
    assert not any(b"hello from jane" in raw or b"about ann" in raw for raw in left)


def test_equal_mails_are_removed_together(box: Box, store: Store) -> None:
    deliver(box, "INBOX", "jane")
    deliver(box, "INBOX", "jane")
    deliver(box, "INBOX", "ann")
    twins = sightings(store, "INBOX", b"jane")

    outcomes = store.change("INBOX", [Order(twin.key, twin.state) for twin in twins])

    assert outcomes == (Done(None), Done(None))
    assert [b"ann" in mail.raw for mail in box.stored()["INBOX"]] == [True]


def test_an_equal_mail_does_not_stand_in_for_a_removed_one(box: Box, store: Store) -> None:
    deliver(box, "INBOX", "jane")
    deliver(box, "INBOX", "jane")
    twin = sightings(store, "INBOX", b"jane")[-1]

    assert store.change("INBOX", [Order(twin.key, twin.state)]) == (Done(None),)

    assert look(store, "INBOX", twin.key) is None
    assert not isinstance(store.change("INBOX", [Order(twin.key, twin.state)])[0], Done)
    assert len(box.stored()["INBOX"]) == 1


def test_bytes_that_are_no_text_come_and_stay_as_they_are(box: Box, store: Store) -> None:
    garbage = b"Subject: \xff\xfe\x80 raw" + box.eol * 2 + bytes(range(128, 256)) + b"\r" * (box.eol == b"\n") + box.eol
    box.deliver("INBOX", garbage)
    deliver(box, "INBOX", "jane")
    target = sight(store, "INBOX", b"jane")

    store.change("INBOX", [Order(target.key, target.state)])

    assert [mail.raw for mail in box.stored()["INBOX"]] == [garbage]
    assert sight(store, "INBOX", b"\xff\xfe\x80").state


def test_the_server_is_the_same_on_every_connection_and_another_for_another_store(box: Box, store: Store, request: pytest.FixtureRequest) -> None:
    again = store_of(box.system())
    kind = request.node.callspec.params["box"]
    other = store_of(box_of(kind, request, request.getfixturevalue("tmp_path_factory").mktemp("other")).system())

    assert store.server() == again.server()
    assert store.server() != other.server()

    again.close()
    other.close()


def test_a_whole_mailbox_is_removed_and_empty(box: Box, store: Store) -> None:
    for number in range(12):
        deliver(box, "INBOX", f"word{number}")

    orders = [Order(sighting.key, sighting.state) for sighting in sightings(store, "INBOX")]

    assert store.change("INBOX", orders) == (Done(None),) * 12
    assert box.stored()["INBOX"] == []
    assert "INBOX" in {folder.name for folder in store.folders()}
