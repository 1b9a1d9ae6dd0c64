"""`partners.yaml`: secrets by reference only, and no slip of the pen that would open a door to the wrong one."""

import re
from pathlib import Path

import pytest

from dsr_engine.domain.partner import Partners, Topic
from dsr_engine.spec.home import home_file, load_home
from dsr_engine.spec.problems import SpecWrong

_SECRET = "0123456789abcdef0123456789abcdef"
_OWN = {"TICKETS_SECRET": _SECRET, "S": _SECRET}


def _loaded(home: Path, text: str) -> Partners:
    (home / "partners.yaml").write_text(text, encoding="utf-8")
    return load_home(home, _OWN).partners


def _problem(home: Path, text: str) -> str:
    with pytest.raises(SpecWrong) as caught:
        _loaded(home, text)
    return "\n".join(str(problem) for problem in caught.value.problems)


def _hook(entry: str) -> str:
    return f"webhooks:\n  tickets: {{{entry}}}\n"


def test_a_home_without_the_file_has_no_partners(tmp_path: Path) -> None:
    assert load_home(tmp_path, {}).partners == Partners()


def test_a_subscriber_has_its_topics_and_hides_its_secrets(tmp_path: Path) -> None:
    found = _loaded(tmp_path, _hook('url: "https://t.example.com/${S}", secret: "${S}", events: [case, deadline]')).subscribers["tickets"]
    assert (found.topics, found.secret.reveal()) == ((Topic.CASE, Topic.DEADLINE), _SECRET)
    assert _SECRET not in repr(found)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('url: "https://t.example.com", secret: "written out here", events: [case]', "a secret is written out"),
        ('url: "http://t.example.com", secret: "${S}", events: [case]', "must begin with https://"),
        ('url: "https://t.example.com", secret: "${NONE}", events: [case]', "NONE is not set"),
        ('url: "https://t.example.com", secret: "${S}", events: [cases]', "did you mean case?"),
        ('url: "https://t.example.com", secret: "${S}", events: []', "empty list"),
        ('url: "https://t.example.com", secret: "${S}"', "missing"),
        ('url: "https://t.example.com", secret: "${S}", events: [case], internl: true', "did you mean internal?"),
        ('url: "https://t.example.com", secret: "${S}", events: [case], ca_file: nowhere.pem', "there is no such file"),
    ],
)
def test_a_slip_of_the_pen_is_told_with_its_place(tmp_path: Path, entry: str, message: str) -> None:
    said = _problem(tmp_path, _hook(entry))
    assert message in said
    assert said.startswith("partners.yaml:2:")
    assert _SECRET not in said


def test_a_door_names_a_policy_that_there_is_and_kinds_that_are_known(tmp_path: Path) -> None:
    head = 'webhooks: {}\niab_ddr: {domain: example.com, key: "${S}", key_id: k, partners: [p.example.net]'
    assert "there is no such policy" in _problem(tmp_path, f"{head}, identifiers: [email], policy: nothing}}\n")
    assert "not a kind of selector" in _problem(tmp_path, f"{head}, identifiers: [emial]}}\n")
    assert "not a domain" in _problem(tmp_path, f"{head.replace('p.example.net', 'https://p')}, identifiers: [email]}}\n")


def test_the_examples_of_a_new_home_are_right_when_their_marks_are_taken_away(tmp_path: Path) -> None:
    lines = home_file("partners.yaml").splitlines()
    text = "\n".join(line.removeprefix("# ") for line in lines if re.match(r"# (webhooks:|opendsr:|iab_ddr:| )", line))
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "opendsr.pem").touch()
    for name in ("opendsr-key", "iab-key"):
        (tmp_path / name).write_text(_SECRET)
        text = text.replace(f"file:/run/secrets/{name}", f"file:{tmp_path}/{name}")
    (tmp_path / "partners.yaml").write_text(text)
    found = load_home(tmp_path, {"TICKETS_SECRET": _SECRET, "EXAMPLE_SHOP_AUTHORIZATION": _SECRET}).partners
    assert found.opendsr is not None
    assert found.iab is not None
    assert (list(found.subscribers), list(found.opendsr.controllers), found.iab.partners) == (["tickets"], ["example-shop"], ("partner.example.net",))
