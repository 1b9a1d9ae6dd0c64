"""The portal as people see it: on a telephone, with a screen reader, without scripts; and how soon a code comes."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from dsr_engine.cli.courier import courier_of
from tests.servers.smtp_server import SmtpServer
from tests.web.conftest import browsing, served
from tests.web.portals import Portal, portal_of
from tests.web.test_looks import problems_of
from tests.workflow.company import EMAIL, Company

_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
def portal(shop: Company, smtp_server: SmtpServer) -> Iterator[Portal]:
    with portal_of(shop, smtp_server) as found:
        yield found


def _pages(portal: Portal, language: str) -> list[str]:
    """Every page that a requester can come to, by its address."""
    visitor = portal.asks(language=language)
    code = visitor.path
    with_link = portal.asks(language=language, what="opt_out", where="us-ca", email="", name="Somebody Else").path
    beginning = [
        f"/portal/{language}{rest}" for rest in ("", "/ask?what=correction", "/ask?what=access&who=agent", "/privacy", "/renew", "/follow/x")
    ]
    return [*beginning, code, with_link]


@pytest.mark.parametrize(("scheme", "language"), [("light", "de"), pytest.param("dark", "fr", marks=pytest.mark.slow)])
def test_no_page_of_the_portal_has_a_serious_barrier_or_is_wider_than_a_telephone(
    portal: Portal, chromium: Browser, scheme: str, language: str
) -> None:
    paths = _pages(portal, language)
    with (
        served(portal.doors) as address,
        browsing(chromium, portal.doors, address, color_scheme=scheme, viewport={"width": 380, "height": 800}) as page,
    ):
        for path in paths:
            page.goto(path)
            assert problems_of(page) == [], path
            assert not page.evaluate(_WIDE), path


def _press_until(page: Page, selector: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the keyboard never comes to {selector}")


def test_a_request_is_made_with_the_keyboard_alone_and_without_scripts(portal: Portal, chromium: Browser) -> None:
    with served(portal.doors) as address, browsing(chromium, portal.doors, address) as page:
        page.route("**/*.js", lambda route: route.abort())
        page.goto("/portal/en")
        _press_until(page, "button.main")
        page.keyboard.press("Enter")
        page.wait_for_url("**/ask?*")
        _press_until(page, "#email")
        page.keyboard.type(EMAIL)
        portal.pass_time(seconds=30)
        page.keyboard.press("Enter")
        page.wait_for_url("**/code/*")
        code = portal.code()
        _press_until(page, "#code")
        page.keyboard.type(code)
        page.keyboard.press("Enter")
        page.wait_for_url("**/follow/*")
        assert "We have your request" in page.content()
    assert len(portal.cases()) == 1


def test_a_code_goes_out_while_the_worker_is_at_work_elsewhere(portal: Portal) -> None:
    with courier_of(portal.doors.keeper, 0.02):
        portal.asks()
        until = time.monotonic() + 30
        while not portal.server.mails and time.monotonic() < until:
            time.sleep(0.02)
    assert [bool(re.search(rb"\d{4} \d{4}", taken.data)) for taken in portal.server.mails] == [True]


def test_the_door_that_is_closed_is_one_plain_page_in_each_language(portal: Portal) -> None:
    settings = portal.doors.company.home / "dsr.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[web]\nportal = false\n", encoding="utf-8")
    for language, told in (("en", "There is no such page"), ("de", "Diese Seite gibt es nicht")):
        visitor = portal.doors.visitor().go(f"/portal/{language}/ask?what=erasure")
        assert (visitor.status, told in visitor.text) == (404, True)
        assert f"/portal/{language}" not in visitor.text
