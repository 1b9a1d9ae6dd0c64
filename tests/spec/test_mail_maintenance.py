"""The command with which a mail server forgets, and states of mail in policies: read as they are written, refused where they would do nothing."""

from pathlib import Path

import pytest

from dsr_engine.domain.system import System
from dsr_engine.spec.home import load_home
from dsr_engine.spec.problems import SpecWrong
from tests.spec.files import write

_MAIL = '{connector: imap, url: "imaps://h", user: jane, password: "${P}", '


def system_of(home: Path, entry: str) -> System:
    write(home, systems=f"systems:\n  mail: {entry}\n")
    return load_home(home, {"P": "x"}).systems["mail"]


def problems(home: Path, entry: str) -> str:
    with pytest.raises(SpecWrong) as caught:
        system_of(home, entry)
    return "\n".join(map(str, caught.value.problems))


def test_a_command_is_a_list_of_words_and_is_only_run_where_the_system_says_so(tmp_path: Path) -> None:
    command = 'maintenance_command: [sudo, doveadm, "{arguments}"]}'
    plain, running = (system_of(tmp_path, _MAIL + more + command) for more in ("", "maintenance: run, "))
    assert (plain.maintenance, running.maintenance) == ("print", "run")
    assert plain.maintenance_command == running.maintenance_command == ("sudo", "doveadm", "{arguments}")
    assert system_of(tmp_path, '{connector: imap, url: "imaps://h", user: jane, password: "${P}"}').maintenance_command == ()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (_MAIL + "maintenance: run}", "`run` needs a `maintenance_command`"),
        ('{connector: sqlite, url: "sqlite:///a.db", maintenance_command: [x]}', "kept for mail only, and this is the sql driver"),
        ('{connector: folder, url: "folder:x", maintenance_command: [x]}', "kept for mail only, and this is the objectstore driver"),
        ('{connector: folder, url: "folder:x", maintenance: run}', "kept for databases only"),
        (_MAIL + "maintenance_command: [a, [b]]}", "maintenance_command"),
        (_MAIL + "maintenance_command: doveadm purge}", "maintenance_command"),
    ],
)
def test_a_command_that_would_not_be_run_is_refused(tmp_path: Path, entry: str, expected: str) -> None:
    assert expected in problems(tmp_path, entry)


@pytest.mark.parametrize(
    ("state", "right"), [("flags: [Flagged]", "flagged"), ("flags: ['\\Seen']", "seen"), ("sender_domain: ['@Partner.example']", "partner.example")]
)
def test_a_state_that_no_mail_can_have_is_refused_since_it_would_keep_nothing(tmp_path: Path, state: str, right: str) -> None:
    rule = f"  - {{name: a, when: {{system: mail}}, keep: {{while: {{{state}}}}}, then: delete}}\n"
    write(
        tmp_path,
        systems="systems:\n  mail: {connector: imap, url: 'imaps://h', user: jane, password: '${P}'}\n",
        policies__ours=f"policy: ours\nowner: us\nregimes: [gdpr]\nrules:\n{rule}",
    )
    with pytest.raises(SpecWrong) as caught:
        load_home(tmp_path, {"P": "x"}, allow_gaps=True)
    assert f"no mail has this: write {right} " in str(caught.value)
