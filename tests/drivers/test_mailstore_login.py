"""Who gets into a mailbox, by what, and that nothing secret is told to anybody who should not hear it."""

import json
import logging
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from dsr_engine.domain.errors import DsrError, InputWrong, NotAllowed, NotSupported, Unreachable
from dsr_engine.drivers.mailstore.imap_account import Account, Grant, Tls
from dsr_engine.drivers.mailstore.imap_login import capabilities_of, log_in
from dsr_engine.drivers.mailstore.imap_token import Tokens
from dsr_engine.drivers.mailstore.imap_wire import Client
from dsr_engine.drivers.mailstore.settings import account_of
from tests.drivers.mailstore_boxes import system_of
from tests.drivers.mailstore_scripted import served, session_of
from tests.servers.dovecot import DovecotServer, running
from tests.servers.lifecycle import server_folder
from tests.servers.recipient_server import Asked, RecipientServer, Reply
from tests.servers.scripted_imap import EXCHANGE, USUAL, Manner

TOKEN = "eyJhbGciOi.token-of_the~service/9+="
BEARER = f"{USUAL} AUTH=OAUTHBEARER AUTH=XOAUTH2"


def test_a_password_is_told_by_plain_where_the_server_takes_it_and_else_by_login(imap_certificate: Path) -> None:
    with served(imap_certificate) as server, session_of(server) as session:
        assert session.has("UIDPLUS")
        assert server.logins == [("PLAIN", "jane@example.com", "jane@example.com")]
    with served(imap_certificate, Manner(before="IMAP4rev1")) as server, session_of(server) as session:
        assert session.has("UIDPLUS")
        assert server.logins == [("LOGIN", "jane@example.com", "jane@example.com")]


def test_a_master_user_opens_a_mailbox_as_the_identity_that_authenticates(imap_certificate: Path) -> None:
    with served(imap_certificate, Manner(master="svc-erase")) as server, session_of(server, master_user="svc-erase") as session:
        session.select(b"INBOX")
        assert server.logins == [("PLAIN", "jane@example.com", "svc-erase")]


def test_a_master_user_is_refused_where_the_server_could_not_tell_them_apart(imap_certificate: Path) -> None:
    with (
        served(imap_certificate, Manner(before="IMAP4rev1", master="svc-erase")) as server,
        session_of(server, master_user="svc-erase") as session,
        pytest.raises(NotSupported) as caught,
    ):
        session.select(b"INBOX")
    assert caught.value.code == "mail.no_master"
    assert server.logins == []


def test_the_same_right_opens_the_mailboxes_of_others(imap_certificate: Path) -> None:
    plain = Account("mail.example.com", 993, "jane@example.com", "pw", Tls.WHOLE)
    with pytest.raises(InputWrong) as caught:
        plain.of("bob@example.com")
    assert caught.value.code == "mail.no_master"
    dovecot = Account("mail.example.com", 993, "*svc-erase", "pw", Tls.WHOLE)
    assert (dovecot.of("bob@example.com").user, dovecot.of("bob@example.com").mailbox) == ("bob@example.com*svc-erase", "bob@example.com")
    master = Account("mail.example.com", 993, "", "pw", Tls.WHOLE, master_user="svc-erase")
    assert (master.of("bob@example.com").user, master.of("bob@example.com").master_user) == ("bob@example.com", "svc-erase")


@pytest.mark.parametrize(("offered", "mechanism"), [(BEARER, "OAUTHBEARER"), (EXCHANGE, "XOAUTH2")])
def test_a_token_stands_in_the_place_of_a_password(imap_certificate: Path, offered: str, mechanism: str) -> None:
    manner = Manner(capabilities=offered, tokens=(TOKEN,))
    with served(imap_certificate, manner) as server, session_of(server, password="", token=TOKEN, user="a=b,c@example.com") as session:
        assert session.has("UIDPLUS")
        assert server.logins == [(mechanism, "a=b,c@example.com", "")]


@pytest.mark.parametrize("offered", [BEARER, EXCHANGE])
def test_a_token_that_is_refused_is_said_once_and_neither_it_nor_the_servers_words_are_told(imap_certificate: Path, offered: str) -> None:
    with (
        served(imap_certificate, Manner(capabilities=offered)) as server,
        session_of(server, password="", token=TOKEN) as session,
        pytest.raises(NotAllowed) as caught,
    ):
        session.select(b"INBOX")
    assert caught.value.code == "mail.token"
    assert "invalid_token" in str(caught.value)
    assert "secret-scope" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
    assert server.verbs().count("AUTHENTICATE") == 1


