"""What policies and connectors say of mail: read as it is written, refused where it cannot be meant, and remarked on where it is in vain."""

import tomllib
from pathlib import Path

import pytest

from dsr_engine.domain.correspondence import Sort, Whose
from dsr_engine.domain.policy import Treatment
from dsr_engine.shipped import shipped
from dsr_engine.spec.home import load_home
from dsr_engine.spec.problems import SpecWrong
from dsr_engine.workflow.correcting.rules_in_words import rule_in_words
from dsr_engine.workflow.law.linting import linted
from dsr_engine.workflow.law.policybook import rule_row
from tests.spec.files import write

_SHOP = "connector: shop\ndriver: sql\ncollections: {orders: {fields: {email: {category: user.contact.email}}}}\n"
_MAIL = "connector: ourmail\ndriver: mailstore\n%s"
_SYSTEMS = (
    "systems:\n  mail: {connector: ourmail, url: 'imaps://h', user: a, password: '${P}'}\n  shop: {connector: shop, url: 'sqlite:///shop.db'}\n"
)
_POLICY = "policy: leads\nowner: us\nregimes: [gdpr]\nrules:\n%s"


def home(folder: Path, rules: str = "  - {name: a, when: {category: user}, then: delete}\n", mail: str = "") -> Path:
    write(folder, policies__leads=_POLICY % rules, connectors__ourmail=_MAIL % mail, connectors__shop=_SHOP, systems=_SYSTEMS)
    return folder


def problems(folder: Path) -> list[str]:
    with pytest.raises(SpecWrong) as caught:
        load_home(folder, {"P": "x"}, allow_gaps=True)
    return str(caught.value).splitlines()


def test_places_sorts_and_mailboxes_are_read(tmp_path: Path) -> None:
    rules = (
        "  - {name: a, when: {category: mail.body.quoted, match: mentions}, then: retain}\n"
        "  - {name: b, when: {message: one_to_one}, then: ask}\n"
        "  - {name: c, when: {message: [list, routing], mailbox: others, match: mentions}, then: ask}\n"
    )
    policy = load_home(home(tmp_path, rules), {"P": "x"}, allow_gaps=True).policies["leads"]
    place, sort, both = (rule.when for rule in policy.rules)
    assert (place.category, place.role, place.message, place.mailbox) == ("mail.body.quoted", "mail.body.quoted", (), None)
    assert (sort.message, policy.rules[1].then.treatment) == ((Sort.ONE_TO_ONE,), Treatment.ASK)
    assert (both.message, both.mailbox) == ((Sort.LIST, Sort.ROUTING), Whose.OTHERS)


def test_own_domains_and_own_mail_are_read(tmp_path: Path) -> None:
    manifest = load_home(home(tmp_path, mail="own_domains: [Example.COM, '@mail.example.org']\nown_mail: mailbox\n"), {"P": "x"}, allow_gaps=True)
    assert manifest.systems["mail"].manifest.own_domains == ("example.com", "mail.example.org")
    assert manifest.systems["mail"].manifest.own_mail == ("mailbox",)
    assert manifest.systems["shop"].manifest.own_mail == ("sender", "sole_recipient")


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        ("own_domains: [localhost]\n", "connectors/ourmail.yaml:3:15: own_domains.0: not a mail domain (try example.com)"),
        ("own_domains: [jane@example.com]\n", "connectors/ourmail.yaml:3:15: own_domains.0: not a mail domain (try example.com)"),
        ("own_mail: [sendr]\n", "own_mail.0: must be sender, sole_recipient, mailbox or nothing (did you mean sender?)"),
        ("own_mail: [nothing, sender]\n", "connectors/ourmail.yaml:3:11: own_mail: `nothing` stands alone"),
    ],
)
def test_a_mistake_in_them_is_shown_with_its_place(tmp_path: Path, mail: str, expected: str) -> None:
    assert any(expected in line for line in problems(home(tmp_path, mail=mail)))


def test_only_a_mail_store_has_them(tmp_path: Path) -> None:
    write(home(tmp_path), connectors__shop=_SHOP + "own_domains: [example.com]\n")
    assert any("own_domains: only a connector with `driver: mailstore` has mail" in line for line in problems(tmp_path))


@pytest.mark.parametrize(
    ("when", "key"),
    [
        ("{system: shop, message: list}", "message"),
        ("{collection: shop.orders, mailbox: own}", "mailbox"),
        ("{collection: 'shop.*', category: mail.sender}", "category"),
    ],
)
def test_a_rule_of_mail_about_a_database_is_never_true(tmp_path: Path, when: str, key: str) -> None:
    rules = f"  - {{name: a, when: {when}, then: ask}}\n"
    assert any(f"rules.0.when.{key}: never true: shop is no mail store" in line for line in problems(home(tmp_path, rules)))


def test_rules_of_one_sort_tie_and_rules_of_two_do_not(tmp_path: Path) -> None:
    one = "  - {name: a, when: {message: [list, thread]}, then: ask}\n"
    assert any(
        "as specific as the rule on line 5" in line for line in problems(home(tmp_path, one + one.replace("a,", "b,").replace("thread", "routing")))
    )
    other = one.replace("a,", "b,").replace("list, thread", "one_to_one, routing")
    assert load_home(home(tmp_path, one + other), {"P": "x"}, allow_gaps=True)


def test_a_rule_of_mail_that_never_decides_is_remarked_on_and_one_that_does_is_not(tmp_path: Path) -> None:
    rules = (
        "  - {name: letters, when: {message: one_to_one}, then: ask}\n"
        "  - {name: lists, when: {message: list}, then: delete}\n"
        "  - {name: the others, when: {message: [thread, routing]}, then: delete}\n"
        "  - {name: senders, when: {category: mail.sender, system: mail}, then: redact}\n"
        "  - {name: everything, when: {category: user}, then: delete}\n"
    )
    declared = load_home(home(tmp_path, rules), {"P": "x"}, allow_gaps=True)
    remarks = [remark for remark in linted(declared.policies["leads"], declared.systems) if remark.code in ("shadowed", "unmatched")]
    assert [(remark.code, "senders" in remark.text) for remark in remarks] == [("shadowed", True)]


def test_a_rule_of_mail_is_told_in_words(tmp_path: Path) -> None:
    rules = "  - {name: a, when: {category: mail.body, message: [list, thread], mailbox: own, match: mentions}, then: ask}\n"
    (rule,) = load_home(home(tmp_path, rules), {"P": "x"}, allow_gaps=True).policies["leads"].rules
    row = rule_row(rule, {})
    assert row.narrowed == (("sort of mail", "list or thread"), ("mailbox", "the person's own"), ("place in the mail", "mail.body"))
    assert row.then == "leave it to a person: erase it, redact it, or let it stay"
    assert rule_in_words(rule) == (
        "Of other people's records that mention the person: personal data in the text of a mail in mail that is a list's or a thread of others in "
        "the person's own mailbox: a person decides about each of them."
    )


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_treatment_has_its_word_in_the_table_of_periods(language: str) -> None:
    text = tomllib.loads((shipped("templates") / "retention" / f"{language}.toml").read_text(encoding="utf-8"))
    assert set(text["treatments"]) == {treatment.value for treatment in Treatment}
