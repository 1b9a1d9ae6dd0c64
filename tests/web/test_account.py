"""One's own account: password, one-time codes, recovery codes, sessions, tokens, and the question in between."""

import base64
import re
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from dsr_engine.domain.errors import NotAllowed
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import Permission, Role, User
from dsr_engine.workflow.users.accounts import add_user, set_password
from dsr_engine.workflow.users.factors import PER_FACTOR, RECOVERY_CODES, add_totp, check_code, new_totp
from dsr_engine.workflow.users.signing_in import CONFIRMED_FOR, HALF_LIFE, WINDOW
from dsr_engine.workflow.users.tokens import caller_of
from tests.web.conftest import PASSWORD, Doors
from tests.web.visiting import Visitor

NEW = "another horse, another staple"


def code_of(doors: Doors, secret: Secret, *, steps: int = 0) -> str:
    """What an app shows now, or so many steps of thirty seconds from now."""
    codes = TOTP(base64.b32decode(secret.reveal()), 6, SHA1(), 30)
    return codes.generate(int(doors.clock.at.timestamp()) + 30 * steps).decode()


def _ann(doors: Doors) -> User:
    return add_user(doors.house, "ann", [Role.OFFICER], "tests", password=PASSWORD)


def _equipped(doors: Doors) -> tuple[User, Secret, tuple[Secret, ...]]:
    """Somebody with an app whose last code is past."""
    user, secret = _ann(doors), new_totp()
    recovery = add_totp(doors.house, user, secret, code_of(doors, secret), b"")
    doors.clock.at += timedelta(minutes=1)
    with doors.house.store.snapshot() as tx:
        return tx.users.get(user.id) or user, secret, recovery


def _entered(doors: Doors, password: str = PASSWORD) -> Visitor:
    return doors.visitor().go("/sign-in").send("Sign in", name="ann", password=password)


def _secret_on(visitor: Visitor) -> Secret:
    found = re.search(r'<code class="key">([A-Z2-7 ]+)</code>', visitor.text)
    assert found is not None
    return Secret(found[1].replace(" ", ""))


def _leaves(doors: Doors) -> list[str]:
    with doors.house.store.snapshot() as tx:
        return [str(entry["factor"]) for _, entry in tx.ledger.find("factor.added")]


# --- One-time codes ----------------------------------------------------------------------------------------------------------------


def test_codes_are_set_up_with_the_picture_or_the_key_and_the_first_code(doors: Doors) -> None:
    _ann(doors)
    visitor, other = _entered(doors), _entered(doors)
    visitor.go("/account").go("/account/codes")
    assert "<svg" in visitor.text
    secret = _secret_on(visitor)
    visitor.send("Set up", code="000000" if code_of(doors, secret) != "000000" else "111111")
    assert "does not count" in visitor.text
    assert _secret_on(visitor).reveal() == secret.reveal()
    visitor.send("Set up", code=code_of(doors, secret))
    assert len(re.findall(r"<code>[A-Z2-7]{4}(-[A-Z2-7]{4}){3}</code>", visitor.text)) == RECOVERY_CODES
    assert visitor.go("/account").text.count("set up") > 0
    assert other.go("/account").path.startswith("/sign-in")
    assert _leaves(doors) == ["totp"]


def test_the_secret_of_the_codes_is_nowhere_in_the_store_or_the_cookie(doors: Doors) -> None:
    _ann(doors)
    visitor = _entered(doors).go("/account/codes")
    secret = _secret_on(visitor).reveal()
    cookie = visitor.client.get_cookie("dsr")
    assert cookie is not None
    visitor.send("Set up", code=code_of(doors, Secret(secret)))
    doors.house.store.scrub()
    kept = b"".join(path.read_bytes() for path in doors.company.home.glob("dsr.db*"))
    for hidden in (secret.encode(), base64.b32decode(secret)):
        assert hidden not in kept
    assert secret not in base64.urlsafe_b64decode(cookie.value.lstrip(".").split(".")[0] + "===").decode("latin-1")


def test_signing_in_asks_for_the_code_and_lets_nobody_in_before(doors: Doors) -> None:
    _, secret, _ = _equipped(doors)
    visitor = _entered(doors)
    assert visitor.path.startswith("/sign-in/second")
    assert doors.visitor().go("/sign-in/second").path.startswith("/sign-in?")
    half = visitor.client.get_cookie("dsr")
    assert visitor.go("/desk").path.startswith("/sign-in")
    visitor.go("/sign-in/second").send("Go on", code=code_of(doors, secret))
    assert visitor.go("/desk").path == "/desk"
    assert half is not None
    thief = doors.visitor()
    thief.client.set_cookie("dsr", half.value)
    assert thief.go("/sign-in/second").path.startswith("/sign-in?")


