"""OpenLDAP as a real directory: LDAPS and StartTLS with a certificate of its own, and more people than one page or a plain limit brings."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.lifecycle import free_port, program, server_folder, stop, wait_until

_INSTALL = "apt-get install slapd ldap-utils openssl"
_SCHEMAS = Path("/etc/ldap/schema")

#: People with one address each; the pages of the engine have 500 entries.
PEOPLE = 1_203
BASE = "dc=example,dc=test"

_CONFIGURATION = """
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
pidfile {folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {folder}/tls.crt
TLSCertificateKeyFile {folder}/tls.key
sizelimit 500
database mdb
suffix "{base}"
rootdn "cn=root,{base}"
rootpw root-secret
directory {folder}/data
maxsize 67108864
limits dn.exact="cn=reader,{base}" size=unlimited
limits dn.exact="cn=limited,{base}" size=500 size.prtotal=500
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="ou=closed,{base}" by * none
access to * by dn.exact="cn=reader,{base}" read by dn.exact="cn=limited,{base}" read by * none
"""


@dataclass(frozen=True, slots=True)
class Openldap:
    """A running directory. `cn=reader,…` (password `reader-secret`) may read all people, `cn=limited,…` (`limited-secret`) 500 of them."""

    folder: Path
    port: int
    tls_port: int

    @property
    def certificate(self) -> Path:
        return self.folder / "tls.crt"


def _people() -> str:
    entries = [
        f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n",
        *(f"dn: ou={name},{BASE}\nobjectClass: organizationalUnit\nou: {name}\n" for name in ("people", "closed", "elsewhere")),
        *(
            f"dn: cn={name},{BASE}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: {name}\nuserPassword: {name}-secret\n"
            for name in ("reader", "limited")
        ),
        *(_person(f"user{number}", f"mail: user{number}@example.test\n") for number in range(PEOPLE)),
        _person("robot", ""),
        f"dn: ou=away,ou=elsewhere,{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\nou: away\nref: ldap://other.example/{BASE}\n",
    ]
    return "\n".join(entries)


def _person(uid: str, more: str) -> str:
    return f"dn: uid={uid},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n{more}"


@pytest.fixture(scope="session")
def openldap() -> Iterator[Openldap]:
    slapd = program("slapd", install=_INSTALL, extra=("/usr/sbin/slapd",))
    slapadd = program("slapadd", install=_INSTALL, extra=("/usr/sbin/slapadd",))
    with server_folder() as folder:
        server = Openldap(folder, free_port(), free_port())
        _make_certificate(folder)
        (folder / "data").mkdir()
        (folder / "slapd.conf").write_text(_CONFIGURATION.format(schemas=_SCHEMAS, folder=folder, base=BASE))
        (folder / "people.ldif").write_text(_people())
        subprocess.run([slapadd, "-q", "-f", "slapd.conf", "-l", "people.ldif"], cwd=folder, check=True, capture_output=True)
        log = folder / "server.log"
        with log.open("wb") as sink:
            urls = f"ldap://127.0.0.1:{server.port} ldaps://127.0.0.1:{server.tls_port} ldaps://127.0.0.2:{server.tls_port}"
            process = subprocess.Popen([slapd, "-d", "0", "-f", str(folder / "slapd.conf"), "-h", urls], stdout=sink, stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: _is_ready(server), process, log)
            yield server
        finally:
            stop(process)


def _make_certificate(folder: Path) -> None:
    openssl = program("openssl", install=_INSTALL)
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run([*command, *names, "-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")], check=True, capture_output=True)


def _is_ready(server: Openldap) -> bool:
    ldapwhoami = program("ldapwhoami", install=_INSTALL)
    told = subprocess.run(
        [ldapwhoami, "-H", f"ldaps://127.0.0.1:{server.tls_port}", "-x", "-D", f"cn=reader,{BASE}", "-w", "reader-secret"],
        env={**os.environ, "LDAPTLS_CACERT": str(server.certificate)},
        capture_output=True,
        check=False,
    )
    return told.returncode == 0
