"""Calls of the API: who may call what, that each act is done once, and that nothing of a person comes back or stays behind."""

import json
import logging
from datetime import timedelta

import pytest

from dsr_engine.domain.user import Permission, Role
from dsr_engine.web.api.callers import API_MARK
from dsr_engine.web.api.docs import NOUNS
from dsr_engine.web.api.keys import KEPT_FOR
from dsr_engine.workflow.users.accounts import disable
from dsr_engine.workflow.users.tending import end_old_access
from dsr_engine.workflow.users.tokens import caller_of
from tests.web.api.calling import Program, code_of, program
from tests.web.conftest import Doors
from tests.workflow.company import EMAIL
from tests.workflow.journeys import carried_through, ledger_of, opened_for, planned

_PERSON = {"identifiers": [{"kind": "email", "value": EMAIL}]}


def _case_of(caller: Program, body: object = None) -> str:
    answer = caller.post("/cases", body or _PERSON)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    assert answer.json is not None
    return str(answer.json["case"])


# --- who may call ------------------------------------------------------------------------------------------------------------------


def test_every_operation_names_a_permission_and_lets_in_nobody_without_it(doors: Doors) -> None:
    names = {f"api-{noun.name}" for noun in NOUNS}
    rules = [rule for rule in doors.app.url_map.iter_rules() if rule.endpoint.partition(".")[0] in names]
    assert len(rules) > 35
    poor = {each: program(doors, permissions=[each]) for each in (Permission.CASE_READ, Permission.SYSTEM_READ)}
    for rule in rules:
        needed = getattr(doors.app.view_functions[rule.endpoint], API_MARK)
        assert isinstance(needed, Permission), rule.rule
        caller = poor[Permission.SYSTEM_READ if needed is Permission.CASE_READ else Permission.CASE_READ]
        path = rule.rule.removeprefix("/api/v1").replace("<case_id>", "abc").replace("<hold_id>", "abc").replace("<name>", "shop")
        path = path.replace("<int(max=9007199254740991):serial>", "1").replace("<int(max=9007199254740991):index>", "1")
        answer = caller.post(path) if "POST" in (rule.methods or ()) else caller.get(path)
        assert (answer.status_code, code_of(answer)) == (403, "token.permission"), rule.rule
        visitor = doors.visitor().client.open(rule.rule.replace("<", "").replace(">", ""), method=next(iter(rule.methods or ())))
        assert visitor.status_code in (401, 404), rule.rule


def test_a_session_of_a_browser_is_nobody_here(doors: Doors) -> None:
    answer = doors.signed_in(Role.OFFICER).client.get("/api/v1/cases")
    assert (answer.status_code, code_of(answer)) == (401, "token.wrong")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_dies_with_its_account(doors: Doors) -> None:
    caller = program(doors)
    assert caller.get("/cases").status_code == 200
    disable(doors.house, doors.user(Role.OFFICER).id, "tests")
    assert caller.get("/cases").status_code == 401


def test_nobody_approves_with_a_token(doors: Doors) -> None:
    case = planned(doors.house)
    approver = program(doors, Role.APPROVER)
    plan = approver.get(f"/cases/{case.id}/plan").json
    assert plan is not None
    answer = approver.post(f"/cases/{case.id}/approvals", {"digest": plan["digest"]})
    assert (answer.status_code, code_of(answer)) == (403, "approval.second_factor")
    approvals = approver.get(f"/cases/{case.id}/approvals").json
    assert approvals == {"approvals": []}


