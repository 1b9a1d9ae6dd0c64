"""Signing in and out: sessions die when they should, and nothing tells whether an account exists."""

import sys
from collections.abc import Callable
from datetime import timedelta
from types import FrameType

import pytest

from dsr_engine.domain.user import Role
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.accounts import add_user, disable, set_password, set_roles
from dsr_engine.workflow.users.signing_in import IDLE, LIFE, PER_ACCOUNT, PER_ADDRESS, WINDOW, throttle_address
from tests.web.conftest import PASSWORD, Doors, doors_of
from tests.web.visiting import Visitor
from tests.workflow.company import Company


def _entered(doors: Doors, name: str = "ann", password: str = PASSWORD) -> Visitor:
    return doors.visitor().go("/sign-in").send("Sign in", name=name, password=password)


def test_a_password_opens_the_door_and_signing_out_closes_it_for_good(doors: Doors) -> None:
    add_user(doors.house, "ann", [Role.OFFICER], "tests", password=PASSWORD)
    visitor = _entered(doors)
    assert visitor.path == "/desk"
    kept = visitor.client.get_cookie("dsr")
    assert kept is not None
    visitor.send("Sign out")
    visitor.client.set_cookie("dsr", kept.value)
    assert visitor.go("/desk").path.startswith("/sign-in")


@pytest.mark.parametrize(("name", "password"), [("nobody", PASSWORD), ("ann", "wrong"), ("ann", ""), ("", PASSWORD), ("ann\0", PASSWORD)])
def test_who_is_wrong_is_told_the_same_whatever_is_wrong(doors: Doors, name: str, password: str) -> None:
    add_user(doors.house, "ann", [Role.OFFICER], "tests", password=PASSWORD)
    visitor = _entered(doors, name, password)
    assert visitor.status == 403
    assert "name or password is wrong" in visitor.text


def test_an_account_without_a_password_lets_nobody_in(doors: Doors) -> None:
    add_user(doors.house, "ann", [Role.OFFICER], "tests")
    assert _entered(doors, password="").status == 403


def test_trying_too_often_is_slowed_down_for_this_account_only(doors: Doors) -> None:
    for name in ("ann", "ben"):
        add_user(doors.house, name, [Role.OFFICER], "tests", password=PASSWORD)
    for _ in range(PER_ACCOUNT):
        _entered(doors, password="wrong wrong wrong")
    assert "too often" in _entered(doors).text
    assert _entered(doors, "ben").path == "/desk"
    doors.clock.at += WINDOW
    assert _entered(doors).path == "/desk"


def test_a_session_ends_after_an_hour_without_a_click_and_after_its_life(doors: Doors) -> None:
    visitor = doors.signed_in(Role.OFFICER)
    doors.clock.at += IDLE - timedelta(minutes=1)
    assert visitor.go("/desk").path == "/desk"
    doors.clock.at += IDLE
    assert visitor.go("/desk").path.startswith("/sign-in")
    visitor = doors.signed_in(Role.OFFICER)
    for _ in range(int(LIFE / (IDLE / 2)) - 1):
        doors.clock.at += IDLE / 2
        assert visitor.go("/desk").path == "/desk"
    doors.clock.at += IDLE / 2
    assert visitor.go("/desk").path.startswith("/sign-in")


_CHANGES: dict[str, Callable[[House, str], object]] = {
    "password": lambda house, id_: set_password(house, id_, PASSWORD + "!", "tests"),
    "roles": lambda house, id_: set_roles(house, id_, [Role.AUDITOR, Role.OFFICER], "tests"),
    "disabled": lambda house, id_: disable(house, id_, "tests"),
}


@pytest.mark.parametrize("change", _CHANGES)
def test_a_new_password_new_roles_and_disabling_end_the_sessions(doors: Doors, change: str) -> None:
    visitor = doors.signed_in(Role.OFFICER)
    assert visitor.go("/desk").path == "/desk"
    _CHANGES[change](doors.house, doors.user(Role.OFFICER).id)
    assert visitor.go("/desk").path.startswith("/sign-in")


def _verifications(doors: Doors, name: str, password: str) -> int:
    """How often argon2 worked while somebody tried to sign in."""
    counted = 0

    def watch(frame: FrameType, event: str, _: object) -> None:
        nonlocal counted
        counted += event == "call" and frame.f_code.co_name == "verify" and "argon2" in frame.f_code.co_filename

    visitor = doors.visitor().go("/sign-in")
    sys.setprofile(watch)
    try:
        visitor.send("Sign in", name=name, password=password)
    finally:
        sys.setprofile(None)
    return counted


def test_whoever_is_tried_the_same_work_is_done(doors: Doors) -> None:
    add_user(doors.house, "ann", [Role.OFFICER], "tests", password=PASSWORD)
    add_user(doors.house, "without", [Role.OFFICER], "tests")
    gone = add_user(doors.house, "gone", [Role.OFFICER], "tests", password=PASSWORD)
    disable(doors.house, gone.id, "tests")
    tried = [("ann", PASSWORD), ("ann", "wrong"), ("nobody", "wrong"), ("without", "wrong"), ("gone", PASSWORD), ("", ""), ("x\0", "x" * 5000)]
    assert [_verifications(doors, name, password) for name, password in tried] == [1] * len(tried)


def test_whatever_a_browser_brings_along_signing_in_begins_a_session_of_its_own(doors: Doors) -> None:
    for name in ("ann", "eve"):
        add_user(doors.house, name, [Role.OFFICER], "tests", password=PASSWORD)
    eve = _entered(doors, "eve")
    planted = eve.client.get_cookie("dsr")
    assert planted is not None
    ann = doors.visitor()
    ann.client.set_cookie("dsr", planted.value)
    ann.go("/sign-in").send("Sign in", name="ann", password=PASSWORD)
    assert ">ann</a>" in ann.go("/account").text
    assert ">eve</a>" in eve.go("/account").text


def test_one_address_cannot_try_many_names(doors: Doors) -> None:
    for _ in range(PER_ADDRESS - 1):
        throttle_address(doors.house, "127.0.0.1")
    assert _entered(doors, "name").status == 403
    assert _entered(doors, "name").status == 429


def test_over_tls_the_cookie_is_of_this_host_only(shop: Company) -> None:
    settings = shop.home / "dsr.toml"
    settings.write_text(settings.read_text() + '\n[web]\nurl = "https://dsr.example.com"\n')
    with doors_of(shop) as doors:
        answer = doors.app.test_client().get("/sign-in", base_url="https://dsr.example.com")
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-dsr=")
    assert {part.strip() for part in cookie.split(";")[1:]} >= {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
