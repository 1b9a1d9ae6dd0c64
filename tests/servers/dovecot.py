"""Dovecot as a real IMAP server: STARTTLS and IMAPS with a certificate of its own, mail in Maildirs that tests may look into."""

import contextlib
import getpass
import imaplib
import itertools
import os
import pwd
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers.lifecycle import free_port, missing, program, server_folder, stop, wait_until

_INSTALL = "apt-get install dovecot-imapd openssl"

#: Made beforehand: Dovecot looks for changes of its users file once a second only.
_NEW_USERS = tuple(f"user{number}" for number in range(1000))

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
instance_name = {instance}
log_path = {folder}/server.log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/tls.crt
ssl_key = <{folder}/tls.key
ssl_min_protocol = TLSv1.2
auth_mechanisms = plain login
auth_master_user_separator = *
auth_failure_delay = 0
auth_cache_size = 0
default_internal_user = {internal_user}
default_login_user = {login_user}
mail_uid = {mail_user}
mail_gid = {mail_group}
first_valid_uid = 1
first_valid_gid = 1
mail_home = {folder}/mail/%u
mail_location = maildir:~/Maildir
mail_max_userip_connections = 100
mail_fsync = never
shutdown_clients = yes
mail_plugins = acl
plugin {{
  acl = vfile
  acl_user = %u
}}
passdb {{
  driver = passwd-file
  args = {folder}/masters
  master = yes
  result_success = continue
}}
passdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 256
  client_limit = 1
}}
service anvil {{
  chroot =
}}
"""


@dataclass(frozen=True, slots=True)
class DovecotServer:
    """A running server. Users `alice@example.test`, `bob@…` and `carol@…` have the password `pw-NAME`; so has every new one."""

    folder: Path
    port: int
    tls_port: int
    mail_user: str
    _count: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def certificate(self) -> Path:
        return self.folder / "tls.crt"

    def new_user(self) -> tuple[str, str]:
        """A name and a password of somebody whose mailbox is still empty, so that tests do not see each other's mail."""
        name = f"user{next(self._count)}"
        assert name in _NEW_USERS, "the fixture has too few users"
        return f"{name}@example.test", f"pw-{name}"

    def maildir(self, user: str) -> Path:
        """The user's Maildir on disk; made by the server at the first login."""
        return self.folder / "mail" / user / "Maildir"

    def grant(self, user: str, folder: str, rights: str) -> None:
        """Limits what the owner may do in a folder (letters of RFC 4314)."""
        (self.maildir(user) / f".{folder}" / "dovecot-acl").write_text(f"owner {rights}\n")

    def renumber(self, user: str, folder: str, validity: int = 1234567890) -> None:
        """Gives a folder another UIDVALIDITY and all mails in it new UIDs, as a rebuilt or restored mailbox has."""
        doveadm = program("doveadm", install=_INSTALL)
        command = [doveadm, "-c", str(self.folder / "dovecot.conf"), "mailbox", "update", "-u", user, "--uid-validity", str(validity), folder]
        subprocess.run(command, check=True, capture_output=True)

    def login(self, user: str, password: str) -> imaplib.IMAP4_SSL:
        """A client of the standard library, to look with other eyes than the engine's."""
        client = imaplib.IMAP4_SSL("127.0.0.1", self.tls_port, ssl_context=ssl.create_default_context(cafile=str(self.certificate)))
        client.login(user, password)
        return client


@pytest.fixture(scope="session")
def dovecot() -> Iterator[DovecotServer]:
    with running() as server:
        yield server


def plugin(name: str, *, install: str) -> None:
    """Skips the test where a plugin of Dovecot's is not installed."""
    places = ("usr/lib/dovecot/modules", "usr/lib64/dovecot", "usr/libexec/dovecot")
    if not any(found for place in places for found in Path("/", place).glob(f"lib*_{name}_plugin.so")):
        missing(f"the plugin {name} of Dovecot", install)


@contextlib.contextmanager
def running(*changes: tuple[str, str]) -> Iterator[DovecotServer]:
    """A server of its own, with these lines of its configuration replaced by others."""
    binary = program("dovecot", install=_INSTALL, extra=("/usr/sbin/dovecot",))
    mail_user = "nobody" if os.geteuid() == 0 else getpass.getuser()
    with server_folder() as folder:
        server = DovecotServer(folder, free_port(), free_port(), mail_user)
        _configure(server)
        configuration = (folder / "dovecot.conf").read_text()
        for old, new in changes:
            assert old in configuration
            configuration = configuration.replace(old, new)
        (folder / "dovecot.conf").write_text(configuration)
        log = folder / "server.log"
        with (folder / "stdout.log").open("wb") as sink:
            process = subprocess.Popen([binary, "-F", "-c", str(folder / "dovecot.conf")], stdout=sink, stderr=subprocess.STDOUT)
        log.touch()
        try:
            wait_until(lambda: _is_ready(server), process, log)
            yield server
        finally:
            stop(process)


def _configure(server: DovecotServer) -> None:
    folder = server.folder
    account = pwd.getpwnam(server.mail_user)
    is_root = os.geteuid() == 0
    for name in ("mail", "run", "state"):
        (folder / name).mkdir(mode=0o755)
    if is_root:
        shutil.chown(folder / "mail", account.pw_uid, account.pw_gid)
    _make_certificate(folder)
    (folder / "users").write_text("".join(_user_line(name) for name in ("alice", "bob", "carol", *_NEW_USERS)))
    (folder / "masters").write_text("svc-erase:{PLAIN}master-secret::::::\n")
    (folder / "dovecot.conf").write_text(
        _CONFIGURATION.format(
            folder=folder,
            instance=f"dsr{server.port}",
            port=server.port,
            tls_port=server.tls_port,
            mail_user=account.pw_uid,
            mail_group=account.pw_gid,
            internal_user="dovecot" if is_root else server.mail_user,
            login_user="dovenull" if is_root else server.mail_user,
        )
    )


def _user_line(name: str) -> str:
    return f"{name}@example.test:{{PLAIN}}pw-{name}::::::\n"


def _make_certificate(folder: Path) -> None:
    openssl = program("openssl", install=_INSTALL)
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    files = ["-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)


def _is_ready(server: DovecotServer) -> bool:
    server.login("alice@example.test", "pw-alice").logout()
    return True