def test_too_many_calls_are_slowed_down_for_a_minute(doors: Doors) -> None:
    settings = doors.company.home / "dsr.toml"
    settings.write_text(f"{settings.read_text()}\n[web]\ncalls_per_minute = 30\n")
    caller, other = program(doors), program(doors, name="somebody else")
    answers = [caller.get("/systems").status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
    assert caller.get("/systems").headers["Retry-After"] == "60"
    assert other.get("/systems").status_code == 200
    doors.clock.at += timedelta(minutes=1)
    assert caller.get("/systems").status_code == 200


# --- once only ---------------------------------------------------------------------------------------------------------------------


def test_the_same_call_is_done_once_and_answered_the_same_for_a_day(doors: Doors) -> None:
    caller = program(doors)
    first, second = caller.post("/cases", _PERSON, "first-try-1"), caller.post("/cases", _PERSON, "first-try-1")
    assert first.json == second.json
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert first.headers["Location"] == second.headers["Location"]
    assert len([kind for kind, _ in ledger_of(doors.house) if kind == "case.opened"]) == 1
    doors.clock.at += KEPT_FOR
    assert caller.post("/cases", _PERSON, "first-try-1").json != first.json


def test_a_key_is_good_for_one_call_of_one_token(doors: Doors) -> None:
    caller = program(doors)
    caller.post("/cases", _PERSON, "first-try-1")
    other = caller.post("/cases", {"identifiers": [{"kind": "email", "value": "b@example.org"}]}, "first-try-1")
    assert (other.status_code, code_of(other)) == (422, "idempotency.other_request")
    assert program(doors, name="somebody").post("/cases", _PERSON, "first-try-1").status_code == 201
    missing = caller.client.post("/api/v1/cases", json=_PERSON, headers={"Authorization": f"Bearer {caller.token}"})
    assert (missing.status_code, code_of(missing)) == (400, "idempotency.key")


def test_a_call_that_was_cut_off_is_not_done_again_by_itself(doors: Doors) -> None:
    caller = program(doors)
    digest = _begun(doors, caller, "was-cut-off")
    assert digest
    running = caller.post("/cases", _PERSON, "was-cut-off")
    assert (running.status_code, code_of(running)) == (409, "idempotency.running")
    doors.clock.at += timedelta(minutes=6)
    assert code_of(caller.post("/cases", _PERSON, "was-cut-off")) == "idempotency.cut_off"


def _begun(doors: Doors, caller: Program, key: str) -> bytes:
    """What the store knows of a call whose process was killed before it answered."""
    body = json.dumps(_PERSON).encode()
    web_key = doors.house.store.web_key
    digest = web_key.digest("api key", f"{caller_of(doors.house, caller.token).token}\n{key}")
    fingerprint = web_key.digest("api call", "\n".join(("POST", "/api/v1/cases", body.hex())))
    now = doors.house.clock.now()
    with doors.house.store.transaction() as tx:
        assert tx.idempotency.begin(digest, fingerprint, now, now + KEPT_FOR) is None
    return digest


def test_what_was_answered_is_forgotten_when_its_day_is_over(doors: Doors) -> None:
    caller = program(doors)
    assert caller.post("/cases", _PERSON, "first-try-1").status_code == 201

    def kept() -> int:
        with doors.house.store.transaction() as tx:
            return tx.idempotency.end_old(doors.clock.now() + KEPT_FOR)

    doors.clock.at += KEPT_FOR - timedelta(seconds=1)
    list(end_old_access(doors.house))
    doors.clock.at += timedelta(seconds=1)
    list(end_old_access(doors.house))
    assert kept() == 0
    assert caller.post("/cases", _PERSON, "another-try").status_code == 201
    assert kept() == 1


def test_a_call_decides_one_thing(doors: Doors) -> None:
    caller = program(doors)
    case = _case_of(caller)
    for body in ({}, {"same_person": True, "go_on": True}, {"go_on": True, "findings": [{"finding": "0" * 32, "verdict": "theirs"}]}):
        answer = caller.post(f"/cases/{case}/decide", body)
        assert (answer.status_code, code_of(answer)) == (400, "option.decide")


def test_a_refusal_that_changes_nothing_frees_its_key(doors: Doors) -> None:
    caller = program(doors)
    case = _case_of(caller)
    tag = caller.get(f"/cases/{case}").headers["ETag"]
    answer = caller.post(f"/cases/{case}/withdraw", {}, "withdraw-1", If_Match='"older"')
    assert (answer.status_code, code_of(answer)) == (412, "etag.changed")
    answer = caller.post(f"/cases/{case}/withdraw", {}, "withdraw-1", If_Match=tag)
    assert answer.json is not None
    assert answer.json["outcome"] == "withdrawn"


# --- what is told ------------------------------------------------------------------------------------------------------------------


def test_an_unchanged_thing_is_not_sent_again(doors: Doors) -> None:
    caller = program(doors)
    tag = caller.get("/systems").headers["ETag"]
    assert caller.get("/systems", If_None_Match=tag).status_code == 304
    assert caller.get("/systems", If_None_Match='"other"').status_code == 200


def test_a_list_is_walked_page_by_page_while_cases_are_opened(doors: Doors) -> None:
    caller = program(doors)
    made = []
    for number in range(5):
        doors.clock.at += timedelta(seconds=1)
        made.append(_case_of(caller, {"identifiers": [{"kind": "email", "value": f"somebody{number}@example.org"}]}))
    page = caller.get("/cases?limit=2").json
    seen = []
    while page is not None and page["cases"]:
        seen += [case["case"] for case in page["cases"]]
        doors.clock.at += timedelta(seconds=1)
        _case_of(caller, {"identifiers": [{"kind": "email", "value": f"later{len(seen)}@example.org"}]})
        if page["next"] is None:
            break
        page = caller.get(f"/cases?limit=2&cursor={page['next']}").json
    assert seen == made[::-1]
    for wrong in ("x", "AAAA", "é"):
        assert caller.get(f"/cases?cursor={wrong}").status_code == 400


def test_a_cursor_of_another_list_is_refused(doors: Doors) -> None:
    caller = program(doors)
    leaves = caller.get("/ledger/leaves?limit=1").json
    assert leaves is not None
    answer = caller.get(f"/cases?cursor={leaves['next']}")
    assert (answer.status_code, code_of(answer)) == (400, "cursor.wrong")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/no-such-thing", 404, "path.unknown"),
        ("/cases/abc", 404, "case.unknown"),
        ("/cases/ada@example.org", 404, "path.unknown"),
        ("/cases?limit=0", 422, "request.invalid"),
        ("/cases?limit=201", 422, "request.invalid"),
        ("/certificates/1", 404, "certificate.unknown"),
        ("/systems/nowhere", 404, "system.unknown"),
        ("/cases/abc/withdraw", 405, "method.wrong"),
    ],
)
def test_what_is_wrong_is_said_with_a_stable_code(doors: Doors, path: str, status: int, code: str) -> None:
    answer = program(doors).get(path)
    assert (answer.status_code, code_of(answer)) == (status, code)


