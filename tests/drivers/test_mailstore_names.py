"""Names that tell of a person, and mails that have no name of their own."""

from pathlib import Path

import pytest

from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Moved, Present, Watched
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from tests.drivers.mailstore_boxes import KINDS, Box, box_of, letter
from tests.drivers.test_mailstore_driver import JANE, REWRITER, about, answers, records, redaction


@pytest.fixture(params=KINDS)
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    return box_of(request.param, request, tmp_path)


def test_a_folder_that_is_called_after_the_person_is_a_gap_and_no_other_is(box: Box, driver: MailstoreDriver) -> None:
    for folder in ("Jane_Roe", "Janet_Rowe", "Archive"):
        box.deliver(folder, letter("bob@example.net", "ann@example.com", "tea", "hello", eol=box.eol))
    gaps = [answer for answer in answers(driver, about()) if isinstance(answer, Gap)]
    assert {(gap.collection, gap.code) for gap in gaps} == {("Jane_Roe", "mail.folder_name")}


def test_mails_without_a_message_id_are_known_again_when_they_were_redacted(box: Box, driver: MailstoreDriver) -> None:
    for number in range(2):
        head = f"Date: Mon, 1 Jan 2018 10:00:0{number} +0000".encode() + box.eol
        box.deliver("INBOX", head + letter("bob@example.net", "ann@example.com", f"mail {number}", f"ask {JANE}", eol=box.eol))
    box.deliver("INBOX", letter("bob@example.net", "ann@example.com", "other", "hello", eol=box.eol))
    found = records(driver)
    changes = [redaction(driver, record) for record in found]
    becoming = {each.state: each.becomes for each in driver.foresee(changes, REWRITER)}
    assert all(isinstance(outcome, Done) for outcome in driver.change(changes, REWRITER))
    again = MailstoreDriver(box.system())
    seen = again.observe([Watched(record.locator) for record in found])
    assert [state.state for state in seen if isinstance(state, Moved | Present)] == [becoming[change.expect] for change in changes]
    assert records(again) == []
    again.close()
