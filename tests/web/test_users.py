"""People: added by invitation, changed, disabled, helped when a device is lost, forgotten. Every act needs a second factor and is in the ledger."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Browser

from dsr_engine.domain.user import Permission, Role
from dsr_engine.web.permissions import HAPPENING_WORDS, PERMISSION_WORDS, ROLE_WORDS, for_programs
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.users.accounts import add_user, disable, enable, forget_account, set_roles
from dsr_engine.workflow.users.factors import add_totp, check_code, new_totp, remove_totp, reset_factors
from dsr_engine.workflow.users.happenings import ABOUT_SOMEBODY, ABOUT_TOKENS, LATELY
from dsr_engine.workflow.users.invitations import VALID, accept, invite
from dsr_engine.workflow.users.signing_in import PER_ACCOUNT
from dsr_engine.workflow.users.tending import end_old_access
from dsr_engine.workflow.users.tokens import make_token, revoke_token
from tests.web.conftest import PASSWORD, Doors, browsing
from tests.web.test_account import code_of
from tests.web.test_looks import problems_of
from tests.web.visiting import Visitor

NEW = "another horse, another staple"


def _link(text: str) -> str:
    found = re.search(r"/invitation/[\w-]{43}", text)
    assert found is not None
    return found[0]


def _added(doors: Doors, name: str = "ben") -> tuple[Visitor, str]:
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/users/new")
    visitor.send("Add and make a link", name=name, role="officer")
    return visitor, _link(visitor.text)


def _id_of(doors: Doors, name: str) -> str:
    with doors.house.store.snapshot() as tx:
        found = tx.users.find(name)
    assert found is not None
    return found.id


def _leaves(doors: Doors, kind: str) -> list[dict[str, object]]:
    with doors.house.store.snapshot() as tx:
        return [entry for _, entry in tx.ledger.find(kind)]


def test_somebody_is_added_by_a_link_with_which_they_choose_their_password(doors: Doors) -> None:
    admin, link = _added(doors)
    assert "invited" in admin.go("/users").text
    guest = doors.visitor().go(link)
    assert "Welcome, ben" in guest.text
    assert "differ" in guest.send("Set the password", password=NEW, again=PASSWORD).text
    assert "15 to 256" in guest.send("Set the password", password="short", again="short").text
    assert guest.send("Set the password", password=NEW, again=NEW).path == "/sign-in"
    assert guest.send("Sign in", name="ben", password=NEW).path == "/desk"
    assert len(_leaves(doors, "user.invited")) == 1


def test_a_link_works_once_for_two_days_and_the_last_one_only(doors: Doors) -> None:
    admin, first = _added(doors)
    admin.go(f"/users/{_id_of(doors, 'ben')}").send("New invitation")
    second = _link(admin.text)
    assert doors.visitor().go(first).status == 404
    stale = doors.visitor().go(second)
    doors.visitor().go(second).send("Set the password", password=NEW, again=NEW)
    assert stale.send("Set the password", password=PASSWORD, again=PASSWORD).status == 404
    assert doors.visitor().go("/sign-in").send("Sign in", name="ben", password=NEW).path == "/desk"
    late = invite(doors.house, _id_of(doors, "ben"), "tests").reveal()
    doors.clock.at += VALID
    assert doors.visitor().go(_link(late)).status == 404


def test_a_link_is_nowhere_in_the_store_and_names_the_address_of_the_server(doors: Doors) -> None:
    link = invite(doors.house, doors.user(Role.OFFICER).id, "tests").reveal()
    assert link.startswith("http://127.0.0.1:8080/invitation/")
    doors.house.store.scrub()
    kept = b"".join(path.read_bytes() for path in doors.company.home.glob("dsr.db*"))
    assert link.rpartition("/")[2].encode() not in kept


def test_a_disabled_account_takes_no_invitation(doors: Doors) -> None:
    _, link = _added(doors)
    disable(doors.house, _id_of(doors, "ben"), "tests")
    assert doors.visitor().go(link).status == 404


@pytest.mark.parametrize(
    "values", [{"name": "", "role": "officer"}, {"name": "ben"}, {"name": "ben", "role": "king"}, {"name": "administrator", "role": "officer"}]
)
def test_an_account_that_cannot_be_made_is_explained(doors: Doors, values: dict[str, str]) -> None:
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/users/new").send("Add and make a link", **values)
    assert visitor.status == 400
    assert "/invitation/" not in visitor.text


def test_every_change_of_an_account_needs_a_second_factor(doors: Doors) -> None:
    about = doors.user(Role.OFFICER)
    visitor = doors.signed_in(Role.ADMINISTRATOR, is_confirmed=False)
    for button in ("Change the roles", "Disable", "New invitation", "Forget the account"):
        visitor.go(f"/users/{about.id}").send(button)
        assert visitor.path.startswith("/account/confirm"), button
    with doors.house.store.snapshot() as tx:
        assert tx.users.get(about.id) == about
    assert visitor.go("/users/new").path.startswith("/account/confirm")


def test_roles_change_and_the_last_administrator_stays(doors: Doors) -> None:
    visitor = doors.signed_in(Role.ADMINISTRATOR)
    visitor.go(f"/users/{doors.user(Role.OFFICER).id}").send("Change the roles", role="auditor")
    assert "other roles now (auditor)" in visitor.text
    mine = doors.user(Role.ADMINISTRATOR).id
    for button, values in (("Change the roles", {"role": "officer"}), ("Disable", {}), ("Forget the account", {"sure": "yes"})):
        visitor.go(f"/users/{mine}").send(button, **values)
        assert "last administrator" in visitor.text, button
    assert Permission.USER_WRITE in doors.user(Role.ADMINISTRATOR).permissions


def test_an_account_is_disabled_and_enabled_again(doors: Doors) -> None:
    officer = doors.signed_in(Role.OFFICER)
    visitor = doors.signed_in(Role.ADMINISTRATOR).go(f"/users/{doors.user(Role.OFFICER).id}").send("Disable")
    assert officer.go("/desk").path.startswith("/sign-in")
    visitor.send("Enable")
    assert doors.signed_in(Role.OFFICER).go("/desk").path == "/desk"


def test_who_lost_a_device_gets_in_again_and_the_ledger_says_why(doors: Doors) -> None:
    ann, secret = add_user(doors.house, "ann", [Role.OFFICER], "tests", password=PASSWORD), new_totp()
    add_totp(doors.house, ann, secret, code_of(doors, secret), b"")
    make_token(doors.house, ann, "report", [Permission.CASE_READ], 9)
    visitor = doors.signed_in(Role.ADMINISTRATOR).go(f"/users/{ann.id}")
    assert visitor.send("Reset the second factors", reason="because").status == 400
    visitor.go(f"/users/{ann.id}").send("Reset the second factors", reason="stolen")
    assert "no second factor now" in visitor.text
    assert doors.visitor().go("/sign-in").send("Sign in", name="ann", password=PASSWORD).path == "/desk"
    (leaf,) = _leaves(doors, "factor.reset")
    assert leaf["reason"] == "stolen"
    assert "ann" not in leaf.values()
    assert "administrator" not in leaf.values()
    with doors.house.store.snapshot() as tx:
        assert tx.api_tokens.of(ann.id) == []


def test_a_forgotten_account_leaves_nothing_but_random_ids(doors: Doors) -> None:
    ann, secret = add_user(doors.house, "ann", [Role.OFFICER], "tests", password=PASSWORD), new_totp()
    add_totp(doors.house, ann, secret, code_of(doors, secret), b"")
    make_token(doors.house, ann, "report", [Permission.CASE_READ], 9)
    invite(doors.house, ann.id, "tests")
    visitor = doors.signed_in(Role.ADMINISTRATOR).go(f"/users/{ann.id}")
    assert visitor.send("Forget the account").status == 400
    visitor.go(f"/users/{ann.id}").send("Forget the account", sure="yes")
    assert visitor.path == "/users"
    assert ann.id not in visitor.text
    assert visitor.go(f"/users/{ann.id}").status == 404
    assert len(_leaves(doors, "user.forgotten")) == 1
    assert doors.visitor().go("/sign-in").send("Sign in", name="ann", password=PASSWORD).status == 403


def test_what_is_over_goes_by_itself(doors: Doors) -> None:
    invite(doors.house, doors.user(Role.OFFICER).id, "tests")
    make_token(doors.house, doors.user(Role.OFFICER), "report", [Permission.CASE_READ], 1)
    doors.signed_in(Role.OFFICER)
    doors.visitor().go("/sign-in").send("Sign in", name="nobody", password="wrong")
    assert [line for line in end_old_access(doors.house) if line] == []
    doors.clock.at += VALID
    assert sorted(do_chores(doors.house, [end_old_access])) == [
        "invitations that were over: 1",
        "sessions that were over: 1",
        "tokens that were over: 1",
    ]
    with doors.house.store.transaction() as tx:
        assert tx.throttles.end_old(doors.clock.at) == 0


def test_only_administrators_see_accounts(doors: Doors) -> None:
    for role in (Role.OFFICER, Role.APPROVER, Role.AUDITOR):
        visitor = doors.signed_in(role)
        assert visitor.go("/users").status == 403
        assert visitor.go(f"/users/{doors.user(Role.ADMINISTRATOR).id}").status == 403


def test_every_change_of_an_account_is_in_the_ledger_and_no_leaf_names_anybody(doors: Doors) -> None:
    house, by = doors.house, doors.user(Role.ADMINISTRATOR, "Benedikta Beispiel").name
    ann, secret = add_user(house, "Annegret Muster", [Role.OFFICER], by, password=PASSWORD), new_totp()
    recovery = add_totp(house, ann, secret, code_of(doors, secret), b"")
    check_code(house, ann, recovery[0].reveal())
    make_token(house, ann, "Annegret's report", [Permission.CASE_READ], 9)
    with house.store.snapshot() as tx:
        (token,) = tx.api_tokens.of(ann.id)
    revoke_token(house, ann, token.id)
    remove_totp(house, ann, b"")
    add_totp(house, ann, secret, code_of(doors, secret), b"")
    reset_factors(house, ann.id, "replaced", by)
    accept(house, _link(invite(house, ann.id, by).reveal()).rpartition("/")[2], NEW)
    set_roles(house, ann.id, [Role.AUDITOR], by)
    disable(house, ann.id, by)
    enable(house, ann.id, by)
    forget_account(house, ann.id, by)
    with house.store.snapshot() as tx:
        leaves = [data for _, data in tx.ledger.entries(tx.ledger.size(), 0)]
    kinds = ["added", "removed", "recovery_made", "recovery_used", "reset"]
    expected = {f"factor.{kind}" for kind in kinds} | {"token.made", "token.revoked"}
    expected |= {f"user.{kind}" for kind in ("added", "invited", "password", "roles", "disabled", "enabled", "forgotten")}
    assert {kind for kind in expected if _leaves(doors, kind)} == expected
    assert not any(name in leaf for leaf in leaves for name in (b"Annegret", b"Beispiel", b"Muster", b"Benedikta"))


def test_what_happened_with_an_account_is_told_to_its_owner_and_to_administrators(doors: Doors) -> None:
    admin, link = _added(doors)
    doors.visitor().go(link).send("Set the password", password=NEW, again=NEW)
    admin.go(f"/users/{_id_of(doors, 'ben')}").send("New password link")
    told = doors.visitor().go("/sign-in").send("Sign in", name="ben", password=NEW).go("/account").text
    assert told.count("Link to choose a password made") == 2
    assert "by administrator" in told
    assert "by you" in told
    assert "by ben" in admin.go(f"/users/{_id_of(doors, 'ben')}").text
    doors.clock.at += LATELY + timedelta(days=1)
    assert "Nothing in the last ninety days" in doors.signed_in(Role.OFFICER, "ben").go("/account").text
    assert set(HAPPENING_WORDS) == {*ABOUT_SOMEBODY, *ABOUT_TOKENS}


def test_whoever_comes_after_somebody_of_the_same_name_sees_nothing_of_theirs(doors: Doors) -> None:
    _added(doors)
    forget_account(doors.house, _id_of(doors, "ben"), "administrator")
    doors.clock.at += timedelta(seconds=1)
    add_user(doors.house, "ben", [Role.AUDITOR], "tests")
    page = doors.signed_in(Role.AUDITOR, "ben").go("/account").text
    assert "Link to choose a password made" not in page
    assert "Account made" in page


def test_an_administrator_sees_that_somebody_guesses_a_password(doors: Doors) -> None:
    ann = add_user(doors.house, "ann", [Role.OFFICER], "tests", password=PASSWORD)
    admin = doors.signed_in(Role.ADMINISTRATOR)
    assert "Tries to sign in" not in admin.go(f"/users/{ann.id}").text
    for count in range(1, PER_ACCOUNT + 2):
        doors.visitor().go("/sign-in").send("Sign in", name="ann", password="wrong")
        said = "1 wrong password in" if count == 1 else "too many" if count > PER_ACCOUNT else f"{count} wrong passwords"
        assert said in admin.go(f"/users/{ann.id}").text


def test_the_list_says_whom_a_case_would_wait_for(doors: Doors) -> None:
    admin = doors.signed_in(Role.ADMINISTRATOR)
    assert "Nobody here works on requests" in admin.go("/users").text
    add_user(doors.house, "ann", [Role.OFFICER], "tests")
    assert "Nobody here approves plans" in admin.go("/users").text
    add_user(doors.house, "ben", [Role.APPROVER], "tests")
    assert "Nobody" not in admin.go("/users").text
    admin.go(f"/users/{_id_of(doors, 'ben')}").send("Disable")
    assert "Nobody here approves plans" in admin.go("/users").text


def test_whoever_approves_alone_is_told_that_it_takes_two(doors: Doors) -> None:
    add_user(doors.house, "ann", [Role.OFFICER, Role.APPROVER], "tests")
    assert "nobody approves a plan of their own" in doors.signed_in(Role.ADMINISTRATOR).go("/users").text


def test_every_role_and_permission_has_words(doors: Doors) -> None:
    assert set(ROLE_WORDS) == set(Role)
    assert set(PERMISSION_WORDS) == set(Permission)
    assert Permission.PLAN_APPROVE not in for_programs(doors.app)
    assert Permission.USER_WRITE not in for_programs(doors.app)
    assert Permission.CASE_WRITE in for_programs(doors.app)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), pytest.param("dark", 380, marks=pytest.mark.slow)])
def test_accounts_and_people_have_no_serious_barrier(chromium: Browser, doors: Doors, address: str, scheme: str, width: int) -> None:
    ann, secret = add_user(doors.house, "ann", [Role.OFFICER], "tests", password=PASSWORD), new_totp()
    add_totp(doors.house, ann, secret, code_of(doors, secret), b"")
    make_token(doors.house, doors.user(Role.ADMINISTRATOR), "report", [Permission.SYSTEM_READ, Permission.POLICY_READ], 9)
    said: list[str] = []
    with browsing(chromium, doors, address, Role.ADMINISTRATOR, color_scheme=scheme, viewport={"width": width, "height": 800}) as page:
        page.on("console", lambda message: said.append(message.text))
        for path in ("/account", "/account/codes", "/account/confirm", "/account/tokens/new", "/users", "/users/new", f"/users/{ann.id}"):
            page.goto(path)
            assert problems_of(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert said == []