def test_other_formats_are_neither_read_nor_answered(doors: Doors) -> None:
    caller = program(doors)
    headers = {"Authorization": f"Bearer {caller.token}", "Idempotency-Key": "one-more-key"}
    assert code_of(caller.client.post("/api/v1/cases", data="a=b", headers=headers)) == "content_type.wrong"
    assert code_of(caller.get("/cases", Accept="text/html")) == "accept.wrong"
    large = caller.client.post("/api/v1/cases", data=b"{" * 2_000_000, headers=headers, content_type="application/json")
    assert code_of(large) == "request.too_large"
    assert caller.client.post("/api/v1/cases", data=b"{", headers=headers, content_type="application/json").status_code in (400, 422)


def test_a_whole_case_is_carried_by_programs_but_for_the_approval(doors: Doors) -> None:
    caller = program(doors)
    case = _case_of(caller, {**_PERSON, "policy": "ours", "vouched": True, "grounds": {"user": "purpose_over"}})
    assert caller.post(f"/cases/{case}/wake").status_code == 200
    doors.work(case)
    findings = caller.get(f"/cases/{case}/findings?limit=1").json
    assert findings is not None
    assert len(findings["findings"]) == 1
    assert findings["next"]
    plan = caller.get(f"/cases/{case}/plan").json
    assert plan is not None
    assert plan["affected"] > 0
    with doors.house.store.snapshot() as tx:
        entry = tx.cases.get(case)
    done = carried_through(doors.house, entry)
    shown = caller.get(f"/cases/{case}").json
    assert shown is not None
    assert (shown["stage"], shown["outcome"]) == ("closed", done.outcome.value if done.outcome else None)
    serial = shown["certificate"]
    listed = caller.get("/certificates").json
    assert listed is not None
    assert [row["serial"] for row in listed["certificates"]] == [serial]
    pdf = caller.get(f"/certificates/{serial}/pdf")
    assert pdf.get_data()[:5] == b"%PDF-"
    proof = caller.get(f"/ledger/leaves/{listed['certificates'][0]['leaf']}/proof")
    assert proof.status_code == 200


def test_what_was_forgotten_with_a_case_is_not_there_and_no_error(doors: Doors) -> None:
    case = planned(doors.house)
    caller = program(doors)
    assert caller.get(f"/cases/{case.id}/plan").status_code == 200
    assert caller.post(f"/cases/{case.id}/withdraw").status_code == 200
    gone = caller.get(f"/cases/{case.id}/plan")
    assert (gone.status_code, code_of(gone)) == (404, "plan.unknown")
    for possible in ("false", "true"):
        assert caller.get(f"/cases/{case.id}/findings?possible={possible}").json == {"findings": [], "next": None}
    assert caller.get(f"/cases/{case.id}").status_code == 200