def test_exchange_that_does_not_open_the_mailbox_is_told_as_a_missing_right(imap_certificate: Path) -> None:
    with served(imap_certificate, Manner(capabilities=EXCHANGE, tokens=(TOKEN,))) as server:
        server.twist = lambda verb, line: b"{tag} BAD User is authenticated but not connected.\r\n" if server.logins else None
        with session_of(server, password="", token=TOKEN) as session, pytest.raises(NotAllowed) as caught:
            session.select(b"INBOX")
        assert caught.value.code == "mail.no_mailbox_right"


def test_a_server_that_takes_no_tokens_gets_none(imap_certificate: Path) -> None:
    with served(imap_certificate) as server, session_of(server, password="", token=TOKEN) as session, pytest.raises(NotSupported) as caught:
        session.select(b"INBOX")
    assert caught.value.code == "mail.no_oauth"
    assert server.verbs() == ["CAPABILITY"]


# --- fetched tokens ----------------------------------------------------------------------------------------------------


class Granting:
    """An authorisation server: each token is another one, the first one taken back if `is_first_dead`."""

    def __init__(self, server: RecipientServer, **answer: object) -> None:
        self.server, self.answer, self.count = server, answer, 0
        server.answering = self.reply

    def reply(self, asked: Asked) -> Reply:
        self.count += 1
        said = {"token_type": "Bearer", "expires_in": 3600, "access_token": f"token-{self.count}", **self.answer}
        return Reply(int(str(said.pop("status", 200))), json.dumps(said).encode(), {"Content-Type": "application/json"})

    def settings(self, certificate: Path) -> dict[str, str]:
        both = certificate.with_name("both.crt")
        both.write_bytes(certificate.read_bytes() + self.server.ca_file.read_bytes())
        application = {"token_url": f"{self.server.url}/token", "client_id": "app", "client_secret": "hush-hush", "scope": "imap/.default"}
        return {**application, "password": "", "ca_file": str(both)}


def test_a_token_is_fetched_once_for_all_connections_of_an_application(imap_certificate: Path, recipient_server: RecipientServer) -> None:
    granting = Granting(recipient_server)
    manner = Manner(capabilities=EXCHANGE, tokens=("token-1",))
    with served(imap_certificate, manner) as server:
        for user in ("jane@example.com", "bob@example.com"):
            with session_of(server, **granting.settings(imap_certificate), user=user) as session:
                session.select(b"INBOX")
    assert [login[:2] for login in server.logins] == [("XOAUTH2", "jane@example.com"), ("XOAUTH2", "bob@example.com")]
    (asked,) = recipient_server.asked
    assert {key: value[0] for key, value in parse_qs(asked.body.decode()).items()} == {
        "grant_type": "client_credentials",
        "client_id": "app",
        "client_secret": "hush-hush",
        "scope": "imap/.default",
    }


def test_a_fetched_token_that_was_taken_back_is_fetched_again(imap_certificate: Path, recipient_server: RecipientServer) -> None:
    granting = Granting(recipient_server)
    with (
        served(imap_certificate, Manner(capabilities=EXCHANGE, tokens=("token-2",))) as server,
        session_of(server, **{**granting.settings(imap_certificate), "client_id": "another"}) as session,
    ):
        session.select(b"INBOX")
    assert granting.count == 2
    assert len(server.logins) == 1


def test_a_token_is_renewed_before_it_ends(recipient_server: RecipientServer) -> None:
    granting = Granting(recipient_server, expires_in=600)
    moment = [0.0]
    tokens = Tokens(lambda: moment[0])
    grant = Grant(f"{recipient_server.url}/token", "app", "hush-hush", "", str(recipient_server.ca_file))

    told = [(moment.__setitem__(0, at), tokens.of(grant))[1] for at in (0.0, 100.0, 479.0, 481.0, 900.0)]

    assert told == ["token-1", "token-1", "token-1", "token-2", "token-2"]
    assert granting.count == 2


