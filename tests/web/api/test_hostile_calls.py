"""Calls that mean harm, or mean nothing: none breaks the API, none gets further than its token, and none changes what it does not name."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from dsr_engine.domain.user import Permission, Role
from dsr_engine.web.api.callers import API_MARK
from dsr_engine.web.api.docs import NOUNS
from dsr_engine.web.api.strict_json import is_strict
from dsr_engine.workflow.users.accounts import add_user
from dsr_engine.workflow.users.tokens import make_token
from tests.web.api.calling import Program, code_of, program
from tests.web.conftest import Doors
from tests.workflow.company import EMAIL
from tests.workflow.journeys import ledger_of, opened_for, planned

_PERSON = {"identifiers": [{"kind": "email", "value": EMAIL}]}
_PLACES = {"case_id": "abc", "hold_id": "abc", "name": "shop", "serial": "1", "index": "1"}


def _rules(doors: Doors) -> list[Rule]:
    names = {f"api-{noun.name}" for noun in NOUNS}
    return [rule for rule in doors.app.url_map.iter_rules() if rule.endpoint.partition(".")[0] in names]


def _path(rule: Rule) -> str:
    path = rule.rule.removeprefix("/api/v1")
    for name, value in _PLACES.items():
        path = path.replace(f"<{name}>", value).replace(f"<int(max=9007199254740991):{name}>", value)
    return path


def _called(caller: Program, rule: Rule) -> TestResponse:
    return caller.post(_path(rule)) if "POST" in (rule.methods or ()) else caller.get(_path(rule))


def _raw(caller: Program, path: str, data: bytes, key: str, content_type: str = "application/json") -> TestResponse:
    headers = {"Authorization": f"Bearer {caller.token}", "Idempotency-Key": key}
    return caller.client.post(f"/api/v1{path}", data=data, headers=headers, content_type=content_type)


# --- scopes ------------------------------------------------------------------------------------------------------------------------


def test_each_call_needs_exactly_the_permission_that_it_names(doors: Doors) -> None:
    user = add_user(doors.house, "everything", list(Role), "tests")

    def holder(*permissions: Permission) -> Program:
        return Program(doors.app.test_client(), make_token(doors.house, user, "a program", permissions, 30).reveal())

    needed = [(getattr(doors.app.view_functions[rule.endpoint], API_MARK), rule) for rule in _rules(doors)]
    for permission in sorted({each for each, _ in needed}):
        with doors.house.store.transaction() as tx:
            for token in tx.api_tokens.of(user.id):
                tx.api_tokens.revoke(token.id)
        only, all_others = holder(permission), holder(*(each for each in Permission if each is not permission))
        for rule in (rule for each, rule in needed if each is permission):
            refused, let_in = _called(all_others, rule), _called(only, rule)
            assert (refused.status_code, code_of(refused)) == (403, "token.permission"), rule.rule
            assert let_in.status_code < 500, rule.rule
            is_approval = rule.endpoint == "api-plans.approve"
            assert is_approval or let_in.status_code not in (401, 403), rule.rule


def test_no_token_does_what_asks_a_person_for_a_second_factor(doors: Doors) -> None:
    """Approving, accounts, tokens, passwords and copies of somebody's data have no call at all, or one that always refuses."""
    paths = {rule.rule for rule in _rules(doors)}
    assert not [path for path in paths if any(word in path for word in ("user", "account", "token", "factor", "password", "copies", "export"))]
    case = planned(doors.house)
    user = add_user(doors.house, "everything", list(Role), "tests")
    caller = Program(doors.app.test_client(), make_token(doors.house, user, "a program", list(Permission), 30).reveal())
    plan = caller.get(f"/cases/{case.id}/plan").json
    assert plan is not None
    answer = caller.post(f"/cases/{case.id}/approvals", {"digest": plan["digest"]})
    assert (answer.status_code, code_of(answer)) == (403, "approval.second_factor")
    caller.post(f"/cases/{case.id}/wake")
    assert doors.work(case.id).stage.value == "approve"


def test_a_token_in_an_address_is_refused_even_if_it_holds(doors: Doors) -> None:
    caller = program(doors)
    for path in (f"/api/v1/cases?access_token={caller.token}", f"/metrics?token={caller.token}"):
        for headers in ({}, {"Authorization": f"Bearer {caller.token}"}):
            answer = caller.client.get(path, headers=headers)
            assert (answer.status_code, code_of(answer)) == (400, "token.in_url")
            assert caller.token not in answer.get_data(as_text=True)


def test_no_page_of_another_site_may_call(doors: Doors) -> None:
    caller = program(doors)
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST", "Authorization": f"Bearer {caller.token}"}
    for method in ("OPTIONS", "GET", "HEAD"):
        answer = caller.client.open("/api/v1/cases", method=method, headers=headers)
        assert answer.status_code == 200
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]
    assert caller.client.options("/api/v1/cases").status_code == 401


