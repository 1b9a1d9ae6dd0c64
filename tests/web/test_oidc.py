"""The company's own sign-in (OpenID Connect): nobody comes in whom the provider did not name, for us, just now, in answer to this very browser."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.user import Role, User
from dsr_engine.workflow.users.accounts import add_user, disable
from dsr_engine.workflow.users.factors import add_totp, new_totp
from tests.servers.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.servers.recipient_server import RecipientServer
from tests.web.conftest import Doors, doors_of
from tests.web.test_account import code_of
from tests.web.visiting import Visitor
from tests.workflow.company import Company
from tests.workflow.journeys import NOON


@dataclass
class Site:
    doors: Doors
    provider: IdentityProvider

    def account(self, name: str = "ann") -> User | None:
        with self.doors.house.store.snapshot() as tx:
            return tx.users.find(name)

    def set_out(self, visitor: Visitor, onward: str = "/desk") -> str:
        """The address at the provider to which the browser is led."""
        answer = visitor.client.get(f"/sign-in/elsewhere?next={onward}")
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return answer.headers["Location"]

    def come_back(self, visitor: Visitor, address: str) -> Visitor:
        parts = urlsplit(address)
        return visitor.go(f"{parts.path}?{parts.query}")

    def sign_in(self, **changed: str) -> Visitor:
        visitor = self.doors.visitor()
        return self.come_back(visitor, self.provider.authorize(self.set_out(visitor), **changed))


_USUAL = """
[oidc]
issuer = "{issuer}"
client_id = "{client}"
client_secret = "file:{secret}"
label = "Example ID"
officers = ["privacy-team"]
auditors = ["audit"]
administrators = ["it"]
ca = "{ca}"
"""


@contextmanager
def _site(shop: Company, server: RecipientServer, more: str = "internal = true\n") -> Iterator[Site]:
    clock = FixedClock(NOON)
    provider = IdentityProvider(server, clock)
    secret = shop.home / "oidc-secret"
    secret.write_text(SECRET + "\n")
    settings = shop.home / "dsr.toml"
    settings.write_text(settings.read_text() + _USUAL.format(issuer=provider.issuer, client=CLIENT, secret=secret, ca=server.ca_file) + more)
    with doors_of(shop, clock) as doors:
        yield Site(doors, provider)


@pytest.fixture
def site(shop: Company, recipient_server: RecipientServer) -> Iterator[Site]:
    with _site(shop, recipient_server) as found:
        yield found


@pytest.mark.parametrize("signing", ["RS256", "ES256"])
def test_who_has_a_role_by_their_groups_comes_in_and_gets_an_account(site: Site, signing: str) -> None:
    site.provider.signing = signing
    assert "Sign in with Example ID" in site.doors.visitor().go("/sign-in").text
    assert site.sign_in().path == "/desk"
    found = site.account()
    assert found is not None
    assert (found.roles, found.is_external, found.has_password) == ((Role.OFFICER,), True, False)
    assert site.sign_in().path == "/desk"
    again = site.account()
    assert again is not None
    assert again.id == found.id


def test_what_goes_out_carries_state_nonce_and_challenge_and_no_secret(site: Site) -> None:
    visitor = site.doors.visitor()
    first, second = (dict(parse_qsl(urlsplit(site.set_out(visitor)).query)) for _ in range(2))
    assert first["code_challenge_method"] == "S256"
    assert first["redirect_uri"] == "http://127.0.0.1:8080/sign-in/back"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 43
        assert first[name] != second[name]
    cookie = visitor.client.get_cookie("dsr")
    assert cookie is not None
    sent = site.provider.server.asked
    assert all(SECRET not in str(asked) for asked in sent)
    assert second["nonce"] not in cookie.value


_TOKENS: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "of another sign-in"},
    "no nonce": {"nonce": None},
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "some other program"},
    "one audience of many, and not the authorized one": {"aud": [CLIENT, "other"], "azp": "other"},
    "many audiences, and none authorized": {"aud": [CLIENT, "other"]},
    "expired": {"exp": int(NOON.timestamp()) - 3600},
    "without an end": {"exp": None},
    "an end that is no number": {"exp": "never"},
    "from the future": {"iat": int(NOON.timestamp()) + 3600},
    "not yet valid": {"nbf": int(NOON.timestamp()) + 3600},
    "of nobody": {"sub": None},
    "of a number": {"sub": 17},
    "of an empty name": {"sub": ""},
    "a hash of another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("wrong", _TOKENS)
def test_a_token_that_does_not_hold_lets_nobody_in(site: Site, wrong: str) -> None:
    site.provider.wrong = _TOKENS[wrong]
    visitor = site.sign_in()
    assert visitor.status == 422
    assert visitor.go("/desk").path.startswith("/sign-in")
    assert site.account() is None


@pytest.mark.parametrize("signing", ["none", "HS256", "stranger"])
def test_a_token_without_the_providers_signature_lets_nobody_in(site: Site, signing: str) -> None:
    site.provider.signing = signing
    visitor = site.sign_in()
    assert "word does not hold" in visitor.text
    assert visitor.go("/desk").path.startswith("/sign-in")
    assert site.account() is None


def test_an_answer_counts_once_and_in_the_browser_that_asked_only(site: Site) -> None:
    visitor = site.doors.visitor()
    address = site.provider.authorize(site.set_out(visitor))
    kept = visitor.client.get_cookie("dsr")
    assert kept is not None
    assert "not the answer to your sign-in" in site.come_back(site.doors.visitor(), address).text
    other = site.doors.visitor()
    site.set_out(other)
    assert "not the answer to your sign-in" in site.come_back(other, address).text
    assert site.come_back(visitor, address).path == "/desk"
    thief = site.doors.visitor()
    thief.client.set_cookie("dsr", kept.value)
    assert "not the answer to your sign-in" in site.come_back(thief, address).text


def test_an_answer_that_comes_too_late_is_none(site: Site) -> None:
    visitor = site.doors.visitor()
    address = site.provider.authorize(site.set_out(visitor))
    site.doors.clock.at += timedelta(minutes=11)
    assert "too long" in site.come_back(visitor, address).text


@pytest.mark.parametrize(
    "changed",
    [{"code_challenge": "A" * 43}, {"code_challenge_method": "plain"}, {"nonce": "x"}, {"state": "x"}],
)
def test_whoever_changes_the_request_on_its_way_gains_nothing(site: Site, changed: dict[str, str]) -> None:
    visitor = site.sign_in(**changed)
    assert visitor.status in (403, 422)
    assert site.account() is None


@pytest.mark.parametrize("query", ["error=access_denied", "", "code=", "code=guessed", "code=guessed&iss=https%3A%2F%2Fevil.example"])
def test_an_answer_without_a_code_of_the_provider_lets_nobody_in(site: Site, query: str) -> None:
    visitor = site.doors.visitor()
    state = dict(parse_qsl(urlsplit(site.set_out(visitor)).query))["state"]
    assert visitor.go(f"/sign-in/back?state={state}&{query}").status == 403
    assert visitor.go("/desk").path.startswith("/sign-in")


def test_nobody_is_led_anywhere_else_after_signing_in(site: Site) -> None:
    visitor = site.doors.visitor()
    address = site.provider.authorize(site.set_out(visitor, "//evil.example/x"))
    assert site.come_back(visitor, address).path == "/desk"


def test_who_has_no_role_stays_outside_and_who_loses_it_is_out_at_once(site: Site) -> None:
    site.provider.claims["groups"] = ["kitchen"]
    assert "none of your groups has a role" in site.sign_in().text
    assert site.account() is None
    site.provider.claims["groups"] = ["privacy-team"]
    visitor = site.sign_in()
    assert visitor.path == "/desk"
    site.provider.claims["groups"] = []
    assert site.sign_in().status == 403
    assert visitor.go("/desk").path.startswith("/sign-in")


def test_roles_follow_the_groups_at_each_sign_in(site: Site) -> None:
    visitor = site.sign_in()
    site.provider.claims["groups"] = ["audit", "it"]
    assert site.sign_in().path == "/desk"
    found = site.account()
    assert found is not None
    assert found.roles == (Role.AUDITOR, Role.ADMINISTRATOR)
    assert visitor.go("/desk").path.startswith("/sign-in")


def test_a_disabled_account_stays_outside(site: Site) -> None:
    site.sign_in()
    found = site.account()
    assert found is not None
    disable(site.doors.house, found.id, "tests")
    assert "disabled" in site.sign_in().text


def test_a_name_never_joins_two_accounts(site: Site) -> None:
    add_user(site.doors.house, "ann", [Role.ADMINISTRATOR], "tests")
    assert "another account of your name" in site.sign_in().text
    site.provider.claims["preferred_username"] = "ben"
    assert site.sign_in().path == "/desk"
    site.provider.claims["sub"] = "somebody else"
    assert "another account of your name" in site.sign_in().text


def test_a_second_factor_of_this_server_is_asked_for_unless_the_providers_counts(shop: Company, recipient_server: RecipientServer) -> None:
    with _site(shop, recipient_server, 'internal = true\nsecond_factor = ["mfa"]\n') as site:
        site.sign_in()
        found, secret = site.account(), new_totp()
        assert found is not None
        add_totp(site.doors.house, found, secret, code_of(site.doors, secret), b"")
        visitor = site.sign_in()
        assert visitor.path.startswith("/sign-in/second")
        site.provider.claims["amr"] = ["pwd", "mfa"]
        visitor = site.sign_in()
        assert visitor.path == "/desk"
        assert "permissions" not in visitor.go("/account/tokens/new").path
        assert visitor.path == "/account/tokens/new"


_REFUSALS: dict[str, Callable[[Site], None]] = {
    "another issuer": lambda site: site.provider.says.update(issuer="https://evil.example"),
    "keys without encryption": lambda site: site.provider.says.update(jwks_uri="http://evil.example/keys"),
    "metadata of the cloud": lambda site: site.provider.says.update(token_endpoint="http://169.254.169.254/latest"),
}


@pytest.mark.parametrize("refusal", _REFUSALS)
def test_a_provider_that_says_strange_things_of_itself_is_not_believed(site: Site, refusal: str) -> None:
    _REFUSALS[refusal](site)
    answer = site.doors.visitor().client.get("/sign-in/elsewhere")
    assert answer.status_code in (400, 422)
    assert "Location" not in answer.headers


def test_a_provider_in_a_private_network_is_refused_unless_that_is_meant(shop: Company, recipient_server: RecipientServer) -> None:
    with _site(shop, recipient_server, "") as site:
        answer = site.doors.visitor().client.get("/sign-in/elsewhere")
        assert answer.status_code == 403
        assert "private network" in answer.get_data(as_text=True)
        assert "internal = true" in answer.get_data(as_text=True)
        assert site.provider.server.asked == []


def test_without_a_provider_there_is_no_such_door(doors: Doors) -> None:
    assert "Sign in with" not in doors.visitor().go("/sign-in").text.replace("Sign in with a passkey", "")
    assert doors.visitor().client.get("/sign-in/elsewhere").status_code == 422
    assert doors.visitor().client.get("/sign-in/back?state=x&code=y").status_code == 422


def test_neither_subject_nor_token_stays_in_the_store(site: Site) -> None:
    site.sign_in()
    site.doors.house.store.scrub()
    kept = b"".join(path.read_bytes() for path in site.doors.company.home.glob("dsr.db*"))
    assert b"ann" in kept
    assert b"248289761001" not in kept
