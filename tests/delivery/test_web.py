"""HTTPS to hosts that are slow, hostile, somebody else or not there."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from dsr_engine.delivery.web import MOST_BYTES, Web, checked_url
from dsr_engine.domain.errors import DsrError, InputWrong, NotAllowed, NotSupported, NotVerified, Unreachable
from tests.servers.names import Names
from tests.servers.recipient_server import RecipientServer, Reply


def _web(server: RecipientServer, *, seconds: float = 10.0) -> Web:
    return Web(str(server.ca_file), internal=True, seconds=seconds)


def _refused(server: RecipientServer, reply: Reply, *, seconds: float = 10.0) -> DsrError:
    server.answering = lambda _: reply
    with pytest.raises(DsrError) as caught:
        _web(server, seconds=seconds).ask("GET", server.url)
    return caught.value


def test_an_exchange_brings_body_and_headers_and_says_who_we_are(recipient_server: RecipientServer) -> None:
    recipient_server.answering = lambda _: Reply(201, b'{"a": 1}', {"X-Thing": "yes"})
    answered = _web(recipient_server).ask("POST", f"{recipient_server.url}/a?b=c", body=b"{}", headers={"Content-Type": "application/json"})
    assert (answered.status, answered.headers["x-thing"], answered.document()) == (201, "yes", {"a": 1})
    (asked,) = recipient_server.asked
    assert (asked.method, asked.path, asked.body, asked.headers["user-agent"]) == ("POST", "/a?b=c", b"{}", "dsr-engine")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_nothing_goes_where_it_points(recipient_server: RecipientServer, status: int) -> None:
    error = _refused(recipient_server, Reply(status, b"", {"Location": f"{recipient_server.url}/elsewhere"}))
    assert isinstance(error, NotAllowed)
    assert error.code == "web.redirect"
    assert [asked.path for asked in recipient_server.asked] == ["/"]


@pytest.mark.parametrize(("status", "family"), [(429, Unreachable), (503, Unreachable), (500, Unreachable), (400, NotAllowed), (410, NotAllowed)])
def test_a_refusal_says_whether_a_later_try_may_help(recipient_server: RecipientServer, status: int, family: type[DsrError]) -> None:
    assert isinstance(_refused(recipient_server, Reply(status)), family)


def test_an_answer_that_is_too_long_is_refused_without_reading_it_all(recipient_server: RecipientServer) -> None:
    assert isinstance(_refused(recipient_server, Reply(200, b"x" * (MOST_BYTES + 1))), NotSupported)
    assert isinstance(_refused(recipient_server, Reply(200, b"x" * (MOST_BYTES + 2), length=10**12)), NotSupported)


def test_an_answer_that_drips_is_cut_off_although_each_byte_comes_in_time(recipient_server: RecipientServer) -> None:
    error = _refused(recipient_server, Reply(200, b"x" * 1_000, pause=0.05), seconds=0.5)
    assert (type(error), error.code) == (Unreachable, "web.slow")


def test_headers_without_end_are_cut_off(recipient_server: RecipientServer) -> None:
    error = _refused(recipient_server, Reply(garbage=b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: a\r\n" % number for number in range(10_000))))
    assert error.code == "web.garbled"


@pytest.mark.parametrize(
    "garbage", [b"\x00\x01\x02\r\n\r\n", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"]
)
def test_what_is_no_http_is_no_answer(recipient_server: RecipientServer, garbage: bytes) -> None:
    assert isinstance(_refused(recipient_server, Reply(garbage=garbage)), Unreachable)


def test_chunks_that_are_none_are_no_answer(recipient_server: RecipientServer) -> None:
    error = _refused(recipient_server, Reply(garbage=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"))
    assert isinstance(error, Unreachable)


@contextmanager
def _silent() -> Iterator[int]:
    """A port that takes connections and says nothing, not even a handshake."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []
        thread = threading.Thread(target=lambda: taken.append(server.accept()[0]), daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        thread.join()
        for one in taken:
            one.close()


def test_a_host_that_never_shakes_hands_is_given_up() -> None:
    with _silent() as port, pytest.raises(Unreachable) as caught:
        Web(internal=True, seconds=0.5).ask("GET", f"https://127.0.0.1:{port}/")
    assert caught.value.code == "web.slow"


def test_a_port_that_nobody_listens_at_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        Web(internal=True).ask("GET", f"https://127.0.0.1:{port}/")
    assert caught.value.code == "web.down"


def test_a_certificate_of_an_unknown_authority_stops_everything_before_a_word_is_said(recipient_server: RecipientServer) -> None:
    with pytest.raises(NotVerified) as caught:
        Web(internal=True).ask("POST", recipient_server.url, body=b"identifiers")
    assert caught.value.code == "web.certificate"
    assert recipient_server.asked == []


def test_a_certificate_for_another_name_does_not_hold(recipient_server: RecipientServer) -> None:
    with pytest.raises(NotVerified) as caught:
        _web(recipient_server).ask("POST", f"https://127.1:{recipient_server.port}/", body=b"identifiers")
    assert caught.value.code == "web.certificate"
    assert recipient_server.asked == []


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "127.0.0.1", "[::1]", "10.0.0.1", "192.168.1.1", "[fd00::1]", "[::ffff:10.0.0.1]", "[64:ff9b::10.0.0.1]"),
        *("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::127.0.0.1]", "[2002:7f00:1::]"),
    ],
)
def test_a_private_address_is_refused_unless_the_register_says_otherwise(recipient_server: RecipientServer, host: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        Web(str(recipient_server.ca_file)).ask("POST", f"https://{host}:{recipient_server.port}/", body=b"identifiers")
    assert caught.value.code == "web.private"
    assert recipient_server.asked == []


@pytest.mark.parametrize(
    "host",
    [
        *("169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.16689662", "[::ffff:169.254.169.254]", "[::169.254.169.254]"),
        *("[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "[fe80::1]", "[fd00:ec2::254]", "168.63.129.16", "100.100.100.200", "0.0.0.0", "[::]"),
    ],
)
def test_link_local_and_metadata_addresses_are_refused_whatever_the_register_says(recipient_server: RecipientServer, host: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        _web(recipient_server).ask("POST", f"https://{host}:{recipient_server.port}/", body=b"identifiers")
    assert caught.value.code == "web.never"
    assert recipient_server.asked == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (["169.254.169.254"], "web.never"),
        (["127.0.0.1", "169.254.169.254"], "web.never"),
        (["127.0.0.1", "fe80::1%eth0"], "web.never"),
        ([], "web.unknown_host"),
    ],
)
def test_every_address_that_a_name_means_is_judged(recipient_server: RecipientServer, answer: list[str], code: str) -> None:
    web = replace(_web(recipient_server), resolve=Names(answer))
    for said in (lambda: web.ask("POST", recipient_server.url, body=b"identifiers"), lambda: web.reach(recipient_server.url)):
        with pytest.raises(DsrError) as caught:
            said()
        assert caught.value.code == code
    assert recipient_server.asked == []


def test_a_name_that_means_another_address_the_second_time_leads_nowhere_else(recipient_server: RecipientServer) -> None:
    with socket.create_server(("127.0.0.2", recipient_server.port)) as other:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        replace(_web(recipient_server), resolve=names).ask("POST", recipient_server.url, body=b"identifiers")
        assert (names.asked, len(recipient_server.asked)) == (1, 1)
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_what_was_judged_is_what_is_connected_to(recipient_server: RecipientServer) -> None:
    """The name belongs to the server, the resolver says that it is elsewhere: nobody else looks the name up again."""
    with pytest.raises(Unreachable):
        replace(_web(recipient_server, seconds=2.0), resolve=Names(["127.0.0.3"])).ask("POST", recipient_server.url, body=b"identifiers")
    assert recipient_server.asked == []


def test_a_host_that_nobody_knows_is_unreachable() -> None:
    with pytest.raises(Unreachable) as caught:
        Web().ask("GET", "https://no-such-host.invalid/")
    assert caught.value.code == "web.unknown_host"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://",
        "https://user:secret@example.com/",
        "https://example.com/#a",
        "ftp://example.com",
        "https://example.com/a b",
        "https://h:99999/",
    ],
)
def test_an_address_that_is_not_plain_https_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputWrong) as caught:
        checked_url(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"[1]", b"null", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_object_is_no_answer(recipient_server: RecipientServer, body: bytes) -> None:
    recipient_server.answering = lambda _: Reply(200, body)
    with pytest.raises(NotVerified):
        _web(recipient_server).ask("GET", recipient_server.url).document()


def test_reaching_a_host_says_nothing_to_it(recipient_server: RecipientServer) -> None:
    _web(recipient_server).reach(recipient_server.url)
    assert recipient_server.asked == []


def test_a_file_of_authorities_that_is_none_is_named() -> None:
    with pytest.raises(InputWrong) as caught:
        Web("/nowhere/ca.pem", internal=True).ask("GET", "https://127.0.0.1/")
    assert "ca.pem" in caught.value.message


def test_proxies_of_the_environment_are_not_asked(recipient_server: RecipientServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9/")
    assert _web(recipient_server).ask("GET", recipient_server.url).status == 202
