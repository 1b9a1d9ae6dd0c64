"""What axe-core finds on a page, and that there is nothing serious where nobody is signed in."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.web.conftest import Doors, browsing

_GRAVE = ("serious", "critical")


def problems_of(page: Page) -> list[str]:
    """What axe-core (WCAG 2.2 AA) calls serious or critical on the page as it stands."""
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).response["violations"]
    return [f"{entry['id']}: {entry['nodes'][0]['html']}" for entry in found if entry["impact"] in _GRAVE]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_way_in_has_no_serious_barrier(chromium: Browser, doors: Doors, address: str, scheme: str) -> None:
    with browsing(chromium, doors, address, color_scheme=scheme, viewport={"width": 380, "height": 800}) as page:
        for path in ("/sign-in", "/check", "/portal/en", "/nothing"):
            page.goto(path)
            assert problems_of(page) == [], path
