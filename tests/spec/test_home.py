"""A home with its own files: what shadows what, what is checked, and that secrets stay secret."""

from pathlib import Path

import pytest

from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.period import Period, PeriodUnit
from dsr_engine.domain.policy import Pick, Start, Treatment
from dsr_engine.spec.home import Declared, load_home, load_policy, load_regimes
from dsr_engine.spec.problems import SpecWrong
from tests.spec.files import REGIMES, policy_text, write

CONNECTOR = """\
connector: shop
driver: sql
collections:
  orders:
    fields:
      email: {category: user.contact.email, selects: email}
      created_at: {starts: retention}
discover: none
"""
SYSTEMS = 'systems: {shop: {connector: shop, url: "sqlite:///shop.db"}}\n'


def _problems(home: Path, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SpecWrong) as caught:
        load_home(home, environment or {})
    assert str(home) not in str(caught.value)
    return [str(problem) for problem in caught.value.problems]


def _rule(when: str, keep: str = "{for: 2 years, from: created_at}") -> str:
    return policy_text(f"name: a\nwhen: {when}\nkeep: {keep}\nthen: delete")


def test_mistakes_of_all_files_come_at_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        systems="systems: {shop: {connector: shop, uri: x}}\n",
        policies__a="policy: a\n",
        connectors__b="connector: b\ndriver: sq\n",
        policies__regimes__c="regime: c\n",
    )
    assert {line.split(":")[0] for line in _problems(tmp_path)} == {"systems.yaml", "policies/a.yaml", "connectors/b.yaml", "policies/regimes/c.yaml"}


def test_a_file_of_the_home_shadows_the_shipped_one_of_the_same_name(tmp_path: Path) -> None:
    write(tmp_path, connectors__mine=CONNECTOR, policies__mine=policy_text().replace("policy: leads", "policy: one-shot"))
    declared = load_home(tmp_path, {}, allow_gaps=True)
    assert declared.manifests["shop"].source.file == "connectors/mine.yaml"
    assert declared.policies["one-shot"].source.file == "policies/mine.yaml"
    assert "customer-data" in declared.policies


def test_two_files_of_a_home_cannot_declare_the_same_name(tmp_path: Path) -> None:
    write(tmp_path, connectors__a=CONNECTOR, connectors__b=CONNECTOR)
    assert _problems(tmp_path) == ["connectors/b.yaml:1:1: `shop` is declared in connectors/a.yaml already"]


def test_everything_that_a_rule_says_arrives(tmp_path: Path) -> None:
    text = policy_text(
        "name: a\nwhen: {collection: shop.orders, match: owns, field: email}\n"
        'keep: {for: 8 years, from: {earliest: [a, orders.b]}, to_year_end: true, because: legal_obligation, law: "§ 147 AO"}\n'
        'then: {anonymize: {user.name: null, user.contact: {text: "0151"}, user.date_of_birth: {generalize: year}, user: pseudonym}}',
        tail="request: {approval: two_people, max_affected: 7, cool_off: 3 days, first_batch: 2, max_drift: 5%, superseded: delete}\n"
        'sweep: {schedule: "0 3 * * *", max_share: 1%}',
    )
    path = write(tmp_path, policies__leads=text) / "policies/leads.yaml"
    policy = load_policy(path, REGIMES)
    (rule,) = policy.rules
    assert (rule.source.file, rule.source.line, len(rule.source.digest)) == ("policies/leads.yaml", 5, 64)
    assert rule.keep is not None
    assert (rule.keep.period, rule.keep.start) == (Period(8, PeriodUnit.YEARS), Start(("a", "orders.b"), Pick.EARLIEST))
    assert (rule.keep.because, rule.keep.law, rule.keep.to_year_end) == ("legal_obligation", "§ 147 AO", True)
    assert rule.then.treatment is Treatment.ANONYMIZE
    assert rule.then.methods == {
        "user.name": Method(MethodName.NULL),
        "user.contact": Method(MethodName.TEXT, "0151"),
        "user.date_of_birth": Method(MethodName.GENERALIZE, "year"),
        "user": Method(MethodName.PSEUDONYM),
    }
    assert (policy.request.approval, policy.request.max_drift, policy.request.superseded) == ("two_people", 0.05, "delete")
    assert policy.request.cool_off == Period(3, PeriodUnit.DAYS)
    assert policy.sweep is not None
    assert policy.sweep.max_share == 0.01


def test_while_takes_one_value_or_several_and_leaves_them_texts(tmp_path: Path) -> None:
    write(tmp_path, policies__leads=_rule("{category: user}", "{while: {status: no, zip: [0151, 22:22]}, because: contract}"))
    keep = load_policy(tmp_path / "policies/leads.yaml", REGIMES).rules[0].keep
    assert keep is not None
    assert keep.while_ == {"status": ("no",), "zip": ("0151", "22:22")}


def test_a_ground_must_be_one_of_every_regime_of_the_policy(tmp_path: Path) -> None:
    text = _rule("{category: user}", "{for: 2 years, from: a, because: security}").replace("[gdpr]", "[ccpa, gdpr]")
    write(tmp_path, policies__leads=text)
    with pytest.raises(SpecWrong, match="a ground of ccpa, but not of gdpr: write a policy for each regime"):
        load_policy(tmp_path / "policies/leads.yaml", REGIMES)


def _shop(home: Path, policy: str, connector: str = CONNECTOR) -> Path:
    return write(home, systems=SYSTEMS, connectors__shop=connector, policies__leads=policy)


