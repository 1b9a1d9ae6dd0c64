"""What is connected from a page cannot be a way into what only this machine reaches, whatever a name or a URL says."""

import ipaddress
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.domain.errors import DsrError, InputWrong, NotAllowed, Unreachable
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.registry import open_driver
from dsr_engine.workflow.systems.addresses import judged, refuse
from dsr_engine.workflow.systems.health import told_by
from tests.servers.mariadb import MariadbServer
from tests.servers.names import Names
from tests.servers.postgres import PostgresServer

HOME = Path("/srv/dsr-home")
PUBLIC = "93.184.216.34"


def _system(url: str, driver: str = "sql", **settings: str) -> System:
    given = {key: Secret(value) for key, value in {"url": url, **settings}.items() if value}
    return System("shop", Manifest("shop", driver), given)


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "169.254.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "::", "fe80::1", "fe80::1%eth0", "ff02::1", "fd00:ec2::254", "::ffff:169.254.169.254", "::169.254.169.254"),
        *("64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),
    ],
)
def test_metadata_and_link_local_addresses_are_refused_whoever_says_that_it_is_inside(address: str) -> None:
    for is_inside in (True, False):
        with pytest.raises(NotAllowed) as refused:
            refuse(address, is_inside=is_inside)
        assert refused.value.code == "connect.never"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.9", "100.64.0.1", "::1", "fd12::1", "::ffff:10.0.0.1"])
def test_private_addresses_are_for_whoever_says_so(address: str) -> None:
    refuse(address, is_inside=True)
    with pytest.raises(NotAllowed) as refused:
        refuse(address, is_inside=False)
    assert refused.value.code == "connect.inside"


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_without_a_word_only_public_addresses_are_reached(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    try:
        refuse(str(address), is_inside=False)
    except NotAllowed:
        return
    assert not address.is_loopback
    assert not address.is_link_local
    assert not address.is_multicast
    mapped = getattr(address, "ipv4_mapped", None)
    assert (mapped or address).is_global


def test_every_address_of_a_name_is_judged() -> None:
    with pytest.raises(NotAllowed):
        judged(_system("postgresql://db.example.com/shop"), HOME, is_inside=True, resolve=Names([PUBLIC, "169.254.169.254"]))


@pytest.mark.parametrize(
    ("system", "setting"),
    [
        (_system("postgresql://dsr@db.example.com/shop?sslmode=verify-full"), "url"),
        (_system("mysql://dsr@db.example.com:3307/shop"), "url"),
        (_system("", "objectstore", bucket="lake", endpoint_url="http://s3.example.com"), "endpoint_url"),
    ],
)
def test_a_name_that_means_another_address_the_second_time_is_not_asked_again(system: System, setting: str) -> None:
    names = Names([PUBLIC], ["169.254.169.254"])
    reach = judged(system, HOME, is_inside=False, resolve=names)
    assert names.asked == 1
    assert PUBLIC in reach.system.setting(setting)
    assert reach.address == PUBLIC
    assert system.setting(setting) != reach.system.setting(setting)


def test_of_several_addresses_the_one_that_answers_is_taken() -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
        names = Names(["127.0.0.3", "127.0.0.2"])
        reach = judged(_system(f"postgresql://dsr@db.example.com:{port}/shop"), HOME, is_inside=True, resolve=names)
    assert reach.address == "127.0.0.2"


def test_postgresql_is_reached_at_the_judged_address_and_its_name_is_never_looked_up(postgres_server: PostgresServer, postgres_database: str) -> None:
    system = _system(f"postgresql://test@nobody-knows.invalid:{postgres_server.port}/{postgres_database}")
    assert [entry.is_fatal for entry in told_by(system, open_driver)] == [True]
    reach = judged(system, HOME, is_inside=True, resolve=Names(["127.0.0.1"]))
    assert not any(entry.is_fatal for entry in told_by(reach.system, open_driver))


def test_mariadb_is_reached_at_the_judged_address_and_its_name_is_never_looked_up(mariadb_server: MariadbServer, mariadb_database: str) -> None:
    system = _system(f"mysql://test:test@nobody-knows.invalid:{mariadb_server.port}/{mariadb_database}")
    reach = judged(system, HOME, is_inside=True, resolve=Names(["127.0.0.1"]))
    assert not any(entry.is_fatal for entry in told_by(reach.system, open_driver))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example.com/shop?host=169.254.169.254",
        "postgresql://db.example.com/shop?hostaddr=169.254.169.254",
        "postgresql://db.example.com/shop?service=other",
        "postgresql://db.example.com/shop?sslmode=require&host=/tmp",
        "mysql://db.example.com/shop?unix_socket=/run/mysqld.sock",
        "mysql://db.example.com/shop?read_default_file=/etc/passwd",
        "postgresql://one.example.com,169.254.169.254/shop",
        "postgresql:///shop",
        "postgresql://user@good.example.com\\@169.254.169.254/shop",
        "postgresql://user@good.example.com@169.254.169.254/shop",
        "postgresql+psycopg://db.example.com/shop",
        "postgresql+asyncpg://db.example.com/shop",
        "oracle://db.example.com/shop",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "gopher://db.example.com/shop",
        "postgresql://db.example.com/sh/op",
        "postgresql://db.example.com/shop#x",
        "postgresql://db.example.com/shop\n",
    ],
)
def test_urls_of_any_other_form_are_refused(url: str) -> None:
    with pytest.raises(DsrError) as refused:
        judged(_system(url), HOME, is_inside=True, resolve=Names([PUBLIC]))
    assert refused.value.code in ("connect.url", "connect.parameters")
    assert url.partition("://")[2] not in str(refused.value)


