"""Letters without a Message-ID, some of them twice in one folder: a case about them runs through, also one that was killed, and nobody is alarmed."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from dsr_engine.domain.clock import FixedClock
from tests.drivers.mailstore_boxes import DovecotBox, MboxBox, letter
from tests.workflow.company import BOB, EMAIL, Company, founded, of_any_case
from tests.workflow.journeys import NOON, carried_through, opened_for, statement_of, working
from tests.workflow.killing import borders_of, killed_at

_FOLDERS = ("INBOX", "Archive")


def filled(box: MboxBox | DovecotBox) -> None:
    """In each folder two equal letters and a third that name the person and two of others; in one two equal ones of hers, too."""
    for folder in _FOLDERS:
        for subject in ("twice", "twice", "once"):
            box.deliver(folder, letter(BOB, "shop@example.com", subject, f"ask {EMAIL}", eol=box.eol))
        for subject in ("tea", "tea"):
            box.deliver(folder, letter(BOB, "shop@example.com", subject, "hello", eol=box.eol))
    for _ in range(2):
        box.deliver("INBOX", letter(EMAIL, "shop@example.com", "from her", "hello", eol=box.eol))


def standing(box: MboxBox | DovecotBox) -> dict[str, Counter[bytes]]:
    return {name: Counter(of_any_case(mail.raw) for mail in mails) for name, mails in box.stored().items() if name in _FOLDERS}


def in_an_mbox(home: Path, folder: Path) -> tuple[Company, MboxBox]:
    company = founded(home, folder, ())
    box = MboxBox(folder / "boxes")
    company.declare("mail", f'connector: mbox, owner: office@example.com, url: "mbox:{box.root}"')
    filled(box)
    return company, box


def on_a_server(home: Path, folder: Path, box: DovecotBox) -> Company:
    company = founded(home, folder, ())
    secret = folder / "password"
    secret.write_text(box.password)
    given = {
        "url": f"imap://127.0.0.1:{box.server.port}",
        "user": box.user,
        "password": f"file:{secret}",
        "ca_file": str(box.server.certificate),
    }
    company.declare("mail", "connector: imap, owner: office@example.com, " + ", ".join(f'{name}: "{value}"' for name, value in given.items()))
    filled(box)
    return company


def ends_well(company: Company, box: MboxBox | DovecotBox, before: dict[str, Counter[bytes]], *, later: bool = False) -> None:
    with working(company, FixedClock(NOON + timedelta(minutes=10 * later))) as house:
        with house.store.snapshot() as tx:
            begun = tx.cases.list()
        case = carried_through(house, begun[0] if begun else opened_for(house), worker="next")
        statement = statement_of(house, case)
        assert (statement.serial, statement.verdict, statement.exceptions, case.round) == (1, "fulfilled", (), 1)
        with house.store.snapshot() as tx:
            assert tx.incidents.list() == ()
    after = standing(box)
    for folder in _FOLDERS:
        kept = {raw: count for raw, count in before[folder].items() if EMAIL.encode() not in raw}
        assert {raw: after[folder][raw] for raw in kept} == kept
        assert sorted((after[folder] - Counter(kept)).values()) == [1, 2]
        assert not any(EMAIL.encode() in raw for raw in after[folder])


def test_letters_on_a_server_are_known_again(empty_home: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    box = DovecotBox(request.getfixturevalue("dovecot"))
    company = on_a_server(empty_home, tmp_path / "company", box)
    ends_well(company, box, standing(box))


def test_letters_in_an_mbox_are_known_again(empty_home: Path, tmp_path: Path) -> None:
    company, box = in_an_mbox(empty_home, tmp_path / "company")
    ends_well(company, box, standing(box))


@pytest.mark.slow
def test_letters_in_an_mbox_are_known_again_after_a_kill(empty_home: Path, tmp_path: Path) -> None:
    company, _ = in_an_mbox(empty_home, tmp_path / "undisturbed")
    borders = borders_of(company)
    changes = [number for number, name in enumerate(borders) if name == "after change in mailstore"]
    assert len(changes) == 3 * len(_FOLDERS) + 1
    for number in (changes[0], changes[1], changes[-1]):
        company, box = in_an_mbox(empty_home, tmp_path / f"{number}")
        before = standing(box)
        killed_at(company, number)
        ends_well(company, box, before, later=True)