def test_another_person_confirms_a_hold_and_none_lifts_it_by_a_token(doors: Doors) -> None:
    one, other = program(doors), program(doors, name="somebody else")
    placed = one.post("/holds", {"reason": "M-17", "system": "shop", "identifiers": _PERSON["identifiers"]})
    assert placed.status_code == 201, placed.get_data(as_text=True)
    assert placed.json is not None
    hold = placed.json["hold"]
    assert (placed.json["person"], placed.json["state"]) == (True, "placed")
    assert code_of(one.post(f"/holds/{hold}/confirm")) == "hold.same_person"
    confirmed = other.post(f"/holds/{hold}/confirm").json
    assert confirmed is not None
    assert confirmed["state"] == "confirmed"
    assert one.post(f"/holds/{hold}/ask-lift", {"reason": "settled"}).status_code == 200
    lifted = other.post(f"/holds/{hold}/lift")
    assert (lifted.status_code, code_of(lifted)) == (403, "hold.second_factor")
    kept = other.post(f"/holds/{hold}/keep").json
    assert kept is not None
    assert kept["state"] == "confirmed"


def test_who_was_erased_is_recognised_and_nobody_else(doors: Doors) -> None:
    case = carried_through(doors.house, opened_for(doors.house))
    assert case.outcome is not None
    caller = program(doors)
    one = caller.post("/suppression/check", {"identifiers": [{"kind": "email", "value": EMAIL.upper()}]})
    assert one.json == {"is_listed": True}
    people = [[{"kind": "email", "value": value}] for value in ("x@example.org", EMAIL, "y@example.org")]
    assert caller.post("/suppression/check-all", {"people": people}).json == {"listed": [1]}


def test_the_sweep_of_a_policy_is_begun_dry_and_once(doors: Doors) -> None:
    caller = program(doors)
    started = caller.post("/sweeps", {"policy": "customer-data", "dry_run": True})
    assert started.status_code == 202, started.get_data(as_text=True)
    again = caller.post("/sweeps", {"policy": "customer-data", "dry_run": True})
    assert started.json is not None
    assert again.json is not None
    assert (started.json["is_dry"], again.json["case"]) == (True, started.json["case"])
    assert code_of(caller.post("/sweeps", {"policy": "one-shot", "dry_run": True})) == "sweep.none"


def test_no_identifier_comes_back_or_stays_behind(doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    canary = "canary.bird@example.org"
    caller = program(doors)
    told = []
    with caplog.at_level(logging.DEBUG):
        body = {"identifiers": [{"kind": "email", "value": canary}], "reply_to": canary, "policy": "ours"}
        answer = caller.post("/cases", body, "canary-key")
        told.append(answer.get_data(as_text=True))
        assert answer.json is not None
        case = answer.json["case"]
        doors.work(case)
        for path in (f"/cases/{case}", "/cases", f"/cases/{case}/findings", "/ledger/leaves?limit=200"):
            told.append(caller.get(path).get_data(as_text=True))
        for wrong in ({"identifiers": [{"kind": canary, "value": canary}]}, {canary: canary}, {"identifiers": canary}, {"policy": canary, **body}):
            told.append(caller.post("/cases", wrong).get_data(as_text=True))
        told.append(caller.post("/suppression/check", {"identifiers": [{"kind": "email", "value": canary}]}).get_data(as_text=True))
    assert "canary" not in "".join(told)
    assert "canary" not in caplog.text.lower()
    files = [path for path in doors.company.home.rglob("dsr.db*") if path.is_file()]
    assert files
    assert not any(b"canary" in path.read_bytes() for path in files)


def test_a_refusal_that_is_done_is_answered_so_while_somebody_reads_the_store(doors: Doors) -> None:
    caller = program(doors)
    case = _case_of(caller)
    with doors.house.store.snapshot() as tx:
        tx.cases.get(case)  # keeps the store's log from being emptied
        answer = caller.post(f"/cases/{case}/refuse", {"reason": "excessive"})
    assert (answer.status_code, (answer.json or {}).get("outcome")) == (200, "refused")
