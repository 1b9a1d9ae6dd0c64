"""The mails of the portal: a code, a private link, a question to the person behind an agent. Each is filled from the portal's texts."""

import secrets
from datetime import datetime

from dsr_engine.domain.parcel import Parcel
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.house import House
from dsr_engine.workflow.portal.wording import FIRST, LANGUAGES, texts_of

#: Purposes of the portal's mails about a case.
CODE, LINK, AGENT, MESSAGE = "portal_code", "portal_link", "portal_agent", "portal_message"


def mail_of(house: House, what: str, to: Secret, language: str, **values: str) -> Parcel:
    """The mail: `mail.WHAT.subject` and `mail.WHAT.text` with these values, the controller's name and how to reach it."""
    texts = texts_of(language if language in LANGUAGES else FIRST, house.settings.home)
    controller = house.settings.controller
    filled = {"controller": controller.get("name", ""), "contact": controller.get("contact", ""), **values}
    return Parcel(f"{what}-{secrets.token_hex(16)}", to, texts(f"mail.{what}.subject", **filled), texts(f"mail.{what}.text", **filled))


def spaced(code: str) -> str:
    """A code as people read it: `1234 5678`."""
    return f"{code[:4]} {code[4:]}"


def time_of(house: House, moment: datetime) -> str:
    """A moment of today on the controller's wall."""
    return f"{moment.astimezone(house.calendar.zone):%Y-%m-%d %H:%M}"


def address_of(house: House, language: str, view: str) -> str:
    """Where a page of the portal is."""
    return f"{house.settings.web.url}/portal/{language if language in LANGUAGES else FIRST}/{view}"


def address_of_link(house: House, language: str, secret: Secret, view: str = "follow") -> str:
    """Where a private link leads."""
    return f"{address_of(house, language, view)}/{secret.reveal()}"
