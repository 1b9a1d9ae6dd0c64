"""Who there is: from a list, a file, a command, a real directory, a disk; and never a part of the answer for the whole."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.domain.errors import DsrError, InputWrong, ManifestWrong, NotAllowed, NotSupported, Unreachable
from dsr_engine.drivers.mailstore import enumerating
from dsr_engine.drivers.mailstore.enumerating import Mailboxes, enumerated, source_of
from dsr_engine.drivers.mailstore.mailbox_paths import listed, path_of
from tests.servers.lifecycle import free_port
from tests.servers.openldap import BASE, PEOPLE, Openldap


def _nobody() -> Sequence[str]:
    raise AssertionError("the disk was asked")


def _who(**said: object) -> Mailboxes:
    return enumerated(source_of(json.dumps(said)), _nobody)


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


# --- lists and files -------------------------------------------------------------------------------------------------


def test_a_list_is_taken_in_order_and_once() -> None:
    assert _who(names=["bob@b", " ann@a ", "bob@b"]).names == ("ann@a", "bob@b")


def test_whom_except_names_is_left_out_whatever_the_case_and_counted() -> None:
    found = _who(names=["ann@a", "bob@b", "Bob@B"], **{"except": ["BOB@*", "cy@c"]})
    assert (found.names, found.left_out, found.idle) == (("ann@a",), 2, ("cy@c",))
    assert found.listed == {"ann@a", "bob@b", "Bob@B"}


def test_a_file_has_one_name_in_each_line(tmp_path: Path) -> None:
    file = tmp_path / "users.txt"
    file.write_bytes("\ufeffann@a\r\n# who left\r\n\r\n  bob@b  \nj\u00f6rg@c\n".encode())
    assert _who(file=str(file)).names == ("ann@a", "bob@b", "j\u00f6rg@c")


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_file_may_be_a_table_whose_column_is_named(tmp_path: Path, sign: str) -> None:
    file = tmp_path / "users.csv"
    file.write_text(f'name{sign}mail{sign}room\n"Roe{sign} Ann"{sign}ann@a{sign}1\nBob{sign}bob@b{sign}2\n\n')
    assert _who(file=str(file), column="mail").names == ("ann@a", "bob@b")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name,mail\nAnn,ann@a\nBob\n", "1 rows"),
        ("name,mail\nAnn,ann@a\nBob,\n", "1 rows"),
        ("name,address\nAnn,ann@a\n", "no such column"),
        ("mail,mail\nann@a,bob@b\n", "has it twice"),
        ("", "no such column"),
    ],
)
def test_a_table_that_does_not_name_everybody_is_refused(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "users.csv"
    file.write_text(content)
    with pytest.raises(InputWrong, match=said):
        _who(file=str(file), column="mail")


def test_a_file_that_cannot_be_read_is_an_error_and_nobody_s_name_is_in_it(tmp_path: Path) -> None:
    with pytest.raises(InputWrong, match="cannot be read"):
        _who(file=str(tmp_path / "jane-roe.txt"))
    (tmp_path / "latin").write_bytes(b"j\xf6rg@c\n")
    with pytest.raises(InputWrong, match="not UTF-8") as caught:
        _who(file=str(tmp_path / "latin"))
    assert "rg@c" not in str(caught.value)


@pytest.mark.parametrize("content", ["ann@a\nbob\x00@b\n", "x" * 400 + "\n", "ann@a\n\x1b[2J@b\n"])
def test_what_is_no_name_of_a_mailbox_fails_the_whole(tmp_path: Path, content: str) -> None:
    file = tmp_path / "users.txt"
    file.write_text(content)
    with pytest.raises(InputWrong, match="no name of a mailbox"):
        _who(file=str(file))


def test_an_empty_answer_is_an_error() -> None:
    with pytest.raises(ManifestWrong, match="no mailbox to search") as caught:
        _who(command=_python("pass"))
    assert caught.value.code == enumerating.EMPTY


# --- commands --------------------------------------------------------------------------------------------------------


def test_a_command_is_run_without_a_shell() -> None:
    printed = "import sys; print('\\n'.join(sys.argv[1:]))"
    assert _who(command=[*_python(printed), "*", "$HOME", "a b"]).names == ("$HOME", "*", "a b")


def test_a_command_that_fails_is_an_error_also_when_it_has_listed_some() -> None:
    with pytest.raises(Unreachable, match="exit code 3") as caught:
        _who(command=_python("import sys; print('ann@a'); sys.stderr.write('jane.roe@x'); sys.exit(3)"))
    assert "jane" not in str(caught.value)
    with pytest.raises(InputWrong, match="cannot be run"):
        _who(command=["/no/such/doveadm", "user", "*"])


def test_a_command_that_hangs_or_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enumerating, "_SECONDS", 0.3)
    with pytest.raises(Unreachable, match="took longer"):
        _who(command=_python("import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"))
    monkeypatch.setattr(enumerating, "_SECONDS", 60)
    monkeypatch.setattr(enumerating, "_BYTES", 10_000)
    with pytest.raises(InputWrong, match="longer than 10,000 bytes"):
        _who(command=_python("while True: print('ann@a')"))


# --- a directory -----------------------------------------------------------------------------------------------------


def _ldap(server: Openldap, **more: str) -> dict[str, str]:
    plain = {
        "url": f"ldaps://127.0.0.1:{server.tls_port}",
        "base": f"ou=people,{BASE}",
        "filter": "(mail=*)",
        "attribute": "mail",
        "user": f"cn=reader,{BASE}",
        "password": "reader-secret",
        "ca_file": str(server.certificate),
    }
    return {name: text for name, text in {**plain, **more}.items() if text}


def test_a_directory_is_read_page_by_page_to_its_end(openldap: Openldap) -> None:
    found = _who(ldap=_ldap(openldap), **{"except": ["user7@*"]})
    assert len(found.names) == PEOPLE - 1
    assert "user1202@example.test" in found.names
    assert "user7@example.test" not in found.names


def test_a_directory_is_encrypted_before_anything_is_said(openldap: Openldap) -> None:
    assert len(_who(ldap=_ldap(openldap, url=f"ldap://127.0.0.1:{openldap.port}")).names) == PEOPLE
    for url in (f"ldaps://127.0.0.1:{openldap.tls_port}", f"ldap://127.0.0.1:{openldap.port}"):
        with pytest.raises(NotAllowed, match="certificate is not trusted"):
            _who(ldap=_ldap(openldap, url=url, ca_file=""))
    assert len(_who(ldap=_ldap(openldap, url=f"ldap://127.0.0.1:{openldap.port}", tls="off")).names) == PEOPLE
    with pytest.raises(InputWrong, match="without encryption over the network"):
        _who(ldap=_ldap(openldap, url="ldap://ldap.example.com", tls="off"))


def test_a_certificate_for_another_name_is_not_trusted(openldap: Openldap) -> None:
    with pytest.raises(NotAllowed, match="certificate is not trusted"):
        _who(ldap=_ldap(openldap, url=f"ldaps://127.0.0.2:{openldap.tls_port}"))


def test_a_limit_of_the_directory_is_no_end_of_its_answer(openldap: Openldap) -> None:
    with pytest.raises(Unreachable, match="not answer wholly"):
        _who(ldap=_ldap(openldap, user=f"cn=limited,{BASE}", password="limited-secret"))


def test_an_entry_without_the_attribute_is_not_left_out_in_silence(openldap: Openldap) -> None:
    with pytest.raises(ManifestWrong, match="1 entries of the directory have no such attribute"):
        _who(ldap=_ldap(openldap, filter="(objectClass=inetOrgPerson)"))
    assert len(_who(ldap=_ldap(openldap, filter="(objectClass=inetOrgPerson)", attribute="UID")).names) == PEOPLE + 1


def test_a_reference_to_another_server_is_not_passed_over(openldap: Openldap) -> None:
    with pytest.raises(NotSupported, match="refers to another server"):
        _who(ldap=_ldap(openldap, base=BASE))


@pytest.mark.parametrize(
    ("more", "family"),
    [
        ({"password": "wrong"}, NotAllowed),
        ({"password": ""}, InputWrong),
        ({"user": "", "password": ""}, DsrError),
        ({"base": f"ou=nowhere,{BASE}"}, ManifestWrong),
        ({"filter": "(mail=*"}, InputWrong),
        ({"filter": "(uid=nobody-at-all)"}, ManifestWrong),
        ({"url": "http://127.0.0.1"}, InputWrong),
        ({"url": "ldaps://169.254.169.254"}, NotAllowed),
        ({"ca_file": "/no/such.pem"}, InputWrong),
    ],
)
def test_what_is_wrong_with_a_directory_is_said_and_is_no_empty_list(openldap: Openldap, more: dict[str, str], family: type[DsrError]) -> None:
    with pytest.raises(family) as caught:
        _who(ldap=_ldap(openldap, **more))
    assert "secret" not in str(caught.value)


def test_a_directory_that_is_down_is_tried_later(openldap: Openldap) -> None:
    with pytest.raises(Unreachable):
        _who(ldap=_ldap(openldap, url=f"ldaps://127.0.0.1:{free_port()}"))


# --- paths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("%d/%n/Maildir", "ann@a.example"),
        ("%u", "ann@a.example"),
        ("%d/%u-mail", "ann@a.example"),
        ("%n", "ann"),
        ("box-%n.d/100%%", "ann"),
    ],
)
def test_a_path_is_found_again_by_its_pattern(tmp_path: Path, pattern: str, name: str) -> None:
    whole = str(tmp_path / pattern)
    path_of(whole, name).mkdir(parents=True)
    assert listed(whole) == [name]


def test_a_place_that_contradicts_itself_is_nobody_s(tmp_path: Path) -> None:
    (tmp_path / "a.example" / "ann@b.example").mkdir(parents=True)
    (tmp_path / "b.example" / "bob@b.example").mkdir(parents=True)
    assert listed(str(tmp_path / "%d" / "%n@%d")) == ["bob@b.example"]


def test_a_pattern_that_names_nobody_or_has_other_variables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputWrong, match="whose mailbox it is"):
        listed(str(tmp_path / "%d"))
    with pytest.raises(InputWrong, match="a variable that is not known"):
        path_of(str(tmp_path / "%h" / "%u"), "ann@a")


@given(st.text(min_size=1, max_size=40))
def test_no_name_leads_out_of_its_pattern(name: str) -> None:
    try:
        path = path_of("/var/mail/%d/%n/Maildir", name)
    except InputWrong:
        return
    assert path.parts[:3] == ("/", "var", "mail")
    assert len(path.parts) == 6
    assert ".." not in path.parts