@pytest.mark.parametrize(
    ("answer", "family", "told"),
    [
        ({"status": 401, "error": "invalid_client", "error_description": "hush-hush is wrong"}, NotAllowed, "invalid_client"),
        ({"status": 400, "error": "hush-hush"}, NotAllowed, "status 400"),
        ({"status": 503}, Unreachable, ""),
        ({"access_token": "two\r\nlines"}, NotAllowed, "status 200"),
        ({"access_token": "x\1auth=Bearer y"}, NotAllowed, "status 200"),
        ({"token_type": "mac"}, NotAllowed, "status 200"),
        ({"access_token": "x" * 300_000}, NotAllowed, "status 200"),
    ],
)
def test_an_authorisation_server_that_gives_no_token_is_an_error_without_its_words(
    recipient_server: RecipientServer, answer: dict[str, object], family: type[DsrError], told: str
) -> None:
    Granting(recipient_server, **answer)
    with pytest.raises(family) as caught:
        Tokens().of(Grant(f"{recipient_server.url}/token", "app", "hush-hush", "", str(recipient_server.ca_file)))
    assert told in str(caught.value)
    assert "hush-hush" not in str(caught.value)


def test_a_token_is_not_fetched_from_a_stranger_nor_in_clear(recipient_server: RecipientServer) -> None:
    with pytest.raises(NotAllowed) as caught:
        Tokens().of(Grant(f"{recipient_server.url}/token", "app", "hush-hush"))
    assert caught.value.code == "mail.certificate"
    with pytest.raises(InputWrong) as refused:
        Tokens().of(Grant("http://login.example.com/token", "app", "hush-hush"))
    assert refused.value.code == "mail.token_url"
    assert recipient_server.asked == []


# --- nothing in clear, nothing told ------------------------------------------------------------------------------------


def test_before_starttls_nothing_is_said_that_anybody_could_use(imap_certificate: Path) -> None:
    with served(imap_certificate, Manner(tls="starttls")) as server, session_of(server) as session:
        assert session.has("UIDPLUS")
        assert [line.partition(b" ")[2] for line in server.clear] == [b"CAPABILITY", b"STARTTLS"]


@pytest.mark.parametrize(
    ("manner", "ahead", "code"),
    [
        (Manner(tls="starttls", greeting="PREAUTH welcome"), b"", "mail.preauth"),
        (Manner(greeting="PREAUTH welcome"), b"", "mail.preauth"),
        (Manner(tls="clear"), b"", "mail.no_tls"),
        (Manner(tls="starttls"), b"* CAPABILITY IMAP4rev1 AUTH=PLAIN X-EVIL\r\n", "mail.garbled"),
        (Manner(before="IMAP4rev1 LOGINDISABLED"), b"", "mail.no_login"),
    ],
)
def test_a_server_that_would_have_a_password_the_wrong_way_gets_none(imap_certificate: Path, manner: Manner, ahead: bytes, code: str) -> None:
    with served(imap_certificate, manner) as server, session_of(server) as session:
        server.ahead = ahead
        with pytest.raises(DsrError) as caught:
            session.select(b"INBOX")
        assert caught.value.code == code
        assert not {"LOGIN", "AUTHENTICATE"} & set(server.verbs())


@pytest.mark.parametrize("settings", [{"user": "jane\r\nA1 EXPUNGE"}, {"password": "pw\0"}, {"master_user": "svc\n"}])
def test_a_name_with_control_characters_never_reaches_the_line(imap_certificate: Path, settings: dict[str, str]) -> None:
    for manner in (Manner(), Manner(before="IMAP4rev1")):
        with served(imap_certificate, manner) as server, session_of(server, **settings) as session, pytest.raises(InputWrong):
            session.select(b"INBOX")
        assert server.verbs() == ["CAPABILITY"]


def test_a_password_that_login_cannot_say_is_refused_and_plain_says_it(imap_certificate: Path) -> None:
    with served(imap_certificate, Manner(before="IMAP4rev1", password="pässwort")) as server, session_of(server, password="pässwort") as session:
        with pytest.raises(NotSupported) as caught:
            session.select(b"INBOX")
        assert caught.value.code == "mail.no_login"
    with served(imap_certificate, Manner(password="pässwort")) as server, session_of(server, password="pässwort") as session:
        session.select(b"INBOX")
        assert server.logins


@pytest.mark.parametrize(
    "settings",
    [
        {"password": ""},
        {"token": TOKEN},
        {"password": "", "token": TOKEN, "master_user": "svc"},
        {"password": "", "token": f"Bearer {TOKEN}"},
        {"password": "", "token_url": "https://login.example.com/token"},
        {"password": "", "token_url": "http://login.example.com/token", "client_id": "app", "client_secret": "s"},
        {"password": "", "token_url": "https://user:pw@login.example.com/token", "client_id": "app", "client_secret": "s"},
    ],
)
def test_settings_that_are_no_single_way_to_log_in_are_refused_without_their_values(settings: dict[str, str]) -> None:
    with pytest.raises(InputWrong) as caught:
        account_of(system_of({"url": "imaps://mail.example.com", "user": "jane@example.com", "password": "pw-jane", **settings}))
    assert TOKEN not in str(caught.value)
    assert "pw" not in str(caught.value)


