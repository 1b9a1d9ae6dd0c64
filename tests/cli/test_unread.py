"""`dsr case show --unread`: an officer who has to accept a gap is told which files to look at."""

import json
from pathlib import Path

from tests.cli.company import EMAIL, Company
from tests.cli.conftest import Dsr

POLICY = ("--policy", "one-shot", "--ground", "purpose_over")


def test_files_that_could_not_be_read_are_named_and_the_person_in_their_names_is_not(dsr: Dsr, company: Company, home: Path) -> None:
    for name in ("locked.gz", f"letter of {EMAIL}.gz"):
        (company.folder / "files" / name).write_bytes(b"\x1f\x8b\x08\x00 and no more of it")
    said = dsr("--home", home, "erase", "--email", EMAIL, *POLICY, *company.urls(), "--yes", "--json")
    assert said.code == 3, said.all
    case = json.loads(said.out)["case"]
    shown = json.loads(dsr("--home", home, "case", "show", case, "--unread", "--json").out)["unread"]
    assert {row["locator"] for row in shown} == {"locked.gz", "letter of •••.gz"}
    assert {row["reason"] for row in shown} == {"a compressed file is damaged; the rest was not read"}
    told = dsr("--home", home, "case", "show", case, "--unread")
    assert "locked.gz" in told.out
    assert EMAIL not in told.all
    assert "locked.gz" not in dsr("--home", home, "case", "show", case).out
