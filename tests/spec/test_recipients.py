"""`recipients.yaml`: whom a slip of the pen would leave untold, and secrets by reference only."""

from pathlib import Path

import pytest

from dsr_engine.domain.recipient import Awaits, Recipient, Role
from dsr_engine.spec.home import home_file, load_home
from dsr_engine.spec.problems import SpecWrong
from tests.spec.files import write

_HEAD = "title: A, role: processor, receives: [shop.customers], identify_by: [email]"
_SYSTEMS = 'systems: {shop: {connector: postgresql, url: "postgresql://h/d"}}\n'
_SECRET = "0123456789abcdef"


def _recipient(home: Path, entry: str, **environment: str) -> Recipient:
    write(home, systems=_SYSTEMS, recipients=f"recipients:\n  it: {{{entry}}}\n")
    return load_home(home, environment).recipients["it"]


def _problem(home: Path, entry: str, **environment: str) -> str:
    with pytest.raises(SpecWrong) as caught:
        _recipient(home, entry, **environment)
    (problem,) = caught.value.problems
    return str(problem)


def test_a_recipient_is_read_and_its_secret_never_shown(tmp_path: Path) -> None:
    found = _recipient(tmp_path, f'{_HEAD}, channel: webhook, url: "https://h.example/a", secret: "${{S}}"', S=_SECRET)
    assert (found.setting("secret"), found.role, found.receives, found.identify_by) == (_SECRET, Role.PROCESSOR, ("shop.customers",), ("email",))
    assert _SECRET not in repr(found)
    assert str(found.source) == "recipients.yaml:2"


@pytest.mark.parametrize(
    ("role", "awaits"),
    [("processor", "deletion"), ("joint_controller", "deletion"), ("controller", "receipt"), ("third_party", "receipt"), ("public", "nothing")],
)
def test_what_a_case_awaits_follows_from_the_role_unless_it_is_said(tmp_path: Path, role: str, awaits: str) -> None:
    entry = f"{_HEAD}, channel: manual, owner: a".replace("processor", role)
    assert _recipient(tmp_path, entry).awaits is Awaits(awaits)
    assert _recipient(tmp_path, f"{entry}, awaits: receipt").awaits is Awaits.RECEIPT


LITERALS = [
    'channel: webhook, url: "https://h.example", secret: hunter2hunter2hunter2',
    'channel: webhook, url: "https://u:hunter2@h.example", secret: "${S}"',
    'channel: webhook, url: "https://h.example/?token=hunter2", secret: "${S}"',
    'channel: opendsr, url: "https://h.example/v2", authorization: "Basic hunter2"',
    "channel: iab_ddr, domain: v.example, issuer: o.example, key_id: a, key: hunter2",
]


@pytest.mark.parametrize("entry", LITERALS)
def test_a_secret_that_is_written_out_is_an_error_that_does_not_repeat_it(tmp_path: Path, entry: str) -> None:
    shown = _problem(tmp_path, f"{_HEAD}, {entry}", S=_SECRET)
    assert "a secret is written out" in shown
    assert "hunter2" not in shown


WRONG = [
    ("channel: mail", "recipients.yaml:2:7: recipients.it: the channel mail needs `to`"),
    ("channel: mail, to: nobody", "recipients.it.to: not an e-mail address (try privacy@example.com)"),
    ('channel: mail, to: a@h.example, url: "https://h"', "recipients.it.url: not a setting of the channel mail (to)"),
    ('channel: webhook, url: "http://h.example", secret: "${S}"', "recipients.it.url: must begin with https://: identifiers are sent there"),
    ('channel: webhook, url: "https://h.example", secret: "${SHORT}"', "the secret has fewer than 16 characters"),
    ('channel: webhook, url: "https://h.example", secret: "${GONE}"', "the environment variable GONE is not set"),
    ('channel: webhook, url: "https://h.example", secret: "${S}", ca_file: gone.pem', "recipients.it.ca_file: there is no such file"),
    ('channel: opendsr, url: "https://h.example/v2", authorization: "${LINES}"', "the value cannot be a header"),
    ("channel: telegram", "recipients.it.channel: must be mail, webhook, opendsr, iab_ddr or manual"),
    ("channel: manual", "the channel manual needs `owner`"),
    ("channel: manual, owner: a, langauge: en", "recipients.it.langauge: unknown key (did you mean language?)"),
    ("channel: manual, owner: a, language: xx", "recipients.it.language: there are no notices in this language (there are de, en"),
    ("channel: manual, owner: a, within: soon", 'recipients.it.within: not a period (try "2 years")'),
    ("channel: manual, owner: a, countries: [Germany]", "recipients.it.countries.0: not a country's two letters (try FR)"),
    ('channel: opendsr, url: "https://h.example/v2", domain: h.example', "`certificate` and `domain` go together"),
    ("channel: iab_ddr, domain: v.example, issuer: o.example", "the channel iab_ddr needs `key` and `key_id`"),
    ('channel: iab_ddr, domain: "https://v.example", issuer: o.example', "not a domain in small letters"),
]


@pytest.mark.parametrize(("entry", "expected"), WRONG)
def test_a_wrong_entry_is_told_what_is_right(tmp_path: Path, entry: str, expected: str) -> None:
    assert expected in _problem(tmp_path, f"{_HEAD}, {entry}", S=_SECRET, SHORT="abc", LINES="a\nb")


@pytest.mark.parametrize(
    ("receives", "expected"),
    [
        ("shpo.customers", "neither a collection of a declared system (system.collection) nor a category (did you mean shop?)"),
        ("user.contcat", "nor a category (did you mean user.contact?)"),
        ("customers", "neither a collection"),
        ("shop.", "neither a collection"),
        ("crm.leads", "neither a collection"),
    ],
)
def test_a_place_that_is_not_there_is_an_error_because_somebody_would_never_be_told(tmp_path: Path, receives: str, expected: str) -> None:
    shown = _problem(tmp_path, f"{_HEAD.replace('shop.customers', receives)}, channel: manual, owner: a")
    assert "recipients.it.receives.0: " in shown
    assert expected in shown


def test_a_kind_of_identifier_that_is_none_is_an_error(tmp_path: Path) -> None:
    assert "not a kind of selector (did you mean email?)" in _problem(tmp_path, f"{_HEAD.replace('email', 'emial')}, channel: manual, owner: a")


def test_a_language_of_the_home_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "templates" / "notices").mkdir(parents=True)
    (tmp_path / "templates" / "notices" / "fr.toml").write_text("")
    assert _recipient(tmp_path, f"{_HEAD}, channel: manual, owner: a, language: fr").language == "fr"


def test_the_examples_of_a_new_home_are_right_when_their_marks_are_taken_away(tmp_path: Path) -> None:
    lines = home_file("recipients.yaml").splitlines()
    text = "\n".join(line.removeprefix("# ") for line in lines if line.startswith(("# recipients:", "#   ")))
    write(tmp_path, recipients=text)
    found = load_home(tmp_path, {"PAYMENTS_SECRET": _SECRET}).recipients
    assert sorted(found) == ["accountant", "newsletter", "payments"]


def test_mistakes_of_the_systems_do_not_drown_those_of_the_recipients(tmp_path: Path) -> None:
    write(tmp_path, systems="systems: {shop: {connector: odd}}\n", recipients="recipients: {it: {title: A}}\n")
    with pytest.raises(SpecWrong) as caught:
        load_home(tmp_path, {})
    assert {problem.source.file for problem in caught.value.problems} == {"systems.yaml"}
