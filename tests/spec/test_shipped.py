"""Everything that is shipped loads, and every key is documented."""

import re
from pathlib import Path

import pytest

from dsr_engine.domain.system import Discover
from dsr_engine.settings import KEYS, load_settings
from dsr_engine.shipped import shipped
from dsr_engine.spec import (
    connector_file,
    mailboxes,
    pace,
    partners_file,
    policy_file,
    recipients_file,
    regime_clock,
    regime_file,
    regime_parts,
    systems_file,
)
from dsr_engine.spec.against import check_against
from dsr_engine.spec.catalog import catalog
from dsr_engine.spec.categories import categories
from dsr_engine.spec.home import HOME_FILES, home_file, load_home, load_manifests, load_policy
from dsr_engine.spec.schema import StrictSchema
from dsr_engine.spec.url import system_from_url
from tests.spec.files import REGIMES

CONNECTORS = shipped("connectors")
POLICIES = shipped("policies")
FILES = sorted([*CONNECTORS.rglob("*.yaml"), *POLICIES.rglob("*.yaml")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_every_shipped_file_is_right_and_named_after_what_it_declares(path: Path) -> None:
    if path.parent.name == "regimes":
        # A file with variants is named after what they have in common.
        assert path.stem in REGIMES or len([regime for regime in REGIMES.values() if regime.source.file.endswith(path.name)]) > 1
    elif path.is_relative_to(POLICIES):
        assert load_policy(path, REGIMES).name == path.stem
    else:
        assert load_manifests(CONNECTORS)[path.stem].about


@pytest.mark.parametrize("name", ["postgresql", "mariadb", "sqlite", "imap", "maildir", "mbox", "eml", "s3", "folder"])
def test_a_shipped_kind_searches_everything_and_tells_what_survives(name: str) -> None:
    manifest = load_manifests(CONNECTORS)[name]
    assert (manifest.collections, manifest.discover) == ((), Discover.ALL)
    assert manifest.residuals


def test_the_sample_policy_has_neither_gap_nor_contradiction_with_the_sample_connector(tmp_path: Path) -> None:
    (tmp_path / "systems.yaml").write_text('systems: {shop: {connector: shop, url: "sqlite:///shop.db"}}\n')
    declared = load_home(tmp_path, {})
    assert check_against(declared.policies["customer-data"], declared.systems) == ()


def test_a_new_home_loads_as_dsr_init_writes_it(tmp_path: Path) -> None:
    for name in HOME_FILES:
        (tmp_path / name).write_text(home_file(name), encoding="utf-8")
    declared, settings = load_home(tmp_path, {}), load_settings(tmp_path, {})
    assert declared.systems == {}
    assert settings.policy in declared.policies
    assert settings.regime in declared.regimes


def test_the_examples_in_a_new_home_are_right_when_their_marks_are_taken_away(tmp_path: Path) -> None:
    systems = "\n".join(re.sub(r"^# ?", "", line) for line in home_file("systems.yaml").splitlines() if re.match(r"# (systems:| )", line))
    (tmp_path / "systems.yaml").write_text(systems, encoding="utf-8")
    settings = re.sub(r"^# (?=\[|\w+ = )", "", home_file("dsr.toml"), flags=re.MULTILINE).replace('url = "sqlite:///dsr.db"\n', "")
    (tmp_path / "dsr.toml").write_text(settings, encoding="utf-8")
    environment = {"SHOP_PASSWORD": "a", "IMAP_USER": "b", "IMAP_PASSWORD": "c", "DSR_STORE_PASSWORD": "d", "DSR_SEAL_PASSWORD": "e"}
    environment |= {"DSR_MAIL_PASSWORD": "f", "DSR_BOUNCES_PASSWORD": "g", "DSR_DROP_KEY": "h", "DSR_OIDC_SECRET": "i"}
    assert sorted(load_home(tmp_path, environment).systems) == ["lake", "mail", "shop"]
    assert load_settings(tmp_path, environment).tsa_url == "https://tsa.example.com"


def test_every_setting_stands_in_the_file_of_a_new_home() -> None:
    text = home_file("dsr.toml")
    assert all(re.search(rf"^(# )?\[{section}\]", text, re.MULTILINE) for section in KEYS)
    assert all(re.search(rf"^(# )?{key} = ", text, re.MULTILINE) for keys in KEYS.values() for key in keys)


PAGES: list[tuple[Path, str, StrictSchema]] = [
    (POLICIES, "a policy", policy_file.PolicySchema()),
    (POLICIES, "a rule", policy_file.RuleSchema()),
    (POLICIES, "`when`", policy_file.WhenSchema()),
    (POLICIES, "`keep`", policy_file.KeepSchema()),
    (POLICIES, "`request`", policy_file.RequestSchema()),
    (POLICIES, "`sweep`", policy_file.SweepSchema()),
    (POLICIES, "a regime", regime_file.RegimeSchema()),
    (POLICIES, "a clock", regime_clock.ClockSchema()),
    (POLICIES, "a pause", regime_clock.PauseSchema()),
    (POLICIES, "an entitlement", regime_parts.EntitlementSchema()),
    (POLICIES, "a ground", regime_parts.GroundSchema()),
    (POLICIES, "`verification`", regime_parts.VerificationSchema()),
    (POLICIES, "`notify`", regime_parts.NotifySchema()),
    (POLICIES, "`appeal`", regime_clock.AppealSchema()),
    (POLICIES, "`stay_erased`", regime_parts.StayErasedSchema()),
    (POLICIES, "`backups`", regime_parts.BackupsSchema()),
    (POLICIES, "`metrics`", regime_parts.MetricsSchema()),
    (CONNECTORS, "a connector", connector_file.ConnectorSchema()),
    (CONNECTORS, "a collection", connector_file.CollectionSchema()),
    (CONNECTORS, "a field", connector_file.FieldSchema()),
    (CONNECTORS, "`restrict`", connector_file.RestrictSchema()),
    (CONNECTORS, "a residual", connector_file.ResidualSchema()),
    (CONNECTORS, "a task", connector_file.TaskSchema()),
    (CONNECTORS, "a system", systems_file.SystemSchema()),
    (CONNECTORS, "`mailboxes`", mailboxes.SourceSchema()),
    (CONNECTORS, "`ldap`", mailboxes.DirectorySchema()),
    (CONNECTORS, "`pause_when`", pace.PauseSchema()),
    (CONNECTORS, "a recipient", recipients_file.RecipientSchema()),
    (CONNECTORS, "a subscriber", partners_file.SubscriberSchema()),
    (CONNECTORS, "`opendsr`", partners_file.OpenDsrSchema()),
    (CONNECTORS, "`iab_ddr`", partners_file.IabSchema()),
]


@pytest.mark.parametrize(("folder", "heading", "schema"), PAGES, ids=[heading for _, heading, _ in PAGES])
def test_the_reference_page_has_every_key_and_no_other(folder: Path, heading: str, schema: StrictSchema) -> None:
    page = (folder / "README.md").read_text(encoding="utf-8")
    section = page.split(f"\n## Keys of {heading}\n")[1].split("\n## ")[0]
    rows = {match[1]: match[2] for match in re.finditer(r"^\| `([a-z_]+)` \| (.*) \|$", section, re.MULTILINE)}
    assert list(rows) == [field.data_key or name for name, field in schema.fields.items()]
    required = {field.data_key or name for name, field in schema.fields.items() if field.required}
    assert required == {key for key, about in rows.items() if "needed" in about}


@pytest.mark.parametrize("folder", [POLICIES, CONNECTORS])
def test_a_reference_page_has_no_section_that_no_schema_stands_behind(folder: Path) -> None:
    headings = re.findall(r"^## Keys of (.*)$", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [heading for owner, heading, _ in PAGES if owner == folder]


def test_later_settings_and_treatments_are_named_on_the_pages() -> None:
    assert all(f"`{word}`" in (POLICIES / "README.md").read_text(encoding="utf-8") for word in policy_file.LATER_TREATMENTS)


def test_every_category_has_its_parent_before_it() -> None:
    seen: set[str] = set()
    for category in categories():
        assert "." not in category or category.rpartition(".")[0] in seen
        seen.add(category)


def test_the_catalog_has_a_sentence_for_every_word() -> None:
    sections = catalog(load_manifests(CONNECTORS), REGIMES)
    assert list(sections) == [
        "treatments",
        "methods",
        "grounds",
        "connectors",
        "drivers",
        "selectors",
        "categories",
        "places_in_mail",
        "sorts_of_mail",
        "letters",
        "elements_of_letters",
    ]
    assert all(entry.name and entry.about for entries in sections.values() for entry in entries)
    assert {entry.name for entry in sections["treatments"] if entry.later} == {"void", "archive"}


def test_every_url_kind_has_a_shipped_connector(tmp_path: Path) -> None:
    (tmp_path / "a.mbox").write_text("")
    urls = [
        "postgresql://h/a",
        "mysql://h/a",
        "mariadb://h/a",
        "imaps://u:p@h",
        f"maildir:{tmp_path}",
        f"mbox:{tmp_path}/a.mbox",
        f"eml:{tmp_path}",
        "s3://b",
        str(tmp_path),
    ]
    assert {system_from_url(url).manifest.name for url in urls} == {"postgresql", "mariadb", "imap", "maildir", "mbox", "eml", "s3", "folder"}
