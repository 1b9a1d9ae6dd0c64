"""Every page in Chromium: axe-core finds nothing serious, in light and in dark, wide and narrow; nothing breaks the policy of its content."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from dsr_engine.domain.user import Permission, Role
from dsr_engine.web.guard import MARK
from tests.web.conftest import Doors, browsing

_GRAVE = ("serious", "critical")


def problems_of(page: Page) -> list[str]:
    """What axe-core (WCAG 2.2 AA) calls serious or critical on the page as it stands."""
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).response["violations"]
    return [f"{entry['id']}: {entry['nodes'][0]['html']}" for entry in found if entry["impact"] in _GRAVE]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_without_arguments_have_no_serious_barrier(chromium: Browser, doors: Doors, address: str, scheme: str) -> None:
    said: list[str] = []
    with browsing(chromium, doors, address, Role.OFFICER, color_scheme=scheme) as page:
        page.on("console", lambda message: said.append(message.text))
        for rule in doors.app.url_map.iter_rules():
            mark = getattr(doors.app.view_functions.get(rule.endpoint), MARK, None)
            if "GET" not in (rule.methods or ()) or rule.arguments or not (isinstance(mark, Permission) and mark.is_reading):
                continue
            page.goto(rule.rule)
            assert problems_of(page) == [], rule.rule
            width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert width <= 0, f"{rule.rule} is wider than the window"
    assert said == []
    with browsing(chromium, doors, address, color_scheme=scheme, viewport={"width": 380, "height": 800}) as page:
        page.goto("/sign-in")
        assert problems_of(page) == []
