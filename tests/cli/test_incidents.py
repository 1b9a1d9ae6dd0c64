"""`dsr incident`, as a privacy officer on a bad day uses it."""

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.cli.company import Company
from tests.cli.conftest import Dsr
from tests.cli.test_erasing import POLICY, WHO


def erased_at_once(dsr: Dsr, home: Path, company: Company) -> str:
    return str(json.loads(dsr("--home", home, "erase", *WHO, *POLICY, *company.urls(), "--yes", "--json").out)["case"])


def _certificate(home: Path) -> Path:
    (found,) = sorted((home / "certificates").glob("*.pdf"))
    return found


def test_an_incident_goes_from_the_first_knowledge_to_its_end(dsr: Dsr, home: Path, company: Company) -> None:
    case = erased_at_once(dsr, home, company)
    assert dsr("--home", home, "verify", _certificate(home)).code == 0
    assert dsr("--home", home, "incident", "list").code == 0

    opened = dsr("--home", home, "incident", "open", case, "--kind", "wrong_person", "--by", "Ann Officer")
    assert opened.code == 3
    assert "the authority has to be told by" in " ".join(opened.out.split())
    (listed,) = json.loads(dsr("--home", home, "incident", "list", "--json").out)
    assert (listed["case"], listed["owed"], listed["left"]) == (case, "authority", "71 h")
    shown = json.loads(dsr("--home", home, "incident", "show", listed["incident"], "--json").out)
    assert sum(shown["lost"].values()) > 0
    verified = dsr("--home", home, "verify", _certificate(home))
    assert verified.code == 1
    assert "genuine, but withdrawn on" in verified.out
    assert "it was withdrawn" in dsr("--home", home, "case", "show", case).out

    assert dsr("--home", home, "incident", "close", listed["incident"], "--reason", "restored").code == 3
    assert "people concerned" in " ".join(dsr("--home", home, "incident", "judge", listed["incident"], "--risk", "high").out.split())
    dsr("--home", home, "incident", "told", listed["incident"], "authority")
    dsr("--home", home, "incident", "told", listed["incident"], "people")
    assert dsr("--home", home, "incident", "close", listed["incident"], "--reason", "restored").code == 0
    assert dsr("--home", home, "incident", "list").code == 0
    assert json.loads(dsr("--home", home, "incident", "list", "--open", "--json").out) == []


def test_nonsense_is_answered_in_a_sentence(dsr: Dsr, home: Path, company: Company) -> None:
    case = erased_at_once(dsr, home, company)
    for said in (
        dsr("--home", home, "incident", "open", "nobody", "--kind", "wrong_person"),
        dsr("--home", home, "incident", "open", case, "--kind", "wrong_person", "--aware", "yesterday"),
        dsr("--home", home, "incident", "open", case, "--kind", "wrong_person", "--aware", "2999-01-01"),
        dsr("--home", home, "incident", "show", "nothing"),
    ):
        assert said.code == 2, said.all
        assert said.err.startswith("error: ")
        assert "Traceback" not in said.all


def test_a_day_without_a_time_is_a_day_of_the_place_where_answers_are_given(dsr: Dsr, home: Path, company: Company) -> None:
    settings = home / "dsr.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('time_zone = "UTC"', 'time_zone = "Pacific/Kiritimati"'), encoding="utf-8")
    case = erased_at_once(dsr, home, company)
    dsr("--home", home, "incident", "open", case, "--kind", "wrong_person")
    listed = json.loads(dsr("--home", home, "incident", "list", "--json").out)
    today = datetime.now(ZoneInfo("Pacific/Kiritimati")).date().isoformat()
    said = dsr("--home", home, "incident", "told", listed[0]["incident"], "authority", "--on", today)
    assert said.code == 0, said.all