def test_a_code_counts_once_also_for_whoever_saw_it(doors: Doors) -> None:
    user, secret, _ = _equipped(doors)
    code = code_of(doors, secret)
    check_code(doors.house, user, code)
    with pytest.raises(NotAllowed, match="does not count"):
        check_code(doors.house, user, code)
    with pytest.raises(NotAllowed, match="does not count"):
        check_code(doors.house, user, code_of(doors, secret, steps=-1))
    check_code(doors.house, user, code_of(doors, secret, steps=1))


@pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clocks_may_differ_by_half_a_minute(doors: Doors, steps: int, counts: bool) -> None:
    user, secret, _ = _equipped(doors)
    doors.clock.at += timedelta(minutes=5)
    code = code_of(doors, secret, steps=steps)
    if counts:
        check_code(doors.house, user, f" {code[:3]} {code[3:]} ")
    else:
        with pytest.raises(NotAllowed):
            check_code(doors.house, user, code)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "12345x", "\0" * 6, "x" * 10_000, "\ud800"])
def test_what_is_no_code_is_refused(doors: Doors, code: str) -> None:
    user, _, _ = _equipped(doors)
    with pytest.raises(NotAllowed, match="does not count"):
        check_code(doors.house, user, code)


def test_guessing_codes_is_slowed_down_for_the_account_whoever_guesses(doors: Doors) -> None:
    _, secret, _ = _equipped(doors)
    wrong = "000000" if code_of(doors, secret) != "000000" else "111111"
    for _ in range(PER_FACTOR):
        assert "does not count" in _entered(doors).send("Go on", code=wrong).text
    assert "too often" in _entered(doors).send("Go on", code=code_of(doors, secret)).text
    doors.clock.at += WINDOW
    assert _entered(doors).send("Go on", code=code_of(doors, secret)).path == "/desk"


def test_the_second_step_waits_ten_minutes_only(doors: Doors) -> None:
    _, secret, _ = _equipped(doors)
    visitor = _entered(doors)
    doors.clock.at += HALF_LIFE
    assert "too long" in visitor.send("Go on", code=code_of(doors, secret)).text
    assert visitor.go("/desk").path.startswith("/sign-in")


def test_a_new_password_ends_who_is_at_the_second_step(doors: Doors) -> None:
    user, secret, _ = _equipped(doors)
    visitor = _entered(doors)
    set_password(doors.house, user.id, NEW, "tests")
    visitor.send("Go on", code=code_of(doors, secret))
    assert visitor.path.startswith("/sign-in")


def test_recovery_codes_stand_in_once_and_are_kept_as_digests(doors: Doors) -> None:
    _, _, recovery = _equipped(doors)
    assert _entered(doors).send("Go on", code=recovery[0].reveal().lower().replace("-", " ")).path == "/desk"
    assert "does not count" in _entered(doors).send("Go on", code=recovery[0].reveal()).text
    visitor = _entered(doors).send("Go on", code=recovery[1].reveal())
    assert "8 left" in visitor.go("/account").text
    doors.house.store.scrub()
    kept = b"".join(path.read_bytes() for path in doors.company.home.glob("dsr.db*"))
    assert recovery[2].reveal().encode() not in kept
    assert recovery[2].reveal().replace("-", "").encode() not in kept
    visitor.send("Make new ones")
    assert "does not count" in _entered(doors).send("Go on", code=recovery[3].reveal()).text


def test_without_a_factor_recovery_codes_are_gone_too(doors: Doors) -> None:
    user, secret, _ = _equipped(doors)
    visitor = _entered(doors).send("Go on", code=code_of(doors, secret))
    visitor.go("/account").send("Remove codes")
    with doors.house.store.snapshot() as tx:
        assert tx.users.recovery_left(user.id) == 0
        assert tx.users.totp_of(user.id) == (None, None)
    assert _entered(doors).path == "/desk"


# --- Step-up -----------------------------------------------------------------------------------------------------------------------


def test_a_grave_step_asks_again_after_ten_minutes_and_then_leads_back(doors: Doors) -> None:
    _, secret, _ = _equipped(doors)
    visitor = _entered(doors).send("Go on", code=code_of(doors, secret))
    assert visitor.go("/account/tokens/new").path == "/account/tokens/new"
    doors.clock.at += CONFIRMED_FOR
    assert visitor.go("/account/tokens/new").path.startswith("/account/confirm")
    before = visitor.client.get_cookie("dsr")
    assert "does not count" in visitor.send("Go on", code="12345").text
    assert visitor.send("Go on", code=code_of(doors, secret)).path == "/account/tokens/new"
    assert before is not None
    thief = doors.visitor()
    thief.client.set_cookie("dsr", before.value)
    assert thief.go("/account").path.startswith("/sign-in")