def test_a_head_is_a_look_without_a_body(doors: Doors) -> None:
    caller = program(doors)
    headers = {"Authorization": f"Bearer {caller.token}"}
    head, get = caller.client.head("/api/v1/systems", headers=headers), caller.client.get("/api/v1/systems", headers=headers)
    assert (head.status_code, head.get_data(), head.headers["ETag"]) == (200, b"", get.headers["ETag"])
    for method in ("PUT", "PATCH", "DELETE", "TRACE"):
        assert code_of(caller.client.open("/api/v1/cases", method=method, headers=headers)) == "method.wrong"


def test_whoever_has_no_token_learns_nothing_from_a_version(doors: Doors) -> None:
    tag = program(doors).get("/cases").headers["ETag"]
    answer = doors.visitor().client.get("/api/v1/cases", headers={"If-None-Match": tag})
    assert answer.status_code == 401
    assert "ETag" not in answer.headers
    poor = program(doors, permissions=[Permission.SYSTEM_READ])
    assert poor.get("/cases", If_None_Match=tag).status_code == 403
    assert program(doors).get("/cases").headers["Cache-Control"] == "no-store"


# --- bodies ------------------------------------------------------------------------------------------------------------------------

_DEEP = b'{"identifiers": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    "body",
    [
        *(b"{", b"[]", b"null", b'"x"', b"\xff\xfe{}", b'{"a": "\xff"}', '{"grounds": {}}'.encode("utf-16"), _DEEP, b'{"a":' * 40 + b"1" + b"}" * 40),
        *(b'{"vouched": true, "vouched": false}', b'{"limit": NaN}', b'{"a": Infinity}', b'{"matter": "\\u0000"}', b'{"matter": "\\ud800"}'),
        *(b'{"a": ' + b"9" * 5_000 + b"}", b"{} {}"),
    ],
    ids=lambda body: str(body[:20]),
)
def test_a_body_that_is_not_one_sound_object_is_refused_before_anybody_acts(doors: Doors, body: bytes) -> None:
    answer = _raw(program(doors), "/cases", body, "some-key-1")
    assert (answer.status_code, code_of(answer)) == (400, "request.malformed")


def test_a_body_that_is_too_large_is_not_read(doors: Doors) -> None:
    body = json.dumps({"matter": "x" * 10_000_000}).encode()
    answer = _raw(program(doors), "/holds", body, "some-key-1")
    assert (answer.status_code, code_of(answer)) == (413, "request.too_large")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", ""]
)
def test_only_json_is_read(doors: Doors, content_type: str) -> None:
    answer = _raw(program(doors), "/cases", json.dumps(_PERSON).encode(), "some-key-1", content_type)
    assert (answer.status_code, code_of(answer)) == (415, "content_type.wrong")


def test_what_only_the_engine_sets_is_not_set_by_a_caller(doors: Doors) -> None:
    caller = program(doors)
    case = opened_for(doors.house).id
    hold = caller.post("/holds", {"reason": "M-17", "system": "shop"}).json
    assert hold is not None
    acts = [
        ("/cases", {**_PERSON, "stage": "closed"}),
        ("/cases", {**_PERSON, "opened_by": "somebody else"}),
        ("/cases", {**_PERSON, "kind": "supervisory_order"}),
        ("/cases", {"identifiers": [{"kind": "email", "value": EMAIL, "confidence": "certain"}]}),
        (f"/cases/{case}/verify", {"method": "known", "by": "somebody else"}),
        (f"/cases/{case}/withdraw", {"outcome": "fulfilled"}),
        ("/holds", {"reason": "M-17", "system": "shop", "state": "confirmed"}),
        (f"/holds/{hold['hold']}/confirm", {"by": "somebody else"}),
        ("/sweeps", {"policy": "customer-data", "dry_run": True, "is_forced": False}),
    ]
    for path, body in acts:
        answer = caller.post(path, body)
        assert (answer.status_code, code_of(answer)) == (422, "request.invalid"), (path, body)
        assert "somebody" not in answer.get_data(as_text=True)


_WRONG = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20), st.dates().map(str)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


@pytest.fixture
def officer(doors: Doors) -> Program:
    return program(doors)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_type_of_value_in_any_field_breaks_anything(doors: Doors, officer: Program, data: st.DataObject) -> None:
    rules = [rule for rule in _rules(doors) if "POST" in (rule.methods or ())]
    rule = data.draw(st.sampled_from(sorted(rules, key=lambda rule: rule.rule)))
    schema = _schema_of(doors, rule)
    names = sorted(schema.get("properties", {})) or ["x"]
    body = {name: data.draw(_WRONG, label=name) for name in data.draw(st.lists(st.sampled_from(names), unique=True))}
    answer = _raw(officer, _path(rule), json.dumps(body).encode(), f"key-{data.draw(st.integers(0, 2**60))}")
    assert answer.status_code < 500, (rule.rule, body)


