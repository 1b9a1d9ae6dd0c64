"""`dsr recipients` as an officer uses it twice a year: what is said, what is refused, what the exit code tells."""

import json
from pathlib import Path

from tests.cli.company import EMAIL, Company, traces_in
from tests.cli.conftest import Dsr
from tests.servers.recipient_server import RecipientServer, Reply

_POLICY = """\
policy: ours
regimes: [gdpr]
rules:
  - {name: mentions, when: {category: user, match: mentions}, then: redact}
  - {name: theirs, when: {category: user}, then: delete}
request: {approval: automatic, superseded: delete}
"""
_CONNECTOR = """\
connector: ourshop
driver: sql
collections:
  customers:
    key: [id]
    fields:
      id:        {category: user.unique_id, selects: customer_id, identifies: true}
      email:     {category: user.contact.email, selects: email}
      full_name: {category: user.name}
      phone:     {category: user.contact.phone_number}
discover: rest
"""
_SECRET = "0123456789abcdef0123456789abcdef"


def _declare(home: Path, company: Company, entries: str) -> None:
    (home / "connectors" / "ourshop.yaml").write_text(_CONNECTOR)
    (home / "policies" / "ours.yaml").write_text(_POLICY)
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: ourshop, url: "sqlite:///{company.shop}"}}\n')
    (home / "recipients.yaml").write_text(f"recipients:\n{entries}")
    (home / "secret").write_text(_SECRET)


def _manual(name: str, title: str, role: str = "controller") -> str:
    return (
        f"  {name}: {{title: {title}, role: {role}, receives: [shop.customers], identify_by: [email], channel: manual, owner: finance,"
        " contract: an agreement of 2024}\n"
    )


def _hook(home: Path, server: RecipientServer) -> str:
    keys = f'url: "{server.url}/x", secret: "file:{home}/secret", ca_file: "{server.ca_file}", internal: true'
    return f"  hook: {{title: Hook Ltd, role: controller, receives: [user.contact], identify_by: [email], channel: webhook, {keys}}}\n"


def _erased(dsr: Dsr, home: Path) -> str:
    """A case that stands at its recipients; gives its id."""
    opened = dsr("--home", home, "case", "open", "--email", EMAIL, "--policy", "ours", "--vouch", "--by", "officer", "--json")
    assert opened.code == 0, opened.all
    case = str(json.loads(opened.out)["case"])
    dsr("--home", home, "case", "ground", case, "--ground", "purpose_over", "--by", "officer")
    dsr("--home", home, "hold", "attest", "--looked-at", "the list of disputes", "--by", "officer")
    assert dsr("--home", home, "case", "run", case).code in (0, 3)
    return case


def test_the_register_is_listed_with_what_a_case_awaits(dsr: Dsr, home: Path, company: Company) -> None:
    _declare(home, company, _manual("accountant", "Example & Partners") + _manual("payroll", "Payroll Ltd", "processor"))
    (accountant, payroll) = json.loads(dsr("--home", home, "recipients", "list", "--json").out)
    assert (accountant["name"], accountant["awaits"], accountant["contract"]) == ("accountant", "receipt", "an agreement of 2024")
    assert (payroll["awaits"], payroll["channel"]) == ("deletion", "manual")
    assert "Example & Partners" in dsr("--home", home, "recipients", "list").out


def test_a_new_home_says_that_nobody_is_registered(dsr: Dsr, home: Path) -> None:
    assert "names nobody" in dsr("--home", home, "recipients", "list").out


def test_a_check_of_the_files_reaches_nobody_and_one_of_the_recipients_tells_nothing(
    dsr: Dsr, home: Path, company: Company, recipient_server: RecipientServer
) -> None:
    _declare(home, company, _manual("accountant", "Example & Partners") + _hook(home, recipient_server))
    assert dsr("--home", home, "check", "--allow-gaps").code == 0
    assert recipient_server.asked == []
    found = {row["name"]: row["state"] for row in json.loads(dsr("--home", home, "recipients", "check", "--json").out)}
    assert (found, recipient_server.asked) == ({"accountant": "ok", "hook": "ok"}, [])


def test_a_mistake_in_the_register_is_shown_with_its_line_by_the_check(dsr: Dsr, home: Path, company: Company) -> None:
    _declare(home, company, _manual("accountant", "A").replace("shop.customers", "shpo.customers"))
    said = dsr("--home", home, "check")
    assert said.code == 2
    assert "recipients.yaml:2:55: recipients.accountant.receives.0: neither a collection" in said.err


def test_a_recipient_that_does_not_answer_is_named_with_what_to_do(dsr: Dsr, home: Path, company: Company, recipient_server: RecipientServer) -> None:
    _declare(home, company, _hook(home, recipient_server).replace("internal: true", "internal: false"))
    said = dsr("--home", home, "recipients", "check")
    assert said.code == 3
    assert "private network" in said.out
    assert "internal: true" in said.out
    assert dsr("--home", home, "recipients", "check", "odd").code == 2