def test_who_has_no_second_factor_is_told_to_set_one_up_and_never_passes(doors: Doors) -> None:
    _ann(doors)
    visitor = _entered(doors).go("/account/tokens/new")
    assert visitor.path.startswith("/account/confirm")
    assert "you have none yet" in visitor.text
    visitor.go("/account").client.post("/account/confirm", data={"code": ""})
    assert visitor.go("/account/tokens/new").path.startswith("/account/confirm")
    visitor.go("/account/codes")
    visitor.send("Set up", code=code_of(doors, _secret_on(visitor)))
    assert visitor.go("/account/tokens/new").path == "/account/tokens/new"


def test_who_sets_a_factor_up_on_the_way_is_led_on(doors: Doors) -> None:
    _ann(doors)
    visitor = _entered(doors).go("/account/tokens/new")
    assert visitor.path.startswith("/account/confirm")
    visitor.go("/account/codes?next=/account/tokens/new")
    visitor.send("Set up", code=code_of(doors, _secret_on(visitor)))
    assert 'href="/account/tokens/new">I have written them down' in visitor.text
    assert visitor.go("/account/tokens/new").path == "/account/tokens/new"
    visitor.go("/account/codes?next=//evil.example")
    assert "evil" not in visitor.text


def test_an_old_session_alone_cannot_set_up_a_factor(doors: Doors) -> None:
    _ann(doors)
    visitor = _entered(doors)
    doors.clock.at += CONFIRMED_FOR
    visitor.go("/account/codes")
    secret = _secret_on(visitor)
    assert "not your password" in visitor.send("Set up", code=code_of(doors, secret), password="wrong").text
    assert "not your password" in visitor.send("Set up", code=code_of(doors, secret)).text
    assert "Write these codes down" in visitor.send("Set up", code=code_of(doors, secret), password=PASSWORD).text


def test_a_further_factor_needs_the_one_that_is_there(doors: Doors) -> None:
    _, secret, _ = _equipped(doors)
    visitor = _entered(doors).send("Go on", code=code_of(doors, secret))
    doors.clock.at += CONFIRMED_FOR
    for path in ("/account/codes", "/account/passkeys"):
        assert visitor.go(path).path.startswith("/account/confirm")


# --- Password, sessions, tokens ----------------------------------------------------------------------------------------------------


def test_a_new_password_needs_the_old_one_and_ends_every_other_session(doors: Doors) -> None:
    _ann(doors)
    visitor, other = _entered(doors), _entered(doors)
    for wrong in ({"old": "wrong"}, {"again": "something else entirely"}, {"new": "short", "again": "short"}, {"new": PASSWORD, "again": PASSWORD}):
        visitor.go("/account").send("Change the password", **{"old": PASSWORD, "new": NEW, "again": NEW, **wrong})
        assert visitor.status == 400
    visitor.go("/account").send("Change the password", old=PASSWORD, new=NEW, again=NEW)
    assert "is changed" in visitor.text
    assert visitor.go("/desk").path == "/desk"
    assert other.go("/desk").path.startswith("/sign-in")
    assert _entered(doors).status == 403
    assert _entered(doors, NEW).path == "/desk"


def test_the_old_password_cannot_be_guessed_from_inside(doors: Doors) -> None:
    _ann(doors)
    visitor = _entered(doors)
    for _ in range(11):
        visitor.go("/account").send("Change the password", old="wrong", new=NEW, again=NEW)
    assert "too often" in visitor.text


def test_other_sessions_are_shown_and_ended(doors: Doors) -> None:
    _ann(doors)
    visitor, other = _entered(doors), _entered(doors)
    visitor.go("/account")
    assert "this browser" in visitor.text
    visitor.send("End all others")
    assert "signed in nowhere else" in visitor.text
    assert other.go("/desk").path.startswith("/sign-in")


def test_a_token_is_made_shown_once_and_revoked(doors: Doors) -> None:
    visitor = doors.signed_in(Role.OFFICER).go("/account").go("/account/tokens/new")
    assert 'value="user.write"' not in visitor.text
    visitor.send("Make the token", name="report", days="7", permission="case.read")
    found = re.search(r"dsr_[0-9a-f]{64}", visitor.text)
    assert found is not None
    assert caller_of(doors.house, found[0]).permissions == {Permission.CASE_READ}
    assert found[0] not in visitor.go("/account").text
    assert "case.read" in visitor.text
    visitor.send("Revoke")
    with pytest.raises(NotAllowed):
        caller_of(doors.house, found[0])


@pytest.mark.parametrize("wrong", [{"days": "9999"}, {"days": "x"}, {"days": "-1"}, {"name": ""}, {"permission": "user.write"}, {"permission": "x"}])
def test_a_token_that_cannot_be_made_is_explained(doors: Doors, wrong: dict[str, str]) -> None:
    visitor = doors.signed_in(Role.OFFICER).go("/account/tokens/new")
    visitor.send("Make the token", **{"name": "report", "days": "7", "permission": "case.read", **wrong})
    assert visitor.status == 400
    assert "dsr_" not in visitor.text
