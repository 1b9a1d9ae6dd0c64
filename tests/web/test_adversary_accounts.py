"""Whoever wants to be somebody else: stolen cookies, shared links, forged addresses, two tries at the same moment. None of it opens a door."""

import base64
import http.client
import ipaddress
import re
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dsr_engine.domain.errors import Conflict, DsrError, InputWrong, NotAllowed
from dsr_engine.domain.network import network_of
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import Permission, Role, User
from dsr_engine.web.guard import local_path
from dsr_engine.web.listening import MOST_BYTES, server_for
from dsr_engine.workflow.users.accounts import add_user, disable, enable, set_password
from dsr_engine.workflow.users.factors import PER_FACTOR, PER_FACTOR_DAY, add_totp, check_code, new_totp
from dsr_engine.workflow.users.invitations import accept, invite
from dsr_engine.workflow.users.signing_in import IDLE, PER_ACCOUNT, PER_ADDRESS, WINDOW, check_password, sessions_of, throttle_address
from dsr_engine.workflow.users.tokens import make_token
from tests.servers.postgres import PostgresServer
from tests.web.conftest import PASSWORD, Doors, answering, doors_of
from tests.web.test_account import code_of
from tests.web.visiting import Visitor
from tests.workflow.company import Company

NEW = "another horse, another staple"


def _ann(doors: Doors, *roles: Role) -> User:
    return add_user(doors.house, "ann", roles or (Role.OFFICER,), "tests", password=PASSWORD)


def _entered(doors: Doors, name: str = "ann", password: str = PASSWORD, onward: str = "/") -> Visitor:
    return doors.visitor().go(f"/sign-in?next={onward}").send("Sign in", name=name, password=password)


def _thief_of(doors: Doors, visitor: Visitor) -> Visitor:
    """Somebody else with a copy of this browser's cookie."""
    kept = visitor.client.get_cookie("dsr")
    assert kept is not None
    thief = doors.visitor()
    thief.client.set_cookie("dsr", kept.value)
    assert thief.go("/account").path == "/account"
    return thief


def _at_once(act: Callable[[], object], count: int) -> int:
    """How many of so many tries at the same moment went well."""
    ready = threading.Barrier(count)

    def one() -> bool:
        ready.wait()
        try:
            act()
        except DsrError:
            return False
        return True

    with ThreadPoolExecutor(count) as pool:
        return sum(future.result() for future in [pool.submit(one) for _ in range(count)])


# --- Sessions ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["password", "others"])
def test_a_copy_of_the_cookie_is_void_when_its_owner_clears_up(doors: Doors, end: str) -> None:
    _ann(doors)
    _entered(doors)
    owner = _entered(doors)
    thief = _thief_of(doors, owner)
    owner.go("/account")
    if end == "password":
        owner.send("Change the password", old=PASSWORD, new=NEW, again=NEW)
    else:
        owner.send("End all others")
    assert owner.go("/account").path == "/account"
    assert thief.go("/account").path.startswith("/sign-in")


def test_a_session_that_nobody_uses_any_more_is_not_shown_as_one(doors: Doors) -> None:
    ann = _ann(doors)
    _entered(doors)
    doors.clock.at += IDLE
    with doors.house.store.snapshot() as tx:
        assert sessions_of(tx, doors.house, ann) == []
    assert "signed in nowhere else" in _entered(doors).go("/account").text


def test_a_call_from_another_window_brings_no_old_cookie_back(doors: Doors) -> None:
    _ann(doors)
    visitor = _entered(doors)
    for path in ("/desk", "/account", "/static/style.css"):
        with visitor.client.get(path) as answer:
            assert "Set-Cookie" not in answer.headers, path


def test_over_tls_a_cookie_of_another_name_is_nobodys(shop: Company) -> None:
    settings = shop.home / "dsr.toml"
    settings.write_text(settings.read_text() + '\n[web]\nurl = "https://dsr.example.com"\n')
    with doors_of(shop) as doors:
        secret, signer = doors.secret(Role.OFFICER), doors.app.session_interface.get_signing_serializer(doors.app)  # type: ignore[attr-defined]  # Flask's
        value = signer.dumps({"secret": secret, "_permanent": True})
        for name, status in (("dsr", 303), ("__Secure-dsr", 303), ("__Host-dsr", 200)):
            client = doors.app.test_client()
            client.set_cookie(name, value, domain="dsr.example.com", secure=True)
            assert client.get("/account", base_url="https://dsr.example.com").status_code == status, name


def test_on_this_machine_the_cookie_is_kept_from_scripts_and_from_other_sites(doors: Doors) -> None:
    answer = doors.app.test_client().get("/sign-in")
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert {part.strip() for part in cookie.split(";")[1:]} >= {"HttpOnly", "Path=/", "SameSite=Lax"}
    assert "Domain" not in cookie


