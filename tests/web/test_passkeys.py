"""Passkeys in Chromium with a virtual authenticator: set up, asked for, enough alone where the device makes sure of its owner, and never twice."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, CDPSession, Page

from dsr_engine.domain.errors import DsrError, NotAllowed, NotSupported
from dsr_engine.domain.user import Role, User
from dsr_engine.web.guard import SECRET
from dsr_engine.workflow.users.accounts import add_user, disable
from dsr_engine.workflow.users.passkeys import PATIENCE, add_passkey, authentication_options, check_passkey, registration_options
from dsr_engine.workflow.users.signing_in import open_session
from tests.web.conftest import PASSWORD, Doors, doors_of, served
from tests.web.test_looks import problems_of
from tests.workflow.company import Company


@pytest.fixture
def named(shop: Company) -> Iterator[Doors]:
    """Doors that have a name, so that browsers allow passkeys. The port is the one that they are served at."""
    with doors_of(shop) as found:
        _call(found, "http://localhost:8080")
        yield found


def _call(doors: Doors, url: str) -> None:
    path = doors.company.home / "dsr.toml"
    before = re.sub(r"\n\[web\]\nurl = .*\n", "", path.read_text())
    path.write_text(f'{before}\n[web]\nurl = "{url}"\n')
    assert doors.keeper.house().settings.web.url == url


@contextmanager
def _at(chromium: Browser, doors: Doors, user: User | None = None) -> Iterator[tuple[Page, CDPSession, str]]:
    """A page of a fresh browser with an authenticator of its own that makes sure of its owner."""
    with served(doors) as address:
        url = address.replace("127.0.0.1", "localhost")
        _call(doors, url)
        context = chromium.new_context(base_url=url)
        if user is not None:
            with doors.house.store.transaction() as tx:
                secret = open_session(tx, doors.house, user).reveal()
            signer = doors.app.session_interface.get_signing_serializer(doors.app)  # type: ignore[attr-defined]  # Flask's own cookies
            context.add_cookies([{"name": "dsr", "value": signer.dumps({SECRET: secret, "_permanent": True}), "url": url}])
        page = context.new_page()
        devices = context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        made = devices.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})
        try:
            yield page, devices, made["authenticatorId"]
        finally:
            context.close()


_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def _sent(page: Page, button: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=button).click()


def _add(page: Page, name: str = "my laptop") -> None:
    page.goto("/account/passkeys")
    page.fill("#name", name)
    _sent(page, "Add the passkey")


def _entered(page: Page, name: str = "ann") -> None:
    page.goto("/sign-in")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_passkey_is_added_asked_for_as_a_second_factor_and_enough_alone(chromium: Browser, named: Doors) -> None:
    ann = add_user(named.house, "ann", [Role.OFFICER], "tests", password=PASSWORD)
    said: list[str] = []
    with _at(chromium, named, ann) as (page, devices, device):
        page.on("console", lambda message: said.append(message.text))
        _add(page)
        assert "Recovery codes" in page.inner_text("h1")
        page.goto("/account")
        assert "my laptop" in page.inner_text("main")
        assert problems_of(page) == []
        _sent(page, "Sign out")
        _entered(page)
        assert "/sign-in/second" in page.url
        assert problems_of(page) == []
        _sent(page, "Use a passkey")
        assert page.url.endswith("/desk")
        _sent(page, "Sign out")
        _sent(page, "Sign in with a passkey")
        assert page.url.endswith("/desk")
        page.goto("/account/tokens/new")
        assert page.url.endswith("/account/tokens/new")
        _step_up(named, page)
        devices.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
        _sent(page, "Sign out")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_selector("[data-problem]:not([hidden])")
        page.goto("/desk")
        assert "/sign-in" in page.url
    assert said == []


def _step_up(doors: Doors, page: Page) -> None:
    doors.clock.at += timedelta(minutes=10)
    page.goto("/account/tokens/new")
    assert "/account/confirm" in page.url
    assert problems_of(page) == []
    _sent(page, "Use a passkey")
    assert page.url.endswith("/account/tokens/new")


def _recorded(page: Page, kind: str) -> str:
    """The next answer of the device, caught before it is sent."""
    page.evaluate(
        """() => { for (const form of document.querySelectorAll("form[data-passkey]")) form.submit = () => {
            document.documentElement.dataset.answered = form.elements.credential.value; }; }"""
    )
    page.get_by_role("button", name=kind).click()
    page.wait_for_selector("html[data-answered]")
    return str(page.evaluate("document.documentElement.dataset.answered"))


def test_an_answer_counts_once_for_one_account_one_purpose_and_five_minutes(chromium: Browser, named: Doors) -> None:
    ann, ben = (add_user(named.house, name, [Role.OFFICER], "tests", password=PASSWORD) for name in ("ann", "ben"))
    with _at(chromium, named, ann) as (page, _, _device):
        page.goto("/account/passkeys")
        page.fill("#name", "my laptop")
        made = _recorded(page, "Add the passkey")
        house = named.keeper.house()
        with pytest.raises(NotAllowed):
            add_passkey(house, ben, "mine", made, b"")
        add_passkey(house, ann, "my laptop", made, b"")
        with pytest.raises(NotAllowed):
            add_passkey(house, ann, "my laptop", made, b"")
        page.context.clear_cookies()
        page.goto("/sign-in")
        alone, changed, late = (_recorded_again(page) for _ in range(3))
    with pytest.raises(NotAllowed):
        check_passkey(house, alone, ann)
    assert check_passkey(house, alone, None) == _now(named, ann)
    with pytest.raises(NotAllowed):
        check_passkey(house, alone, None)
    for wrong in _altered(json.loads(changed), ben):
        with pytest.raises(NotAllowed):
            check_passkey(house, json.dumps(wrong), None)
        _forget_tries(named)
    for url in ("http://localhost:1", "https://localhost", "http://evil.example"):
        elsewhere = replace(house, settings=replace(house.settings, web=replace(house.settings.web, url=url)))
        with pytest.raises(NotAllowed):
            check_passkey(elsewhere, changed, None)
        _forget_tries(named)
    assert check_passkey(house, changed, None).id == ann.id  # nothing but what was altered was wrong with it
    named.clock.at += PATIENCE + timedelta(seconds=1)
    with pytest.raises(NotAllowed, match="too long"):
        check_passkey(house, late, None)


def _forget_tries(doors: Doors) -> None:
    """Lets every challenge count once more, so that each refusal has a reason of its own."""
    with doors.house.store.transaction() as tx:
        tx.throttles.end_old(doors.clock.at + timedelta(days=1))


def _recorded_again(page: Page) -> str:
    page.evaluate("delete document.documentElement.dataset.answered")
    return _recorded(page, "Sign in with a passkey")


def _now(doors: Doors, user: User) -> User | None:
    with doors.house.store.snapshot() as tx:
        return tx.users.get(user.id)


def _altered(answer: dict[str, Any], other: User) -> Iterator[dict[str, Any]]:
    response = answer["response"]
    handle = base64.urlsafe_b64encode(other.id.encode()).decode().rstrip("=")
    yield {**answer, "response": {**response, "userHandle": handle}}
    yield {**answer, "response": {key: value for key, value in response.items() if key != "userHandle"}}
    yield {**answer, "id": "AAAA", "rawId": "AAAA"}
    flipped = response["signature"][:-8] + ("AAAAAAAA" if not response["signature"].endswith("AAAAAAAA") else "BBBBBBBB")
    yield {**answer, "response": {**response, "signature": flipped}}


@pytest.mark.parametrize("why", ["disabled", "signs in at the identity provider"])
def test_whom_the_door_is_closed_to_has_no_use_of_a_passkey_alone(chromium: Browser, named: Doors, why: str) -> None:
    is_external = why != "disabled"
    ann = add_user(named.house, "ann", [Role.OFFICER], "tests", subject="issuer and sub" if is_external else None)
    with _at(chromium, named, ann) as (page, _, _device):
        _add(page)
        if is_external:
            named.clock.at += timedelta(minutes=10)
            page.goto("/account/tokens/new")
            _sent(page, "Use a passkey")
            assert page.url.endswith("/account/tokens/new")  # as a second factor it counts
            _sent(page, "Sign out")
        else:
            disable(named.house, ann.id, "tests")
        page.goto("/sign-in")
        _sent(page, "Sign in with a passkey")
        assert "does not count" in page.inner_text("main")


def test_at_a_bare_address_the_program_says_that_passkeys_do_not_work(doors: Doors) -> None:
    visitor = doors.signed_in(Role.OFFICER).go("/account/passkeys")
    assert "no passkeys at a bare address" in visitor.text
    assert "passkey" not in doors.visitor().go("/sign-in").text
    with pytest.raises(NotSupported):
        registration_options(doors.house, doors.user(Role.OFFICER))
    assert visitor.client.get("/sign-in/passkey").status_code == 422


@given(st.one_of(st.text(), st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.dictionaries(st.text(), inner)).map(json.dumps)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_comes_instead_of_an_answer_is_refused_in_one_way(named: Doors, answer: str) -> None:
    house = named.keeper.house()
    with pytest.raises(NotAllowed):
        check_passkey(house, answer, None)
    with pytest.raises(NotAllowed):
        add_passkey(house, named.user(Role.OFFICER), "mine", answer, b"")


@given(client=st.binary(max_size=40), data=st.binary(max_size=80), signature=st.binary(max_size=80))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_an_answer_of_the_right_shape_and_wrong_bytes_is_refused(named: Doors, client: bytes, data: bytes, signature: bytes) -> None:
    house = named.keeper.house()
    challenge = json.loads(authentication_options(house, None))["challenge"]
    said = {"type": "webauthn.get", "challenge": challenge, "origin": house.settings.web.url}
    for told in (client, json.dumps(said).encode()):
        parts = {"clientDataJSON": told, "authenticatorData": data, "signature": signature, "attestationObject": data}
        response = {name: base64.urlsafe_b64encode(value).decode().rstrip("=") for name, value in parts.items()}
        answer = json.dumps({"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": response})
        with pytest.raises(DsrError):
            check_passkey(house, answer, None)
        with pytest.raises(DsrError):
            add_passkey(house, named.user(Role.OFFICER), "mine", answer, b"")
