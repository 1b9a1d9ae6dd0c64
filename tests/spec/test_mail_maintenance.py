"""The command with which a mail server forgets, and states of mail in policies: read as they are written, refused where they would do nothing."""

from collections.abc import Mapping
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
    ("when", "state", "right"),
    [
        ("system: mail", "flags: [Flagged]", "flagged"),
        ("collection: mail.INBOX", "flags: ['\\Seen']", "seen"),
        ("collection: 'ma*.*'", "sender_domain: ['@Partner.example']", "partner.example"),
        ("message: one_to_one", "flags: [Flagged]", "flagged"),
        ("category: mail.sender", "flags: [Flagged]", "flagged"),
    ],
)
def test_a_state_that_no_mail_can_have_is_refused_since_it_would_keep_nothing(tmp_path: Path, when: str, state: str, right: str) -> None:
    with pytest.raises(SpecWrong) as caught:
        _kept_while(tmp_path, when, state)
    assert f"ours.yaml:5:5: rules.0.keep.while.{state.partition(':')[0]}: no mail has this: write {right} " in str(caught.value)


def test_a_state_that_a_row_of_a_table_may_have_is_its_own(tmp_path: Path) -> None:
    assert _kept_while(tmp_path, "category: user", "flags: [VIP]") == {"flags": ("VIP",)}


def _kept_while(home: Path, when: str, state: str) -> Mapping[str, tuple[str, ...]]:
    write(
        home,
        systems="systems:\n  mail: {connector: imap, url: 'imaps://h', user: jane, password: '${P}'}\n  shop: {connector: sqlite, url: 'sqlite:///a.db'}\n",
        policies__ours="policy: ours\nowner: us\nregimes: [gdpr]\nrules:\n"
        f"  - {{name: a, when: {{{when}}}, keep: {{while: {{{state}}}}}, then: delete}}\n",
    )
    (rule,) = load_home(home, {"P": "x"}, allow_gaps=True).policies["ours"].rules
    assert rule.keep is not None
    return rule.keep.while_
