"""No view is open by forgetfulness, and each lets in whom it names and nobody else."""

import pytest
from werkzeug.routing import Rule

from dsr_engine.domain.user import PERMISSIONS, Permission, Role
from dsr_engine.web.guard import MARK, STEP_UP, Anyone, local_path
from tests.web.conftest import PASSWORD, Doors
from tests.web.visiting import forms_of


def _views(doors: Doors) -> list[tuple[Rule, object]]:
    rules = [rule for rule in doors.app.url_map.iter_rules() if rule.endpoint != "static"]
    assert len(rules) > 5
    return [(rule, doors.app.view_functions[rule.endpoint]) for rule in rules]


def test_every_view_says_who_may_call_it(doors: Doors) -> None:
    for rule, view in _views(doors):
        kind = getattr(view, "view_class", None)
        marked = [view] if kind is None else [getattr(kind, method.lower(), kind) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}]
        assert all(isinstance(getattr(each, MARK, None) or getattr(kind, MARK, None), Permission | Anyone) for each in marked), rule.endpoint


def test_a_visitor_is_led_to_the_sign_in_from_every_page_that_is_not_public(doors: Doors) -> None:
    for rule, view in _views(doors):
        if "GET" in (rule.methods or ()) and not rule.arguments and isinstance(getattr(view, MARK, None), Permission):
            answer = doors.visitor().client.get(rule.rule)
            assert answer.status_code == 303, rule.rule
            assert answer.headers["Location"].startswith("/sign-in"), rule.rule


@pytest.mark.parametrize("role", Role)
def test_a_role_sees_the_pages_of_its_permissions_and_no_others(doors: Doors, role: Role) -> None:
    client = doors.signed_in(role).client
    for rule, view in _views(doors):
        mark = getattr(view, MARK, None)
        if "GET" in (rule.methods or ()) and not rule.arguments and isinstance(mark, Permission):
            assert (client.get(rule.rule).status_code == 403) == (mark not in PERMISSIONS[role]), rule.rule


def test_a_form_without_its_token_is_refused(doors: Doors) -> None:
    visitor = doors.visitor().go("/sign-in")
    assert "csrf_token" in forms_of(visitor.text)[0].fields
    assert visitor.client.post("/sign-in", data={"name": "ann", "password": PASSWORD}).status_code == 400


def test_a_foreign_name_of_the_server_is_refused(doors: Doors) -> None:
    assert doors.visitor().client.get("/sign-in", headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("text", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/a\\b", "", "/a\r\nb"])
def test_nobody_is_led_elsewhere(text: str) -> None:
    assert local_path(text) == "/"


def test_every_answer_carries_the_policy_of_its_content(doors: Doors) -> None:
    for path in ("/sign-in", "/no-such-page", "/static/style.css"):
        with doors.visitor().client.get(path) as answer:
            headers = answer.headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


#: What everybody may call, and what looks by itself at a token, a private link or a partner's proof. A noun is added here after some thought.
_PUBLIC = {"api_docs", "checking", "health", "partner_doors", "portal", "sign_in"}
_BY_THEMSELVES = {"health", "partner_doors", "portal", "portal_case"}


def test_no_page_becomes_public_by_the_way(doors: Doors) -> None:
    found: dict[object, set[str]] = {}
    for rule, view in _views(doors):
        found.setdefault(getattr(view, MARK, None), set()).add(rule.endpoint.partition(".")[0])
    assert found[Anyone.PUBLIC] == _PUBLIC
    assert {name for name in found[Anyone.BY_ITSELF] if not name.startswith("api-")} == _BY_THEMSELVES
    assert found[Anyone.SIGNED_IN] == {"account", "desk", "sign_in"}


def test_what_approves_or_runs_or_changes_accounts_asks_for_a_second_factor(doors: Doors) -> None:
    grave = {rule.endpoint for rule, view in _views(doors) if getattr(view, STEP_UP, False)}
    changes_accounts = {
        rule.endpoint for rule, view in _views(doors) if getattr(view, MARK, None) is Permission.USER_WRITE and "POST" in (rule.methods or ())
    }
    own = {"account.add_token", "account.remove_codes", "account.remove", "account.recovery"}
    assert grave >= changes_accounts | own | {"plans.approve", "sweeps.run", "jobs.run", "holds.lift"}
    assert len(changes_accounts) > 5


def _address(rule: Rule) -> str:
    """An address that fits the rule, of something that is not there."""
    numbers = {name: 1 if type(rule._converters[name]).__name__ == "IntegerConverter" else "en" for name in rule.arguments}
    built = rule.build(numbers)
    assert built is not None
    return built[1]


def test_no_form_is_taken_without_its_token_and_nothing_changes_by_another_method(doors: Doors) -> None:
    clients = [doors.signed_in(role).client for role in (Role.ADMINISTRATOR, Role.OFFICER)] + [doors.visitor().client]
    override = {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "POST", "X-Method-Override": "POST"}
    for rule, view in _views(doors):
        path, is_program = _address(rule), rule.endpoint.startswith(("api-", "partner_doors."))
        methods = doors.app.url_map.bind("localhost").allowed_methods(path)
        for client in clients:
            if "POST" in methods and not is_program:
                assert client.post(path, headers={"Accept": "text/html"}).status_code == 400, path
            if "POST" in methods and is_program:
                assert client.post(path, json={}).status_code in (400, 401, 403, 404, 429), path
            if "GET" not in methods:
                assert client.get(f"{path}?_method=POST", headers=override).status_code in (404, 405), path
        for method in ("PUT", "PATCH", "DELETE", "TRACE"):
            if method not in methods:
                assert clients[0].open(path, method=method).status_code in (400, 404, 405), (method, path)
        if isinstance(getattr(view, MARK, None), Permission):
            for method in {"HEAD", "OPTIONS"}.intersection(methods):
                assert clients[-1].open(path, method=method).status_code in (303, 405), (method, path)


def test_no_browser_or_proxy_keeps_a_page_and_no_frame_shows_one(doors: Doors) -> None:
    client = doors.signed_in(Role.OFFICER).client
    for rule, _ in _views(doors):
        if "GET" not in (rule.methods or ()):
            continue
        with client.get(_address(rule), buffered=False) as answer:
            headers = answer.headers
        assert "no-store" in headers["Cache-Control"], rule.rule
        assert headers["X-Frame-Options"] == "DENY", rule.rule
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], rule.rule
        assert "unsafe" not in headers["Content-Security-Policy"], rule.rule
        assert headers["Referrer-Policy"] == "same-origin", rule.rule
        assert headers["X-Content-Type-Options"] == "nosniff", rule.rule
        assert "Access-Control-Allow-Origin" not in headers, rule.rule


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200),
        ("localhost", 200),
        ("localhost:9999", 200),
        ("[::1]", 200),
        ("[::1]:9999", 200),
        ("127.0.0.1.evil.example:8080", 421),
        ("evil.example:8080", 421),
        ("localhost:evil.example", 421),
        ("localhost@evil.example", 421),
    ],
)
def test_a_server_on_this_machine_answers_to_its_names_only(doors: Doors, host: str, status: int) -> None:
    assert doors.visitor().client.get("/sign-in", headers={"Host": host}).status_code in {status, 400 if status == 421 else status}


def test_a_call_with_the_character_that_no_text_has_is_refused(doors: Doors) -> None:
    visitor = doors.signed_in(Role.ADMINISTRATOR)
    assert visitor.go("/users/a%00b").status == 400
    assert visitor.go("/users?a=%00").status == 400
    visitor.go("/users/new")
    assert visitor.send("Add and make a link", name="a\0b", role="officer").status == 400
