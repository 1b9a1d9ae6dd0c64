"""`dsr case match|code|verify|evidence|cannot-identify|more|ground|end-order`, as an officer uses them; nothing of a person is printed."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Dsr
from tests.servers.smtp_server import PASSWORD, USER, SmtpServer

JANE, BOB = "jane.tea@example.com", "bob@example.net"
_CONNECTOR = """\
connector: shop
driver: sql
collections:
  customers:
    key: [id]
    fields:
      id:        {category: user.unique_id, selects: customer_id, identifies: true}
      email:     {category: user.contact.email, selects: email}
      full_name: {category: user.name}
      postcode:  {category: user.contact.address.postal_code, selects: postcode}
discover: rest
"""


@pytest.fixture
def shop(home: Path, tmp_path: Path) -> Path:
    """A home with a shop of two customers."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, full_name TEXT, postcode TEXT)")
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?)", [(17, JANE, "Jane Tea", "10115"), (18, BOB, "Bob", "10117")])
        connection.commit()
    (home / "connectors" / "shop.yaml").write_text(_CONNECTOR, encoding="utf-8")
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: shop, url: "sqlite:///{path}", owner: us@example.com}}\n', encoding="utf-8")
    return home


def _opened(dsr: Dsr, home: Path, *more: str) -> str:
    said = dsr("--home", home, "case", "open", "--email", JANE, "--by", "officer", *more, "--json")
    assert said.code == 0, said.all
    return str(json.loads(said.out)["case"])


def _wait(dsr: Dsr, home: Path, case: str) -> str:
    wait = json.loads(dsr("--home", home, "case", "run", case, "--json").out)["wait"]
    return str(wait["code"]) if wait else ""


def test_an_officer_matches_names_a_ground_and_gets_to_the_approval_by_what_is_printed(dsr: Dsr, shop: Path) -> None:
    case = _opened(dsr, shop)
    assert _wait(dsr, shop, case) == "identity_unverified"
    first = dsr("--home", shop, "case", "match", case, "--point", "postcode=10117", "--by", "officer")
    assert (first.code, "matched: email" in first.out) == (3, True)
    assert _wait(dsr, shop, case) == "identity_incomplete"
    second = dsr("--home", shop, "case", "match", case, "--point", "postcode=10115", "--point", "name=Jane Tea", "--json", "--by", "officer")
    assert (second.code, json.loads(second.out)["matched"]) == (0, ["email", "name", "postcode"])
    assert _wait(dsr, shop, case) == "ground.missing"
    assert dsr("--home", shop, "case", "ground", case, "--ground", "unlawful", "--by", "officer").code == 0
    shown = dsr("--home", shop, "case", "show", case)
    assert "Who asked" in shown.out
    assert "Why it is due" in shown.out
    said = first.all + second.all + shown.all
    assert not [value for value in (JANE, BOB, "Jane Tea", "10115", "10117") if value in said]


