"""Whoever types into the forms of a new system gets nothing into the files that was not meant, and undoes nothing of somebody else's."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from dsr_engine.domain.user import Role
from dsr_engine.spec.problems import SpecWrong
from dsr_engine.web.bench import bench
from dsr_engine.workflow.systems.connecting import Place, entry_text, wish_of
from tests.web.conftest import Doors
from tests.web.visiting import Visitor

#: A table and a field whose names mean something in YAML, in paths and in HTML.
_TABLE, _FIELD = "a: {b}\n../&x !!python/object:os.system <script>", "#? mail: [*x"

_OWNERS = (
    'x", evil: {connector: sqlite, url: "sqlite:////etc/x"}, y: "',
    "x\n  evil:\n    connector: sqlite",
    "&anchor x",
    "*alias",
    "!!python/object:os.system {}",
    "{connector: x}",
    "null",
    "yes",
    "# not a comment",
    "Ünal & Søn, 東京 \U0001f600",
    'back\\slash \\u2028 "quoted"',
    "a\u2028  evil: {}",
    "a\u0085b",
    "a\u200fb",
    "a\ufeffb",
)


@pytest.fixture
def base(doors: Doors) -> Path:
    path = doors.company.folder / "odd.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE)")
        connection.execute("INSERT INTO people VALUES (1, 'zoe.quist@example.org')")
        connection.commit()
    return path


def _rested(doors: Doors) -> None:
    with doors.app.app_context():
        bench().rest()


def _begun(doors: Doors, base: Path, who: str = "", **values: str) -> Visitor:
    visitor = doors.signed_in(Role.ADMINISTRATOR, who).go("/connecting/new/sqlite")
    return visitor.send("Go on to the test", **{"name": "odd", "url": f"sqlite:///{base}", "inside": "1", **values})


def _drafted(doors: Doors, base: Path, who: str = "", **values: str) -> Visitor:
    visitor = _begun(doors, base, who, **values).send("Test it")
    _rested(doors)
    visitor.go("/connecting/to/odd").send("Draft it")
    _rested(doors)
    return visitor.go("/connecting/to/odd")


def test_a_name_that_is_no_name_is_refused(doors: Doors, base: Path) -> None:
    before = {path: path.read_bytes() for path in doors.company.home.rglob("*.y*ml*")}
    for name in ("a b", "a\nb", "a: b", "../x", "&x", "!!python/object:os.system", "con\u2028nect", "shop\x00", "Ä", "-x", "x" * 64, ""):
        assert _begun(doors, base, name=name).status == 400, name
    assert {path: path.read_bytes() for path in doors.company.home.rglob("*.y*ml*")} == before


def test_an_owner_is_a_text_whatever_it_says(doors: Doors, base: Path) -> None:
    text = "systems:\n  shop: {connector: shop}  # ours\n"
    place = Place(doors.company.home, doors.keeper.environment, doors.keeper.home.declared.manifests)
    refused = []
    for owner in _OWNERS:
        try:
            wish = wish_of(place, "odd", "sqlite", {"url": f"sqlite:///{base}"}, owner, is_inside=True)
        except SpecWrong:
            refused.append(owner)
            continue
        after = entry_text(text, wish, "sqlite")
        assert after.startswith(text)
        assert yaml.safe_load(after)["systems"] == {
            "shop": {"connector": "shop"},
            "odd": {"connector": "sqlite", "owner": owner.strip(), "url": f"sqlite:///{base}"},
        }
    assert refused == [owner for owner in _OWNERS if not owner.replace("\n", " ").isprintable()]


def test_names_of_the_database_stay_names(doors: Doors, base: Path) -> None:
    table, field = _TABLE.replace("\n", " "), _FIELD
    quoted = [name.replace('"', '""') for name in (table, field)]
    with closing(sqlite3.connect(base)) as connection:
        connection.execute(f'CREATE TABLE "{quoted[0]}" (id INTEGER PRIMARY KEY, "{quoted[1]}" TEXT)')
        connection.execute(f"INSERT INTO \"{quoted[0]}\" VALUES (1, 'zoe.quist@example.org')")
        connection.commit()
    visitor = _drafted(doors, base)
    overview = visitor.go("/connecting/to/odd/map").text
    assert "<script>" not in overview.replace('<script src="', "")
    [link] = [part.split('"')[0] for part in overview.split('href="')[1:] if part.startswith("/connecting/to/odd/fields?of=a")]
    visitor.go(link.replace("&amp;", "&"))
    assert visitor.status == 200
    visitor.send("Keep these corrections", **{"category-1": "user.contact.email", "whose-1": "email"})
    assert visitor.status == 200, visitor.text
    visitor.go("/connecting/to/odd").send("Save odd")
    assert visitor.path == "/systems/odd", visitor.text
    found = doors.keeper.house().systems["odd"].manifest.collection_named(table)
    assert found is not None
    named = found.field_named(field)
    assert named is not None
    assert named.category == "user.contact.email"


def test_what_a_form_says_of_a_field_is_a_word_and_no_yaml(doors: Doors, base: Path) -> None:
    visitor = _drafted(doors, base).go("/connecting/to/odd/fields?of=people")
    draft = doors.company.home / "connectors" / "odd.yaml.draft"
    before = draft.read_text(encoding="utf-8")
    for said in ("user, selects: email}", "{x: y}", "&a user", "user\n  evil: {}", "!!python/name:os.system", "user # x"):
        visitor.go("/connecting/to/odd/fields?of=people").send("Keep these corrections", **{"category-1": said})
        assert visitor.status == 400, said
        assert draft.read_text(encoding="utf-8") == before


def test_no_path_leads_out_of_the_connectors(doors: Doors) -> None:
    (doors.company.folder / "secret.yaml.draft").write_text("secret: 1\n", encoding="utf-8")
    visitor = doors.signed_in(Role.ADMINISTRATOR)
    for path in ("../../secret", "..%2f..%2fsecret", "%2e%2e", "odd%00", "odd.yaml"):
        for address in (f"/connecting/to/{path}", f"/connecting/to/{path}/map", f"/connecting/to/{path}/text"):
            assert visitor.go(address).status in (400, 404), address
            assert "secret: 1" not in visitor.text


def test_a_second_administrator_undoes_nothing(doors: Doors, base: Path) -> None:
    first = _drafted(doors, base).go("/connecting/to/odd/fields?of=people")
    assert _begun(doors, base, "bea").status == 409
    second = doors.signed_in(Role.ADMINISTRATOR, "bea").go("/connecting/to/odd/fields?of=people")
    text = doors.signed_in(Role.ADMINISTRATOR, "bea").go("/connecting/to/odd/text")
    first.send("Keep these corrections", **{"category-1": "user.contact"})
    assert "people is corrected" in first.text
    second.send("Keep these corrections", **{"category-1": "user.name"})
    assert second.status == 409
    assert "somebody else corrected this meanwhile" in second.text
    text.send("Keep this text", text="connector: odd\ndriver: sql\n")
    assert text.status == 409
    assert "user.contact}" in (doors.company.home / "connectors" / "odd.yaml.draft").read_text(encoding="utf-8").replace(", selects: email", "")


def test_the_same_name_is_declared_by_hand_before_the_last_step(doors: Doors, base: Path) -> None:
    visitor = _drafted(doors, base)
    systems = doors.company.home / "systems.yaml"
    systems.write_text(systems.read_text(encoding="utf-8") + f'  odd: {{connector: sqlite, url: "sqlite:///{base}"}}\n', encoding="utf-8")
    before = systems.read_bytes()
    visitor.send("Save odd")
    assert visitor.status == 409
    assert systems.read_bytes() == before
    assert not (doors.company.home / "connectors" / "odd.yaml").exists()


def test_a_file_that_lies_elsewhere_is_written_where_it_lies(doors: Doors, base: Path) -> None:
    systems, kept = doors.company.home / "systems.yaml", doors.company.folder / "kept.yaml"
    systems.rename(kept)
    systems.symlink_to(kept)
    _drafted(doors, base).send("Save odd")
    assert systems.is_symlink()
    assert "odd" in doors.keeper.house().systems
    assert "odd:" in kept.read_text(encoding="utf-8")


def test_a_home_that_cannot_be_written_is_said_and_stays_whole(doors: Doors, base: Path) -> None:
    visitor = _drafted(doors, base)
    connectors = doors.company.home / "connectors"
    before = (doors.company.home / "systems.yaml").read_bytes()
    (connectors / "odd.yaml").symlink_to("/proc/nowhere/odd.yaml")
    visitor.send("Save odd")
    assert visitor.status == 400, visitor.text
    assert (doors.company.home / "systems.yaml").read_bytes() == before
    assert (connectors / "odd.yaml").readlink() == Path("/proc/nowhere/odd.yaml")


def test_the_secret_of_another_system_is_not_sent_to_a_new_one(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doors.keeper.environment, "OTHER_PASSWORD", "x")
    systems = doors.company.home / "systems.yaml"
    other = '  other: {connector: postgresql, url: "postgresql://db.example.com/x", user: dsr, password: "${OTHER_PASSWORD}"}\n'
    systems.write_text(systems.read_text(encoding="utf-8") + other, encoding="utf-8")
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/connecting/new/postgresql")
    visitor.send("Go on to the test", name="evil", url="postgresql://evil.example.com/x", user="dsr", password="OTHER_PASSWORD")
    assert visitor.status == 403
    assert "something else in this home uses" in visitor.text


def test_only_an_administrator_connects(doors: Doors, base: Path) -> None:
    _drafted(doors, base)
    for role in (Role.OFFICER, Role.APPROVER, Role.AUDITOR):
        visitor = doors.signed_in(role).go("/account")
        token = visitor.text.split('name="csrf_token" value="')[1].split('"')[0]
        for path in ("new/sqlite", "to/odd/test", "to/odd/draft", "to/odd/save", "to/odd/forget", "to/odd/fields?of=people", "to/odd/text"):
            assert visitor.client.post(f"/connecting/{path}", data={"csrf_token": token}).status_code == 403, path
    assert "odd" not in doors.keeper.house().systems