def test_no_secret_is_in_a_repr_or_a_log(imap_certificate: Path, caplog: pytest.LogCaptureFixture) -> None:
    secrets = ("hush-hush", TOKEN, "pw-of-jane")
    account = Account("mail.example.com", 993, "jane", secrets[2], Tls.WHOLE, token=TOKEN, grant=Grant("https://x.example/t", "app", secrets[0]))
    assert not any(secret in repr(account) + repr(account.grant) for secret in secrets)
    with caplog.at_level(logging.DEBUG), served(imap_certificate, Manner(before="IMAP4rev1", password=secrets[2])) as server:
        with session_of(server, password=secrets[2]) as session:
            session.select(b"INBOX")
        assert server.logins
    assert secrets[2] not in caplog.text
    assert "jane@example.com" not in caplog.text


def test_a_refusal_of_the_login_does_not_repeat_what_the_server_says(imap_certificate: Path) -> None:
    with served(imap_certificate) as server, session_of(server, password="wrong") as session, pytest.raises(NotAllowed) as caught:
        session.select(b"INBOX")
    assert caught.value.code == "mail.login"
    assert "jane" not in str(caught.value)


def test_what_a_server_offers_is_asked_again_after_the_login(imap_certificate: Path) -> None:
    manner = Manner(before="IMAP4rev1 AUTH=PLAIN UIDPLUS X-GM-EXT-1", capabilities="IMAP4rev1 ESEARCH")
    with served(imap_certificate, manner) as server, session_of(server) as session:
        assert session.has("ESEARCH")
        assert not session.has("UIDPLUS")
        assert not session.has("X-GM-EXT-1")
        refusal = session.refusal()
        assert refusal is not None
        assert refusal.code == "mail.no_uidplus"


# --- a real server -----------------------------------------------------------------------------------------------------

_TAKES_TOKENS = """passdb {{
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {settings}
}}
namespace inbox {{"""


class _Introspection(BaseHTTPRequestHandler):
    """Tells Dovecot whose a token is (RFC 7662)."""

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        user = "alice@example.test" if "token=token-of-alice" in said else ""
        body = json.dumps({"active": bool(user), "username": user, "scope": "imap"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def token_dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DovecotServer]:
    """Dovecot that takes tokens and asks us whose they are."""
    introspection = ThreadingHTTPServer(("127.0.0.1", 0), _Introspection)
    thread = threading.Thread(target=introspection.serve_forever, daemon=True)
    thread.start()
    with server_folder() as folder:
        settings = folder / "oauth2.conf"
        settings.write_text(
            f"introspection_url = http://127.0.0.1:{introspection.server_address[1]}/\n"
            "introspection_mode = post\nactive_attribute = active\nactive_value = true\nusername_attribute = username\n"
        )
        block = _TAKES_TOKENS.format(settings=settings)
        with running(("auth_mechanisms = plain login", "auth_mechanisms = plain login oauthbearer xoauth2"), ("namespace inbox {", block)) as server:
            yield server
    introspection.shutdown()
    introspection.server_close()
    thread.join()


@pytest.mark.parametrize(("mechanism", "reason"), [("OAUTHBEARER", "invalid_token"), ("XOAUTH2", "401")])
def test_dovecot_takes_a_token_and_refuses_another_without_a_word_of_it(token_dovecot: DovecotServer, mechanism: str, reason: str) -> None:
    account = Account(
        "127.0.0.1", token_dovecot.tls_port, "alice@example.test", "", Tls.WHOLE, str(token_dovecot.certificate), token="token-of-alice"
    )
    client = Client(account.host, account.port, ssl.create_default_context(cafile=account.ca_file))
    log_in(client, account, frozenset({f"AUTH={mechanism}"}))
    assert "IMAP4REV1" in capabilities_of(client)
    client.shutdown()

    client = Client(account.host, account.port, ssl.create_default_context(cafile=account.ca_file))
    with pytest.raises(NotAllowed) as caught:
        log_in(client, replace(account, token="token-of-nobody"), frozenset({f"AUTH={mechanism}"}))
    client.shutdown()
    assert caught.value.code == "mail.token"
    assert f"({reason})" in str(caught.value)
    assert "nobody" not in str(caught.value)