def test_a_code_goes_out_by_mail_and_comes_back_by_the_officer(
    dsr: Dsr, shop: Path, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSR_MAIL_PASSWORD", PASSWORD)
    settings = shop / "dsr.toml"
    mail = f'\n[mail]\nserver = "{smtp_server.url}"\nuser = "{USER}"\npassword = "${{DSR_MAIL_PASSWORD}}"\nfrom = "privacy@example.com"\n'
    settings.write_text(settings.read_text(encoding="utf-8") + mail + f'ca = "{smtp_server.ca}"\n', encoding="utf-8")
    case = _opened(dsr, shop, "--reply-to", "officer@example.com", "--language", "fr")
    sent = dsr("--home", shop, "case", "code", case, "--by", "officer")
    assert sent.code == 0, sent.all
    (taken,) = smtp_server.to(JANE)
    assert "Votre code" in taken.data.decode()
    code = re.search(r"\b[A-Z2-9]{4}-[A-Z2-9]{4}\b", taken.data.decode())
    assert code is not None
    assert code[0] not in sent.all
    wrong = dsr("--home", shop, "case", "code", case, "--answer", "AAAA-AAAA", "--by", "officer")
    assert (wrong.code, "4 further tries" in wrong.err) == (3, True)
    assert dsr("--home", shop, "case", "code", case, "--answer", code[0].lower(), "--by", "officer").code == 0
    assert _wait(dsr, shop, case) == "ground.missing"


def test_without_mail_the_officer_is_told_what_else_can_be_done(dsr: Dsr, shop: Path) -> None:
    said = dsr("--home", shop, "case", "code", _opened(dsr, shop), "--by", "officer")
    assert (said.code, "[mail]" in said.err, "dsr case match" in said.err) == (2, True, True)


def test_a_paper_is_listed_looked_at_and_gone_once_the_requester_is_verified(dsr: Dsr, shop: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.pdf"
    card.write_bytes(b"%PDF identity card")
    case = _opened(dsr, shop)
    refused = dsr("--home", shop, "case", "evidence", case, "--add", card, "--by", "officer")
    assert (refused.code, "--doubt" in refused.err) == (2, True)
    added = dsr("--home", shop, "case", "evidence", case, "--add", card, "--doubt", "sender_unknown", "--by", "officer")
    paper = added.out.split()[1]
    assert paper in dsr("--home", shop, "case", "evidence", case).out
    assert dsr("--home", shop, "case", "evidence", case, "--save", paper, tmp_path / "looked.pdf").code == 0
    assert (tmp_path / "looked.pdf").read_bytes() == card.read_bytes()
    assert dsr("--home", shop, "case", "verify", case, "--method", "reauthenticated_account", "--by", "officer").code == 0
    assert "no paper is kept" in dsr("--home", shop, "case", "evidence", case).out
    assert dsr("--home", shop, "case", "evidence", case, "--save", paper, tmp_path / "again.pdf").code == 2


def test_who_cannot_be_identified_is_written_to_and_may_give_more(dsr: Dsr, shop: Path) -> None:
    said = dsr("--home", shop, "case", "open", "--name", "J. Tea", "--by", "officer", "--json")
    case = str(json.loads(said.out)["case"])
    dsr("--home", shop, "case", "run", case)
    told = dsr("--home", shop, "case", "cannot-identify", case, "--by", "officer")
    assert (told.code, "which is no refusal" in told.out) == (0, True)
    assert _wait(dsr, shop, case) == "cannot_identify"
    assert f"dsr letter {case} cannot_identify" in told.out
    assert "1 identifier(s) added" in dsr("--home", shop, "case", "more", case, "--email", JANE, "--by", "officer").out
    assert dsr("--home", shop, "case", "match", case, "--point", "postcode=10115", "--by", "officer").code == 0


def test_an_authoritys_order_is_opened_shown_kept_from_refusal_and_ended(dsr: Dsr, shop: Path, tmp_path: Path) -> None:
    half = dsr("--home", shop, "case", "open", "--email", JANE, "--order", "--due", "2030-01-31", "--by", "officer")
    assert (half.code, "--reference" in half.err) == (2, True)
    case = _opened(dsr, shop, "--order", "--reference", "DSB 17/2026", "--due", "2030-01-31")
    assert "ordered by an authority (DSB 17/2026), to be done by 2030-01-31" in dsr("--home", shop, "case", "show", case).out
    (row,) = [entry for entry in json.loads(dsr("--home", shop, "case", "due", "--json").out) if entry["case"] == case]
    assert (row["limit"], row["day"]) == ("order", "2030-01-31")
    refused = dsr("--home", shop, "case", "refuse", case, "--reason", "excessive", "--by", "officer")
    assert (refused.code, "neither refused nor withdrawn" in refused.err) == (3, True)
    judgment = tmp_path / "judgment.pdf"
    judgment.write_bytes(b"annulled")
    assert dsr("--home", shop, "case", "end-order", case, "--reason", "annulled_by_court", "--evidence", judgment, "--by", "officer").code == 0


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("match", "CASE", "--point", "10115"), "--point takes KIND=VALUE"),
        (("match", "CASE", "--point", "shoesize=41"), "not a kind of selector"),
        (("ground", "CASE"), "no ground was named"),
        (("ground", "CASE", "--ground", "they_asked"), "no such ground"),
        (("ground", "CASE", "--ground", "unlawful", "--ground", "child"), "two grounds"),
        (("verify", "CASE", "--method", "agent_with_permission"), "--paper"),
        (("verify", "CASE", "--method", "guardian", "--signed", "yesterday"), "--signed is not a date"),
    ],
)
def test_a_wrong_turn_is_named_with_the_way_back(dsr: Dsr, shop: Path, words: tuple[str, ...], hint: str) -> None:
    case = _opened(dsr, shop)
    said = dsr("--home", shop, "case", *(case if word == "CASE" else word for word in words))
    assert (said.code, hint in said.err) == (2, True), said.err
