"""Who may act on systems, policies, holds, recipients and incidents: everybody else is refused, whatever form they send."""

import re

from dsr_engine.domain.user import Permission, Role
from dsr_engine.web.guard import MARK
from tests.web.conftest import Doors

_PAGES = frozenset({"systems", "connecting", "policies", "holds", "recipients", "incidents"})


def test_whoever_lacks_the_permission_is_refused_by_every_act(doors: Doors) -> None:
    acts = [rule for rule in doors.app.url_map.iter_rules() if rule.endpoint.partition(".")[0] in _PAGES and "POST" in (rule.methods or ())]
    assert len(acts) > 25
    refused = 0
    for role in Role:
        user = doors.user(role)
        visitor = doors.signed_in(role).go("/account")
        token = visitor.text.split('name="csrf_token" value="')[1].split('"')[0]
        for rule in acts:
            needed = getattr(doors.app.view_functions[rule.endpoint], MARK)
            assert isinstance(needed, Permission)
            if user.may(needed):
                continue
            address = re.sub(r"<[^>]+>", "shop", rule.rule)
            assert visitor.client.post(address, data={"csrf_token": token}).status_code == 403, (role, address)
            refused += 1
    assert refused > 50


def test_no_act_is_taken_without_the_token_of_a_form(doors: Doors) -> None:
    client = doors.signed_in(Role.ADMINISTRATOR).client
    for path in ("/systems/shop/stop", "/systems/check", "/systems/stop", "/connecting/new/sqlite", "/connecting/to/shop/save"):
        assert client.post(path, data={"reason": "incident"}).status_code == 400, path
    with doors.house.store.snapshot() as tx:
        assert tx.stops.active() == frozenset()