# --- Doors for people and doors for programs ---------------------------------------------------------------------------------------


def test_a_token_opens_no_page_and_a_cookie_no_call(doors: Doors) -> None:
    token = make_token(doors.house, doors.user(Role.OFFICER), "report", [Permission.CASE_READ, Permission.CASE_WRITE], 9).reveal()
    program, browser = doors.visitor().client, doors.signed_in(Role.OFFICER).client
    bearer = {"Authorization": f"Bearer {token}"}
    assert program.get("/api/v1/cases", headers=bearer).status_code == 200
    for path in ("/account", "/cases", "/desk"):
        assert program.get(path, headers=bearer).status_code == 303
    assert browser.get("/cases").status_code == 200
    assert browser.get("/api/v1/cases").status_code in (401, 403)
    assert browser.post("/api/v1/cases", json={}).status_code in (401, 403)
    for header in (f"Basic {token}", f"bearer{token}", "Bearer", f"Bearer {token} x", f"Bearer x, Bearer {token}"):
        assert program.get("/api/v1/cases", headers={"Authorization": header}).status_code in (401, 403), header


# --- Addresses ---------------------------------------------------------------------------------------------------------------------

_ELSEWHERE = [
    "//evil.example",
    "\\evil.example",
    "/\\evil.example",
    "///evil.example",
    "https://evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("onward", _ELSEWHERE)
def test_after_signing_in_nobody_is_led_elsewhere(doors: Doors, onward: str) -> None:
    _ann(doors)
    visitor = doors.visitor().go("/sign-in")
    answer = visitor.client.post("/sign-in", data={**_fields(visitor), "name": "ann", "password": PASSWORD, "next": onward})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def _fields(visitor: Visitor) -> dict[str, str]:
    return {"csrf_token": visitor.text.partition('name="csrf_token" value="')[2].partition('"')[0]}


@given(st.one_of(st.text(), st.text(alphabet="/\\.:@#?%\t\r\n evil", max_size=12).map(lambda text: "/" + text)))
def test_whatever_is_asked_for_the_way_on_stays_at_this_server(text: str) -> None:
    found = local_path(text)
    assert found.startswith("/")
    assert urlsplit(urljoin("https://dsr.example.com/sign-in", found)).netloc == "dsr.example.com"


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_a_household_with_many_addresses_is_one_visitor(address: ipaddress.IPv6Address, other: int) -> None:
    network = int(address) >> 64 << 64
    assume(network)  # there IPv4 is written as IPv6
    assert network_of(str(address)) == network_of(f"{ipaddress.IPv6Address(network | other)}%eth0")


def test_addresses_of_the_old_kind_are_one_visitor_each() -> None:
    assert network_of("203.0.113.9") == network_of("::ffff:203.0.113.9") == "203.0.113.9"
    assert network_of("203.0.113.9") != network_of("203.0.113.10")
    assert network_of("") == ""


@pytest.mark.parametrize(
    ("proxies", "said", "status"),
    [
        (0, "203.0.113.9", 422),  # nobody is believed
        (1, "203.0.113.9", 429),
        (1, "203.0.113.9, 198.51.100.7", 422),  # what a client says stands before what the proxy adds
        (1, "198.51.100.7, 203.0.113.9", 429),
        (1, "", 422),
    ],
)
def test_whom_a_proxy_speaks_for_is_believed_only_of_proxies_that_are_counted(shop: Company, proxies: int, said: str, status: int) -> None:
    settings = shop.home / "dsr.toml"
    settings.write_text(settings.read_text() + (f"\n[web]\nproxies = {proxies}\n" if proxies else ""))
    with doors_of(shop) as doors:
        for _ in range(PER_ADDRESS):
            throttle_address(doors.house, "203.0.113.9")
        with answering(server_for(doors.app, doors.house.settings.web, "127.0.0.1:0", 2)) as port:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            line.request("GET", "/sign-in/elsewhere", headers={"X-Forwarded-For": said} if said else {})
            answer = line.getresponse()
            answer.read()
            line.putrequest("POST", "/sign-in")
            line.putheader("Content-Length", str(MOST_BYTES + 1))
            line.endheaders()
            too_long = line.getresponse().status
            line.close()
    assert (answer.status, answer.headers["Server"], too_long) == (status, None, 413)


def test_behind_a_proxy_forms_come_from_our_own_pages_only_and_lead_back(shop: Company) -> None:
    settings = shop.home / "dsr.toml"
    settings.write_text(settings.read_text() + '\n[web]\nurl = "https://dsr.example.com"\nproxies = 1\n')
    with doors_of(shop) as doors:
        _ann(doors, Role.ADMINISTRATOR)
        client, page = doors.app.test_client(), "https://dsr.example.com/sign-in"
        proxied = {"base_url": "http://dsr.example.com", "headers": {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "dsr.example.com"}}
        token = _fields(Visitor(client, page=client.get("/sign-in", **proxied)))
        form = {**token, "name": "ann", "password": PASSWORD}
        for referrer, status in (("", 400), ("https://evil.example/sign-in", 400), ("http://dsr.example.com/sign-in", 400), (page, 303)):
            headers = {**proxied["headers"], **({"Referer": referrer} if referrer else {})}  # type: ignore[dict-item]  # the tests' own
            assert client.post("/sign-in", base_url="http://dsr.example.com", headers=headers, data=form).status_code == status, referrer
        token = _fields(Visitor(client, page=client.get("/users", **proxied)))
        headers = {**proxied["headers"], "Referer": "https://dsr.example.com/users/x?a=b"}  # type: ignore[dict-item]  # the tests' own
        answer = client.post("/users/x/disable", base_url="http://dsr.example.com", headers=headers, data=token)
        assert answer.headers["Location"] == "/account/confirm?next=/users/x?a%3Db"


# --- Guessing ----------------------------------------------------------------------------------------------------------------------


def test_many_tries_at_the_same_moment_are_counted_one_by_one(doors: Doors) -> None:
    _ann(doors)
    told: list[str] = []

    def guess() -> None:
        try:
            check_password(doors.house, "ANN " if len(told) % 2 else "ann", "wrong", "192.0.2.1")
        except NotAllowed as problem:
            told.append(problem.code)
            raise

    assert _at_once(guess, PER_ACCOUNT + 6) == 0
    assert (told.count("sign_in.wrong"), told.count("sign_in.often")) == (PER_ACCOUNT, 6)


def test_the_throttle_says_the_same_of_names_that_are_nobodys(doors: Doors) -> None:
    _ann(doors)
    told = {}
    for name in ("ann", "nobody"):
        told[name] = [(visitor.status, visitor.text.replace(name, "")) for visitor in (_entered(doors, name, "x") for _ in range(PER_ACCOUNT + 1))]
    strip = [[(status, text.partition("<h1>")[2].partition("csrf")[0]) for status, text in each] for each in told.values()]
    assert strip[0] == strip[1]


def _equipped(doors: Doors) -> tuple[User, Secret, tuple[Secret, ...]]:
    user, secret = _ann(doors), new_totp()
    codes = add_totp(doors.house, user, secret, code_of(doors, secret), b"")
    doors.clock.at += timedelta(minutes=1)
    return user, secret, codes


def test_a_code_that_is_sent_twice_at_the_same_moment_counts_once(doors: Doors) -> None:
    user, secret, recovery = _equipped(doors)
    code = code_of(doors, secret)
    assert _at_once(lambda: check_code(doors.house, user, code), 4) == 1
    assert _at_once(lambda: check_code(doors.house, user, recovery[0].reveal()), 4) == 1


def test_whoever_has_the_password_gets_few_codes_a_day(doors: Doors) -> None:
    user, secret, _ = _equipped(doors)
    begun, tried = doors.clock.at, 0
    wrong = "000000" if code_of(doors, secret) != "000000" else "111111"
    while doors.clock.at < begun + timedelta(hours=12):
        for _ in range(PER_FACTOR):
            with pytest.raises(NotAllowed) as refused:
                check_code(doors.house, user, wrong)
            tried += refused.value.code == "factor.wrong"
        doors.clock.at += WINDOW
    assert tried <= PER_FACTOR_DAY + 1  # one in a million guesses is right by accident
    with pytest.raises(NotAllowed, match="24 hours"):
        check_code(doors.house, user, code_of(doors, secret))
    doors.clock.at = begun + timedelta(days=1)
    check_code(doors.house, user, code_of(doors, secret))


def test_a_new_password_lets_its_owner_in_although_somebody_else_guessed(doors: Doors) -> None:
    ann = _ann(doors)
    for _ in range(PER_ACCOUNT + 1):
        _entered(doors, password="wrong wrong wrong")
    assert _entered(doors).status == 429
    link = invite(doors.house, ann.id, "tests").reveal()
    doors.visitor().go(urlsplit(link).path).send("Set the password", password=NEW, again=NEW)
    assert _entered(doors, password=NEW).path == "/desk"


@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_a_huge_password_is_a_wrong_one_and_a_huge_form_none(doors: Doors, name: str) -> None:
    _ann(doors)
    assert _entered(doors, name, "x" * 500_000).status == 403
    assert _entered(doors, name, PASSWORD + "\0").status == 403
    assert _entered(doors, name, "x" * 1_100_000).status == 413


# --- Names and passwords -----------------------------------------------------------------------------------------------------------


def test_two_accounts_are_never_told_apart_by_capitals_alone(doors: Doors) -> None:
    _ann(doors)
    for name in ("ANN", "Ann", " ann", "ａｎｎ"):
        with pytest.raises(Conflict):
            add_user(doors.house, name, [Role.APPROVER], "tests")


@pytest.mark.parametrize(
    "weak", ["aaaaaaaaaaaaaaaa", "1234567812345678", "abcdefghijklmnop", "9876543210987654", "ann-ann-ann-ann!", "passwordpassword"]
)
def test_a_password_that_is_tried_first_is_refused(doors: Doors, weak: str) -> None:
    with pytest.raises(InputWrong, match="guessed"):
        add_user(doors.house, "ann", [Role.OFFICER], "tests", password=weak)


def test_a_password_is_the_same_on_every_keyboard(doors: Doors) -> None:
    password = "schöne grüße an alle"
    add_user(doors.house, "ann", [Role.OFFICER], "tests", password=password)
    assert _entered(doors, password=unicodedata.normalize("NFD", password)).path == "/desk"
    with pytest.raises(NotAllowed):
        check_password(doors.house, "ann", "schone grusse an alle", "")


def test_what_the_identity_provider_decides_no_password_gets_around(doors: Doors) -> None:
    external = add_user(doors.house, "ann", [Role.OFFICER], "tests", subject="digest of issuer and sub")
    with pytest.raises(Conflict, match="identity provider"):
        set_password(doors.house, external.id, PASSWORD, "tests")


@pytest.mark.parametrize("end", ["disabled", "password"])
def test_an_old_link_is_void_after_the_account_was_disabled_or_its_password_set(doors: Doors, end: str) -> None:
    ann = _ann(doors)
    link = urlsplit(invite(doors.house, ann.id, "tests").reveal()).path
    if end == "disabled":
        disable(doors.house, ann.id, "tests")
        enable(doors.house, ann.id, "tests")
    else:
        set_password(doors.house, ann.id, NEW, "tests")
    assert doors.visitor().go(link).status == 404


def test_a_link_that_two_use_at_the_same_moment_counts_once(doors: Doors) -> None:
    link = invite(doors.house, _ann(doors).id, "tests").reveal().rpartition("/")[2]
    assert _at_once(lambda: accept(doors.house, link, NEW), 3) == 1


def test_two_administrators_cannot_disable_each_other_at_the_same_moment(doors: Doors) -> None:
    both = [add_user(doors.house, name, [Role.ADMINISTRATOR], "tests") for name in ("ann", "ben")]
    turns = iter([both[0].id, both[1].id])
    assert _at_once(lambda: disable(doors.house, next(turns), "tests"), 2) == 1
    with doors.house.store.snapshot() as tx:
        assert sum(each.disabled_at is None for each in tx.users.list()) == 1


def test_on_postgresql_it_is_the_same(shop: Company, postgres_server: PostgresServer, postgres_database: str) -> None:
    settings = shop.home / "dsr.toml"
    settings.write_text(
        re.sub(r'(?s)(\[store\].*?)\nurl = "[^"]*"', rf'\1\nurl = "{postgres_server.url(postgres_database)}"', settings.read_text(), count=1)
    )
    with doors_of(shop) as doors:
        user, secret, recovery = _equipped(doors)
        code = code_of(doors, secret)
        assert _at_once(lambda: check_code(doors.house, user, code), 4) == 1
        assert _at_once(lambda: check_code(doors.house, user, recovery[0].reveal()), 4) == 1
        both = [add_user(doors.house, name, [Role.ADMINISTRATOR], "tests") for name in ("ben", "eve")]
        turns = iter([both[0].id, both[1].id])
        assert _at_once(lambda: disable(doors.house, next(turns), "tests"), 2) == 1
        _at_once(lambda: check_password(doors.house, "ann", "wrong", "192.0.2.1"), PER_ACCOUNT)
        assert _entered(doors).status == 429
        officer = doors.signed_in(Role.OFFICER)
        for path in ("/account/a%00b", "/cases/a%00b", "/cases?policy=a%00b", "/invitation/a%00b", "/sign-in?next=%00"):
            assert officer.go(path).status < 500, path
        assert _entered(doors, "ann\0").status == 403


def test_the_cookie_tells_nobody_what_it_holds_of_a_person(doors: Doors) -> None:
    _ann(doors)
    visitor = _entered(doors).go("/account")
    cookie = visitor.client.get_cookie("dsr")
    assert cookie is not None
    held = base64.urlsafe_b64decode(cookie.value.lstrip(".").split(".")[0] + "===")
    assert b"ann" not in held
