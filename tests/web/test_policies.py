"""Policies and laws in words, what they leave open, and what they hit last time, counted from what is there."""

from dsr_engine.domain.user import Role
from dsr_engine.web.bench import bench
from tests.web.conftest import Doors
from tests.workflow.company import EMAIL
from tests.workflow.journeys import carried_through, opened_for, planned


def _policy(doors: Doors, *rules: str) -> None:
    path = doors.company.home / "policies" / "ours.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("request:", "".join(f"  - {rule}\n" for rule in rules) + "request:"), encoding="utf-8")
    doors.keeper.house()
    assert doors.keeper.problem == ""


def _counted(doors: Doors) -> str:
    visitor = doors.signed_in(Role.AUDITOR).go("/policies/ours")
    visitor.send("Count again" if "Count again" in visitor.text else "Count")
    with doors.app.app_context():
        bench().rest()
    return visitor.go("/policies/ours").text


def test_rules_are_read_in_words(doors: Doors) -> None:
    path = doors.company.home / "connectors" / "shop.yaml"
    dates = "      paid_on: {starts: retention}\n      sent_on: {starts: retention}\n"
    path.write_text(path.read_text(encoding="utf-8").replace("      customer_id:", dates + "      customer_id:"), encoding="utf-8")
    _policy(
        doors,
        "{name: invoices, when: {collection: shop.orders}, then: restrict, "
        "keep: {for: 8 years, from: {latest: [paid_on, sent_on]}, to_year_end: true, because: legal_obligation, law: '§ 147 AO'}}",
    )
    text = doors.signed_in(Role.AUDITOR).go("/policies/ours").text
    assert "8 years after the latest of paid_on, sent_on, counted from the end of that year" in text
    assert "§ 147 AO" in text
    assert "cut the person&#39;s words out of the text" in text


def test_what_a_policy_leaves_open_or_says_in_vain_is_told_with_its_place(doors: Doors) -> None:
    _policy(
        doors,
        "{name: of nothing, when: {category: user.financial}, then: delete}",
        "{name: again, when: {collection: 'shop.*', category: user}, then: delete}",
        "{name: once more, when: {system: shop}, then: delete}",
    )
    text = doors.signed_in(Role.AUDITOR).go("/policies/ours").text
    assert "rule “of nothing”: nothing that a connector declares is about it" in text
    assert "rule “once more”: everything declared that it covers is decided by “again”" in text
    assert "policies/ours.yaml:" in text


def test_a_collection_without_any_rule_is_named(doors: Doors) -> None:
    path = doors.company.home / "policies" / "ours.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("when: {category: user}", "when: {collection: shop.customers}"), encoding="utf-8")
    assert "shop.orders: no rule decides about any of its" in doors.signed_in(Role.AUDITOR).go("/policies/ours").text


def test_what_a_rule_hit_last_time_comes_from_the_last_plans_and_findings(doors: Doors) -> None:
    assert "has a plan that can still be read" in _counted(doors)
    planned(doors.house)
    text = _counted(doors)
    assert "3 to delete" in text or "2 to delete" in text
    assert "1 to redact" in text
    assert EMAIL not in text


def test_cases_that_were_forgotten_are_said_to_be_missing(doors: Doors) -> None:
    case = carried_through(doors.house, opened_for(doors.house))
    with doors.house.store.transaction() as tx:
        doors.house.store.vault.shred(tx, case.id)
    assert "0 plans; 1 of the last cases has none any more" in _counted(doors)


def test_texts_are_kept_by_digest_and_name_the_cases_that_cite_them(doors: Doors) -> None:
    case = planned(doors.house)
    digest = doors.house.policies["ours"].source.digest
    visitor = doors.signed_in(Role.AUDITOR)
    assert digest[:16] in visitor.go("/policies/ours").text
    visitor.go(f"/policies/texts/{digest}")
    assert "what is theirs" in visitor.text
    assert case.id in visitor.text
    law = doors.house.regimes["gdpr"]
    assert law.source.digest[:16] in visitor.go("/policies/laws/gdpr").text
    assert case.id in visitor.go(f"/policies/texts/{law.source.digest}").text


def test_only_texts_that_are_what_their_digest_says_are_shown(doors: Doors) -> None:
    digest = doors.house.policies["ours"].source.digest
    _policy(doors, "{name: later, when: {system: shop}, then: delete}")
    (doors.company.home / "texts" / f"{digest}.yaml").write_text("policy: another\n", encoding="utf-8")
    visitor = doors.signed_in(Role.AUDITOR)
    assert visitor.go(f"/policies/texts/{digest}").status == 404
    for name in ("../../dsr.toml", "f" * 64, "x"):
        assert visitor.go(f"/policies/texts/{name}").status == 404


def test_every_law_can_be_read(doors: Doors) -> None:
    visitor = doors.signed_in(Role.ADMINISTRATOR)
    for name, regime in doors.house.regimes.items():
        visitor.go(f"/policies/laws/{name}")
        assert visitor.status == 200
        assert regime.version in visitor.text
    assert visitor.go("/policies").status == 200
    assert visitor.go("/policies/customer-data").status in (200, 404)
    assert visitor.go("/policies/none").status == 404