def test_a_case_from_the_notices_to_the_letter(dsr: Dsr, home: Path, company: Company, recipient_server: RecipientServer, tmp_path: Path) -> None:
    _declare(home, company, _manual("accountant", "Example & Partners") + _hook(home, recipient_server))
    case = _erased(dsr, home)
    shown = dsr("--home", home, "recipients", "show", case)
    assert shown.code == 3
    assert "a person has to tell it" in shown.out
    assert f"dsr recipients acknowledge {case} accountant --as received" in shown.out
    assert "told, receipt acknowledged (no proof of deletion)" in " ".join(shown.out.split())
    (tmp_path / "answer.txt").write_text("We have deleted everything.")
    done = dsr(
        *("--home", home, "recipients", "acknowledge", case, "accountant", "--as", "deleted"),
        *("--evidence", tmp_path / "answer.txt", "--by", "officer"),
    )
    assert done.code == 0
    assert "confirmed as deleted by the recipient" in done.out
    assert dsr("--home", home, "case", "run", case).code == 0
    person = dsr("--home", home, "recipients", "show", case, "--for-person")
    assert person.code == 0
    assert "Example & Partners (it decides for itself): was told and answered that the data are deleted" in person.out
    assert "Hook Ltd (it decides for itself): was told and acknowledged that our notice arrived" in person.out
    german = json.loads(dsr("--home", home, "recipients", "show", case, "--for-person", "--language", "de", "--json").out)
    assert german[0].startswith("Example & Partners (entscheidet selbst): ")
    letter = dsr("--home", home, "letter", case, "completion")
    assert "We had passed data on to 2 recipient(s), and told every one of them." in " ".join(letter.out.split())
    rows = json.loads(dsr("--home", home, "recipients", "show", case, "--json").out)
    assert {row["state_code"] for row in rows} == {"confirmed", "acknowledged"}
    assert not traces_in(shown.all + person.all + json.dumps(rows))


def test_what_an_officer_says_by_hand_stands_in_the_letter_instead(dsr: Dsr, home: Path, company: Company, recipient_server: RecipientServer) -> None:
    _declare(home, company, _hook(home, recipient_server))
    case = _erased(dsr, home)
    letter = dsr("--home", home, "letter", case, "completion", "--say", "recipients=We told Hook Ltd.")
    assert "We told Hook Ltd." in " ".join(letter.out.split())


def test_reasons_are_refused_until_they_say_enough_and_name_nobody(dsr: Dsr, home: Path, company: Company) -> None:
    _declare(home, company, _manual("accountant", "Example & Partners"))
    case = _erased(dsr, home)
    for day in ("2020-01-01", "2999-01-01", "yesterday"):  # before the case, after today, never
        assert dsr("--home", home, "recipients", "acknowledge", case, "accountant", "--as", "received", "--on", day).code == 2
    short = dsr("--home", home, "recipients", "impossible", case, "accountant", "--reason", "gone")
    assert (short.code, "fewer than 40 characters" in short.err) == (2, True)
    naming = dsr("--home", home, "recipients", "impossible", case, "accountant", "--reason", f"Nobody there remembers who {EMAIL} was any more.")
    assert (naming.code, "name nobody" in naming.err) == (2, True)
    assert not traces_in(naming.all)
    both = dsr("--home", home, "recipients", "disproportionate", case, "accountant")
    assert both.code == 2
    early = dsr("--home", home, "recipients", "close", case, "--reason", "The person asked for the answer by today.", "--by", "officer")
    assert early.code == 0
    assert "goes on without accountant" in early.out
    assert dsr("--home", home, "case", "run", case).code == 0
    assert dsr("--home", home, "recipients", "close", case, "--reason", "The person asked for the answer by today.").code == 3


def test_a_notice_that_failed_is_sent_again_by_hand(dsr: Dsr, home: Path, company: Company, recipient_server: RecipientServer) -> None:
    recipient_server.answering = lambda _: Reply(403)
    _declare(home, company, _hook(home, recipient_server))
    case = _erased(dsr, home)
    assert "could not be told" in dsr("--home", home, "recipients", "show", case).out
    recipient_server.answering = lambda _: Reply(200)
    assert dsr("--home", home, "recipients", "resend", case, "hook").code == 0
    assert dsr("--home", home, "case", "run", case).code == 0
    assert len(recipient_server.asked) == 2
    assert dsr("--home", home, "recipients", "resend", case, "hook").code == 3


def test_only_a_recipient_of_the_framework_has_a_key_to_publish(dsr: Dsr, home: Path, company: Company) -> None:
    _declare(home, company, _manual("accountant", "Example & Partners"))
    assert dsr("--home", home, "recipients", "key", "accountant").code == 2
