"""How pages begin a sentence with what the engine said: names that people copy stay as they are written."""

import pytest

from dsr_engine.web.rendering import sentence
from tests.web.conftest import Doors


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the plan is out of date", "The plan is out of date"),
        ("shop does not answer", "shop does not answer"),
        ("shop: 2 records", "shop: 2 records"),
        ("mail.•••/INBOX: 3 letters", "mail.•••/INBOX: 3 letters"),
        ("`dsr check` tells", "`dsr check` tells"),
        ("files_of_others were read", "files_of_others were read"),
        ("re-scan it", "Re-scan it"),
        ("", ""),
    ],
)
def test_only_a_word_that_is_no_name_gets_a_capital(doors: Doors, text: str, shown: str) -> None:
    with doors.app.test_request_context():
        assert sentence(text) == shown
