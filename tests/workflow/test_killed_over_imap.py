"""`kill -9` while letters on a real IMAP server are changed, then the case goes on: no letter is lost, none is there twice, nobody else's is touched.

A copy is appended before the old letter goes, so a kill between the two leaves both. A plain run takes a seeded sample of the borders.
"""

import random
from datetime import timedelta
from pathlib import Path

import pytest

from dsr_engine.domain.clock import FixedClock
from tests.drivers.mailstore_boxes import DovecotBox, Stored, letter
from tests.servers.dovecot import DovecotServer
from tests.thoroughness import ALL_TESTS
from tests.workflow.company import BOB, EMAIL, founded, of_any_case
from tests.workflow.journeys import NOON, carried_through, opened_for, statement_of, working
from tests.workflow.killing import borders_of, killed_at

_SAMPLE = 2
_CHUNKS = 4
_LATER = NOON + timedelta(minutes=10)
#: What somebody else marked to be expunged, and what nobody is looked for in: neither may go.
_OTHERS = (b"Subject: marked by somebody", b"Subject: nothing of hers")
#: A letter of which two equal copies lie in one folder is redacted twice and stays two; nothing but their content ties them to what they become.
_TWICE = letter(BOB, "shop@example.com", "twice", f"Please answer {EMAIL}.", eol=b"\r\n")

Standing = dict[str, list[Stored]]


class Office:
    """A company whose only system is one account on a server."""

    def __init__(self, home: Path, folder: Path, server: DovecotServer) -> None:
        self.box = DovecotBox(server)
        self.company = founded(home, folder, ())
        secret = folder / "password"
        secret.write_text(self.box.password)
        given = {"url": f"imap://127.0.0.1:{server.port}", "user": self.box.user, "password": f"file:{secret}", "ca_file": str(server.certificate)}
        settings = ", ".join(f'{name}: "{value}"' for name, value in given.items())
        self.company.declare("mail", f"connector: imap, owner: office@example.com, {settings}")
        self._fill()

    def _fill(self) -> None:
        self.box.deliver("INBOX", letter(EMAIL, "shop@example.com", "from her", "hello", eol=b"\r\n"), is_seen=True)
        self.box.deliver(
            "INBOX", letter(BOB, "shop@example.com", "names her", f"ask {EMAIL}", message_id="one@example.net", eol=b"\r\n"), is_seen=True
        )
        self.box.deliver("INBOX", letter(BOB, "shop@example.com", "nothing of hers", "hello", eol=b"\r\n"))
        self.box.deliver("INBOX", letter(BOB, "shop@example.com", "marked by somebody", "hello", eol=b"\r\n"))
        for _ in range(2):
            self.box.deliver("Archive", _TWICE)
        self.box.flag("INBOX", b"Subject: marked by somebody", "\\Deleted")

    def standing(self) -> Standing:
        mails = self.box.stored()
        return {name: sorted((Stored(of_any_case(mail.raw), mail.is_seen, mail.delivered) for mail in mails[name]), key=repr) for name in mails}


@pytest.fixture(scope="module")
def undisturbed(empty_home: Path, tmp_path_factory: pytest.TempPathFactory, dovecot: DovecotServer) -> tuple[list[str], Standing]:
    """What a journey without a kill crosses, and what it leaves."""
    office = Office(empty_home, tmp_path_factory.mktemp("imap") / "undisturbed", dovecot)
    before = office.standing()
    borders, after = borders_of(office.company), office.standing()
    assert (len(before["INBOX"]), len(after["INBOX"]), len(before["Archive"]), len(after["Archive"])) == (4, 3, 2, 2)
    assert not any(EMAIL.encode() in mail.raw for mails in after.values() for mail in mails)
    assert others(before) == others(after)
    return borders, after


def others(mails: Standing) -> list[Stored]:
    found = [mail for mail in mails["INBOX"] if any(subject in mail.raw for subject in _OTHERS)]
    assert len(found) == len(_OTHERS)
    return found


def chosen(borders: list[str], seed: int) -> list[int]:
    """The borders at the server's commands and around the driver's change: the others are told by journeys without a server."""
    numbers = [number for number, name in enumerate(borders) if "IMAP" in name or name.endswith("change in mailstore")]
    assert {name for number in numbers if "IMAP" in (name := borders[number])} >= {
        "after IMAP append",
        "before IMAP expunge",
        "after IMAP mark_deleted",
    }
    return numbers if ALL_TESTS else sorted(random.Random(seed).sample(numbers, _SAMPLE * _CHUNKS))


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_letters_on_a_server_end_alike_wherever_their_change_was_killed(
    chunk: int, empty_home: Path, tmp_path: Path, undisturbed: tuple[list[str], Standing], dovecot: DovecotServer, pytestconfig: pytest.Config
) -> None:
    borders, end = undisturbed
    seed = pytestconfig.getoption("randomly_seed", default=None)
    for number in chosen(borders, seed if isinstance(seed, int) else 2026)[chunk::_CHUNKS]:
        print(f"killed at border {number} of {len(borders)}: {borders[number]}")
        office = Office(empty_home, tmp_path / f"{number}", dovecot)
        killed_at(office.company, number)
        with working(office.company, FixedClock(_LATER)) as house:
            with house.store.snapshot() as tx:
                begun = tx.cases.list()
            case = carried_through(house, begun[0] if begun else opened_for(house), worker="next")
            assert office.standing() == end
            statement = statement_of(house, case)
            assert (statement.serial, statement.verdict, statement.exceptions) == (1, "fulfilled", ())