@given(st.text(max_size=60))
def test_no_url_leads_to_an_address_that_was_not_judged(text: str) -> None:
    for lead in ("postgresql://", "mysql://", "postgresql://u@", ""):
        names = Names([PUBLIC])
        try:
            reach = judged(_system(lead + text), HOME, is_inside=False, resolve=names)
        except DsrError:
            continue
        assert names.asked == 1
        assert reach.address == PUBLIC


@pytest.mark.parametrize(("driver", "url"), [("mailstore", "imaps://mail.example.com"), ("mailstore", "imap://mail.example.com:1143")])
def test_mail_servers_are_judged_and_met_by_name_under_tls(driver: str, url: str) -> None:
    assert judged(_system(url, driver), HOME, is_inside=False, resolve=Names([PUBLIC])).address == PUBLIC
    with pytest.raises(NotAllowed):
        judged(_system(url, driver), HOME, is_inside=True, resolve=Names(["169.254.169.254"]))
    with pytest.raises(InputWrong):
        judged(_system(f"{url}/../x", driver), HOME, is_inside=True, resolve=Names([PUBLIC]))


def test_a_name_that_nobody_knows_is_a_matter_for_later() -> None:
    def nobody(host: str, port: int) -> Sequence[str]:
        raise OSError

    with pytest.raises(Unreachable):
        judged(_system("postgresql://db.example.com/shop"), HOME, is_inside=True, resolve=nobody)


@pytest.mark.parametrize("settings", [{"bucket": "evil.example/x"}, {"bucket": "lake", "region": "evil.example/"}, {"bucket": "a/b"}])
def test_a_bucket_or_a_region_cannot_name_a_host(settings: dict[str, str]) -> None:
    with pytest.raises(InputWrong):
        judged(_system("", "objectstore", **settings), HOME, is_inside=True, resolve=Names([PUBLIC]))


def test_files_are_for_whoever_says_so_and_have_to_be_there(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "shop.db"
    (home / "keys").mkdir(parents=True)
    system = _system(f"sqlite:///{file}")
    with pytest.raises(InputWrong):
        judged(system, home, is_inside=True)
    file.touch()
    assert judged(system, home, is_inside=True).address == ""
    with pytest.raises(NotAllowed):
        judged(system, home, is_inside=False)
    (tmp_path / "link").symlink_to(home / "keys")
    for inside in (home, home / "keys", tmp_path, tmp_path / "link", Path("/")):
        with pytest.raises(NotAllowed) as refused:
            judged(_system(f"folder:{inside}", "objectstore"), home, is_inside=True)
        assert refused.value.code == "connect.own_files"
    for url in (f"sqlite:///{file}?mode=rw", "sqlite:///:memory:", "sqlite://", "sqlite:///file:x"):
        with pytest.raises(InputWrong):
            judged(_system(url), home, is_inside=True)


def _application(token_url: str) -> System:
    return _system("imaps://mail.example.com", "mailstore", token_url=token_url, client_id="app", client_secret="hush")


@pytest.mark.parametrize("host", ["169.254.169.254", "login.example.com", "127.0.0.1"])
def test_where_a_token_is_fetched_is_judged_like_the_mail_server(host: str) -> None:
    names = {"mail.example.com": PUBLIC, "login.example.com": "10.1.2.3"}
    with pytest.raises(NotAllowed):
        judged(_application(f"https://{host}/t"), HOME, is_inside=False, resolve=lambda name, _: [names.get(name, name)])


@pytest.mark.parametrize("url", ["https://a@10.1.2.3/t", "https://x/t?a=b", "https://x\\@10.1.2.3/", "ftp://x/t", "https://x/t#y", "https:x", "x"])
def test_an_address_for_tokens_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(InputWrong) as refused:
        judged(_application(url), HOME, is_inside=True, resolve=lambda *_: [PUBLIC])
    assert refused.value.code == "connect.url"


def test_microsofts_address_for_tokens_is_reached() -> None:
    asked: list[str] = []
    url = "https://login.microsoftonline.com/0a1b-TENANT/oauth2/v2.0/token"

    def resolve(name: str, _: int) -> Sequence[str]:
        asked.append(name)
        return [PUBLIC]

    judged(_application(url), HOME, is_inside=False, resolve=resolve)
    assert asked == ["login.microsoftonline.com", "mail.example.com"]