def test_data_without_a_rule_is_a_gap_where_its_collection_is_declared(tmp_path: Path) -> None:
    _shop(tmp_path, _rule("{category: user.name}"))
    assert _problems(tmp_path) == ["connectors/shop.yaml:4:3: shop.orders: personal data without a rule in policy leads: email"]


def test_data_without_a_period_is_a_gap(tmp_path: Path) -> None:
    _shop(tmp_path, policy_text())
    assert _problems(tmp_path) == ["connectors/shop.yaml:4:3: shop.orders: no rule of policy leads gives it a period with a start that it has: email"]


def test_a_period_whose_start_the_collection_does_not_have_is_a_gap(tmp_path: Path) -> None:
    _shop(tmp_path, _rule("{category: user}", "{for: 2 years, from: issued_on}"))
    assert len(_problems(tmp_path)) == 1


def test_a_policy_without_an_owner_is_a_gap(tmp_path: Path) -> None:
    _shop(tmp_path, _rule("{category: user}").replace("owner: privacy@example.com", "about: x"))
    assert _problems(tmp_path) == ["policies/leads.yaml:1:1: owner: nobody owns this policy: name a person or a team"]


def test_gaps_become_warnings_where_they_are_allowed_and_mistakes_do_not(tmp_path: Path) -> None:
    _shop(tmp_path, policy_text())
    declared = load_home(tmp_path, {}, allow_gaps=True)
    assert [problem.is_gap for problem in declared.warnings] == [True]
    _shop(tmp_path, _rule("{collection: shop.order}"))
    with pytest.raises(SpecWrong, match=r"connector shop has no collection order \(did you mean orders\?\)"):
        load_home(tmp_path, {}, allow_gaps=True)


def test_a_rule_that_covers_all_with_a_period_leaves_no_gap(tmp_path: Path) -> None:
    declared = load_home(_shop(tmp_path, _rule("{category: user}")), {})
    assert declared.warnings == ()
    assert isinstance(declared, Declared)


@pytest.mark.parametrize(
    ("when", "keep", "expected"),
    [
        ("{system: shp, category: user}", None, "rules.0.when.system: no system shp (did you mean shop?)"),
        ("{collection: shp.orders}", None, "rules.0.when.collection: no system shp (did you mean shop?)"),
        ("{collection: shop.orders, field: emial}", None, "rules.0.when.field: shop.orders lists no field emial (did you mean email?)"),
        (
            "{collection: shop.orders}",
            "{for: 2 years, from: createdat}",
            "rules.0.keep.from: shop.orders.createdat is not marked `starts: retention` in connectors/shop.yaml (did you mean created_at?)",
        ),
        ("{collection: shop.orders}", "{for: 2 years, from: ordres.created_at}", "lists no collection ordres (did you mean orders?)"),
    ],
)
def test_a_rule_that_speaks_of_what_is_not_there_is_told_what_is(tmp_path: Path, when: str, keep: str | None, expected: str) -> None:
    _shop(tmp_path, _rule(when, keep or "{for: 2 years, from: created_at}"))
    assert any(expected in line for line in _problems(tmp_path))


def test_what_no_system_lists_is_left_to_the_live_catalogue_where_it_is_searched(tmp_path: Path) -> None:
    policy = _rule("{collection: shop.audit_trail}") + "  - {name: b, when: {category: user}, keep: {for: 1 year, from: created_at}, then: delete}\n"
    declared = load_home(_shop(tmp_path, policy, CONNECTOR.replace("discover: none", "discover: rest")), {})
    assert [rule.when.collection for rule in declared.policies["leads"].rules] == ["shop.audit_trail", None]
    assert declared.warnings == ()


def test_a_later_folder_shadows_an_earlier_one(tmp_path: Path) -> None:
    text = (
        "regime: a\ntitle: A\nversion: {}\nvalid_from: 2026-01-01\nchecked_on: 2026-01-01\n"
        "sources: x\ngrounds: {{b: {{cite: c}}}}\nlog_keep_months: 3\n"
    )
    for folder, version in (("one", "1"), ("two", "2.10")):
        write(tmp_path, **{f"{folder}__a": text.format(version)})
    assert load_regimes(tmp_path / "one", tmp_path / "two")["a"].version == "2.10"


@pytest.mark.parametrize(
    ("name", "text"),
    [("crm", "connector: crm\ndriver: sq\n"), ("crm", "a: [\n"), ("crm", "connectr: crm\ndriver: sql\n"), ("other", "connector: crm\ndriver: sq\n")],
)
def test_a_connector_that_is_broken_is_not_said_to_be_unknown_too(tmp_path: Path, name: str, text: str) -> None:
    recipients = "recipients:\n  - {recipient: mailer, about: sends our letters, systems: [crm], reach: {manual: {instructions: tell them}}}\n"
    write(tmp_path, systems='systems: {crm: {connector: crm, url: "sqlite:///x.db"}}\n', recipients=recipients, **{f"connectors__{name}": text})
    assert {line.partition(":")[0] for line in _problems(tmp_path)} == {f"connectors/{name}.yaml"}


def test_a_connector_that_nobody_has_heard_of_is_said_to_be_unknown_beside_a_broken_one(tmp_path: Path) -> None:
    write(tmp_path, systems='systems: {crm: {connector: crn, url: "sqlite:///x.db"}}\n', connectors__b="connector: b\ndriver: sq\n")
    assert any("systems.crm.connector: no such connector" in line for line in _problems(tmp_path))
