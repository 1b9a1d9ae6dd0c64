"""No view is open by forgetfulness, and each lets in whom it names and nobody else."""

import pytest
from werkzeug.routing import Rule

from dsr_engine.domain.user import PERMISSIONS, Permission, Role
from dsr_engine.web.guard import MARK, Anyone, local_path
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