def _schema_of(doors: Doors, rule: Rule) -> dict[str, Any]:
    document = doors.app.test_client().get("/api/v1/openapi.json").get_json()
    path = rule.rule.replace("<int(max=9007199254740991):", "<").replace("<", "{").replace(">", "}")
    name = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text("abc\n")), lambda inner: st.dictionaries(st.text("xyz"), inner), max_leaves=9
    )
)
def test_sound_objects_are_read(value: object) -> None:
    assert is_strict(json.dumps({"value": value}).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_judged(data: bytes) -> None:
    assert is_strict(data) in (True, False)


# --- queries and cursors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["stat=open", "limit=1&limit=2", "state=open&state=closed", "cursor[]=x", "email=lovelace%40example.org"])
def test_a_filter_that_is_mistyped_does_not_show_more_than_was_asked_for(doors: Doors, query: str) -> None:
    answer = program(doors).get(f"/cases?{query}")
    assert (answer.status_code, code_of(answer)) == (422, "request.invalid")
    assert "lovelace" not in answer.get_data(as_text=True)


def test_a_cursor_is_good_for_its_list_and_filter_only(doors: Doors) -> None:
    caller = program(doors)
    for number in range(2):
        opened_for(doors.house, ("email", f"somebody{number}@example.org"))
    page = caller.get("/cases?limit=1&state=open").json
    assert page is not None
    cursor = page["next"]
    assert caller.get(f"/cases?limit=2&state=open&cursor={cursor}").status_code == 200
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    tampered = base64.urlsafe_b64encode(raw.replace(b"20", b"21", 1)).decode().rstrip("=")
    for path in (
        *(f"/cases?state=closed&cursor={cursor}", f"/cases?cursor={cursor}", f"/sweeps?cursor={cursor}", f"/certificates?cursor={cursor}"),
        *(f"/cases?state=open&cursor={tampered}", f"/cases?state=open&cursor={cursor[:-2]}"),
    ):
        answer = caller.get(path)
        assert (answer.status_code, code_of(answer)) == (400, "cursor.wrong"), path


def test_findings_are_walked_without_gap_or_double(doors: Doors) -> None:
    case = planned(doors.house)
    caller = program(doors)
    whole = caller.get(f"/cases/{case.id}/findings?limit=200").json
    assert whole is not None
    assert len(whole["findings"]) > 2
    assert whole["next"] is None
    seen, cursor = [], ""
    while True:
        page = caller.get(f"/cases/{case.id}/findings?limit=1{cursor}").json
        assert page is not None
        seen += page["findings"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == whole["findings"]
    assert EMAIL not in json.dumps(whole)
    other = caller.get(f"/cases/{case.id}/findings?possible=true{cursor}")
    assert code_of(other) == "cursor.wrong"


# --- versions and keys -------------------------------------------------------------------------------------------------------------


def test_an_act_on_a_hold_is_done_on_the_version_that_was_seen(doors: Doors) -> None:
    one, other = program(doors), program(doors, name="somebody else")
    placed = one.post("/holds", {"reason": "M-17", "system": "shop"}).json
    assert placed is not None
    path = f"/holds/{placed['hold']}"
    tag = other.get(path).headers["ETag"]
    assert one.post(f"{path}/ask-lift", {"reason": "settled"}).status_code == 200
    late = other.post(f"{path}/confirm", If_Match=tag)
    assert (late.status_code, code_of(late)) == (412, "etag.changed")
    weak = other.post(f"{path}/keep", If_Match=f"W/{other.get(path).headers['ETag']}")
    assert weak.status_code == 412
    assert other.post(f"{path}/keep", If_Match=other.get(path).headers["ETag"]).status_code == 200


def test_a_version_is_not_taken_for_granted_where_there_is_none(doors: Doors) -> None:
    answer = program(doors).post("/cases", _PERSON, If_Match='"abc"')
    assert (answer.status_code, code_of(answer)) == (400, "etag.not_here")
    assert not [kind for kind, _ in ledger_of(doors.house) if kind == "case.opened"]


def test_the_same_call_at_the_same_moment_is_done_once(doors: Doors) -> None:
    caller = program(doors)
    everybody, barrier = range(6), Barrier(6)

    def call(_: int) -> TestResponse:
        barrier.wait(timeout=20)
        return Program(doors.app.test_client(), caller.token).post("/cases", _PERSON, "the-same-key")

    with ThreadPoolExecutor(len(everybody)) as programs:
        answers = list(programs.map(call, everybody))
    assert sorted({answer.status_code for answer in answers} - {409}) == [201]
    assert {code_of(answer) for answer in answers if answer.status_code == 409} <= {"idempotency.running"}
    assert len({answer.get_data() for answer in answers if answer.status_code == 201}) == 1
    assert len([kind for kind, _ in ledger_of(doors.house) if kind == "case.opened"]) == 1


@pytest.mark.parametrize("key", ["", "short", "x" * 129, "has space here", "ümlaut-key", "semi;colon;key"])
def test_a_key_that_is_none_is_refused(doors: Doors, key: str) -> None:
    caller = program(doors)
    headers = {"Authorization": f"Bearer {caller.token}", "Idempotency-Key": key.encode().decode("latin-1")}
    answer = caller.client.post("/api/v1/cases", json=_PERSON, headers=headers)
    assert (answer.status_code, code_of(answer)) == (400, "idempotency.key")
