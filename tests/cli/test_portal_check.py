"""What the requesters' door lacks is told to whoever runs it, not only to who comes."""

import json
from pathlib import Path

import pytest

from dsr_engine.settings import load_settings
from dsr_engine.workflow.portal.readiness import shortcomings
from tests.cli.conftest import Dsr

_MAIL = '\n[mail]\nserver = "smtps://127.0.0.1:9"\nfrom = "privacy@example.com"\n'


def _rows(dsr: Dsr, home: Path) -> list[str]:
    said = dsr("--home", home, "check", "--json", "--allow-gaps")
    return [row["code"] for row in json.loads(said.out)["systems"] if row["system"] == "[web] portal"]


def test_the_check_tells_that_the_portal_can_send_no_codes(dsr: Dsr, home: Path) -> None:
    assert "mail.not_configured" in _rows(dsr, home)


def test_a_portal_that_is_closed_lacks_nothing(dsr: Dsr, home: Path) -> None:
    settings = home / "dsr.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[web]\nportal = false\n", encoding="utf-8")
    assert _rows(dsr, home) == []


@pytest.mark.parametrize(
    ("web", "contact", "codes"),
    [
        ("", "", ["portal.no_contact", "portal.local"]),
        ("", "privacy@example.com", ["portal.local"]),
        ('\n[web]\nurl = "https://dsr.example.com"\n', "privacy@example.com", []),
    ],
)
def test_links_that_lead_nowhere_and_a_controller_whom_nobody_can_reach_are_told(tmp_path: Path, web: str, contact: str, codes: list[str]) -> None:
    reached = f'contact = "{contact}"\n' if contact else ""
    text = f'[controller]\nname = "Example Ltd"\n{reached}' + _MAIL + web
    (tmp_path / "dsr.toml").write_text(text, encoding="utf-8")
    assert [entry.code for entry in shortcomings(load_settings(tmp_path, {}))] == codes
