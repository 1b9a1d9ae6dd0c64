"""Tokens for programs: never wider than their maker, known by their digest only, and dead when they should be."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import Conflict, InputWrong, NotAllowed
from dsr_engine.domain.user import PERMISSIONS, Permission, Role
from dsr_engine.workflow.users.accounts import disable, enable, set_roles
from dsr_engine.workflow.users.tokens import MOST_TOKENS, Caller, caller_of, make_token, revoke_token
from tests.web.conftest import Doors

_READS = (Permission.CASE_READ, Permission.LEDGER_READ)


def _made(doors: Doors, permissions: tuple[Permission, ...] = _READS, days: int = 30, within: Caller | None = None) -> str:
    return make_token(doors.house, doors.user(Role.OFFICER), "report", permissions, days, within).reveal()


def _ids(doors: Doors) -> list[str]:
    with doors.house.store.snapshot() as tx:
        return [token.id for token in tx.api_tokens.of(doors.user(Role.OFFICER).id)]


def test_a_token_may_what_it_was_given_and_nothing_else(doors: Doors) -> None:
    caller = caller_of(doors.house, _made(doors))
    assert caller.user.name == "officer"
    assert caller.permissions == set(_READS)
    assert caller.may(Permission.CASE_READ)
    assert not caller.may(Permission.CASE_WRITE)


def test_a_token_has_a_form_that_scanners_find_and_its_text_is_nowhere_in_the_store(doors: Doors) -> None:
    text = _made(doors)
    assert re.fullmatch("dsr_[0-9a-f]{64}", text)
    doors.house.store.scrub()
    kept = b"".join(path.read_bytes() for path in doors.company.home.glob("dsr.db*"))
    assert text.encode() not in kept
    assert b"report" in kept


@pytest.mark.parametrize("role", Role)
def test_nobody_makes_a_token_that_may_more_than_they_may_themselves(doors: Doors, role: Role) -> None:
    for permission in Permission:
        if permission in PERMISSIONS[role]:
            continue
        with pytest.raises(NotAllowed, match="cannot do more than its maker"):
            make_token(doors.house, doors.user(role), "wide", (permission,), 1)


def test_a_token_made_with_a_token_is_no_wider_lives_no_longer_and_is_revoked_with_it(doors: Doors) -> None:
    first = caller_of(doors.house, _made(doors, days=10))
    with pytest.raises(NotAllowed, match="cannot do more"):
        _made(doors, (Permission.CASE_WRITE,), within=first)
    second = caller_of(doors.house, _made(doors, (Permission.CASE_READ,), days=300, within=first))
    third = _made(doors, (Permission.CASE_READ,), days=300, within=second)
    with pytest.raises(NotAllowed, match="cannot do more"):
        _made(doors, (Permission.LEDGER_READ,), within=second)
    doors.clock.at += timedelta(days=9)
    assert caller_of(doors.house, third).permissions == {Permission.CASE_READ}
    revoke_token(doors.house, doors.user(Role.OFFICER), first.token)
    with pytest.raises(NotAllowed, match="not valid"):
        caller_of(doors.house, third)
    with pytest.raises(NotAllowed, match="cannot do more"):
        _made(doors, (Permission.CASE_READ,), within=first)


def test_a_token_made_with_a_token_ends_with_it(doors: Doors) -> None:
    first = caller_of(doors.house, _made(doors, days=2))
    second = _made(doors, days=300, within=first)
    doors.clock.at += timedelta(days=2)
    with pytest.raises(NotAllowed):
        caller_of(doors.house, second)


def _disabled_for_a_while(doors: Doors) -> None:
    disable(doors.house, doors.user(Role.OFFICER).id, "tests")
    enable(doors.house, doors.user(Role.OFFICER).id, "tests")


_ENDS: dict[str, Callable[[Doors], None]] = {
    "ended": lambda doors: setattr(doors.clock, "at", doors.clock.at + timedelta(days=30)),
    "revoked": lambda doors: revoke_token(doors.house, doors.user(Role.OFFICER), _ids(doors)[0]),
    "disabled": lambda doors: disable(doors.house, doors.user(Role.OFFICER).id, "tests"),
    "enabled again": _disabled_for_a_while,
}


@pytest.mark.parametrize("end", _ENDS)
def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(doors: Doors, end: str) -> None:
    token = _made(doors)
    answers = []
    _ENDS[end](doors)
    for wrong in (token, "dsr_" + "0" * 64, "", "x" * 10_000, token + "\0", "\ud800"):
        with pytest.raises(NotAllowed) as refused:
            caller_of(doors.house, wrong)
        answers.append((refused.value.code, str(refused.value)))
    assert set(answers) == {("token.wrong", answers[0][1])}


def test_a_token_loses_what_its_user_loses(doors: Doors) -> None:
    token = _made(doors, (Permission.CASE_READ, Permission.CASE_WRITE))
    set_roles(doors.house, doors.user(Role.OFFICER).id, [Role.AUDITOR], "tests")
    assert caller_of(doors.house, token).permissions == {Permission.CASE_READ}


@given(days=st.one_of(st.integers(max_value=0), st.integers(min_value=366)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_token_lives_a_year_at_most(doors: Doors, days: int) -> None:
    with pytest.raises(InputWrong, match="1 to 365 days"):
        _made(doors, days=days)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\nb\0"])
def test_a_token_needs_a_name_and_a_permission(doors: Doors, name: str) -> None:
    with pytest.raises(InputWrong):
        make_token(doors.house, doors.user(Role.OFFICER), name, _READS, 1)
    with pytest.raises(InputWrong, match="can do nothing"):
        make_token(doors.house, doors.user(Role.OFFICER), "report", (), 1)


def test_nobody_hoards_tokens(doors: Doors) -> None:
    for _ in range(MOST_TOKENS):
        _made(doors, days=1)
    with pytest.raises(Conflict, match="already"):
        _made(doors)
    doors.clock.at += timedelta(days=1)
    _made(doors)


def test_nobody_revokes_the_token_of_somebody_else(doors: Doors) -> None:
    token = _made(doors)
    with pytest.raises(InputWrong, match="no such token"):
        revoke_token(doors.house, doors.user(Role.APPROVER), _ids(doors)[0])
    assert caller_of(doors.house, token)


def test_the_use_of_a_token_is_noted_by_the_hour(doors: Doors) -> None:
    token = _made(doors)
    begun = doors.clock.at
    noted = []
    for minutes in (0, 30, 60):
        doors.clock.at = begun + timedelta(minutes=minutes)
        caller = caller_of(doors.house, token)
        with doors.house.store.snapshot() as tx:
            found = tx.api_tokens.get(caller.token)
        assert found is not None
        noted.append(found.used_at)
    assert noted == [begun, begun, begun + timedelta(minutes=60)]
