"""What every template may use: the navigation, how days, codes and numbers are written, addresses of files."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, current_app, request, url_for

from dsr_engine.domain.user import Permission
from dsr_engine.web.guard import house, keeper, may, who


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation. It is shown to whoever has the permission."""

    endpoint: str
    label: str
    permission: Permission

    @property
    def blueprint(self) -> str:
        return self.endpoint.partition(".")[0]


NAVIGATION: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Work",
        (
            Entry("desk.show", "Desk", Permission.CASE_READ),
            Entry("cases.index", "Cases", Permission.CASE_READ),
            Entry("plans.index", "Plans", Permission.CASE_READ),
            Entry("messages.index", "Messages", Permission.CASE_READ),
            Entry("sweeps.index", "Sweeps", Permission.SWEEP_READ),
            Entry("holds.index", "Legal holds", Permission.HOLD_READ),
            Entry("recipients.index", "Recipients", Permission.RECIPIENT_READ),
            Entry("incidents.index", "Incidents", Permission.INCIDENT_READ),
        ),
    ),
    (
        "Proof",
        (
            Entry("certificates.index", "Certificates", Permission.CERTIFICATE_READ),
            Entry("ledger.index", "Ledger", Permission.LEDGER_READ),
            Entry("records.index", "Records", Permission.RECORD_READ),
        ),
    ),
    (
        "House",
        (
            Entry("systems.index", "Systems", Permission.SYSTEM_READ),
            Entry("policies.index", "Policies and laws", Permission.POLICY_READ),
            Entry("jobs.index", "Clock", Permission.SYSTEM_READ),
            Entry("users.index", "People", Permission.USER_WRITE),
        ),
    ),
)


def prepare(app: Flask) -> None:
    """Gives the app's templates what they use."""
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    digests: dict[str, str] = {}

    def asset(name: str) -> str:
        """The address of a file of ours, which changes when the file does."""
        if name not in digests:
            assert app.static_folder is not None
            digests[name] = hashlib.sha256((Path(app.static_folder) / name).read_bytes()).hexdigest()[:12]
        return url_for("static", filename=name, v=digests[name])

    def facts() -> dict[str, Any]:
        found = who()
        return {
            "user": found.user if found else None,
            "may": may,
            "P": Permission,
            "asset": asset,
            "navigation": _navigation,
            "controller": house().settings.controller.get("name", ""),
            "files_problem": keeper().problem if found else "",
            "now": house().clock.now(),
        }

    app.context_processor(facts)
    app.jinja_env.filters.update(day=day, moment=moment, words=words, number=number, since=since, at=at, sentence=sentence)


def _navigation() -> list[tuple[str, list[tuple[Entry, bool]]]]:
    here = request.blueprint
    known = current_app.view_functions
    shown = (
        (title, [(entry, entry.blueprint == here) for entry in entries if may(entry.permission) and entry.endpoint in known])
        for title, entries in NAVIGATION
    )
    return [(title, entries) for title, entries in shown if entries]


def day(value: date | datetime | str | None) -> str:
    """A day as people read it: `21 Nov 2026`, where the controller is. Empty for None."""
    if not value:
        return ""
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    if isinstance(value, datetime):
        value = value.astimezone(_zone()).date()
    return f"{value.day} {value:%b %Y}"


def moment(value: datetime | str | None) -> str:
    """A moment to the minute, in the controller's time zone: `21 Nov 2026, 14:03`. Empty for None."""
    if not value:
        return ""
    local = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(_zone())
    return f"{local.day} {local:%b %Y, %H:%M}"


def since(value: datetime | str | None) -> str:
    """How long ago, in the largest unit that fits: `3 days ago`. Empty for None."""
    if not value:
        return ""
    seconds = (house().clock.now() - (datetime.fromisoformat(value) if isinstance(value, str) else value)).total_seconds()
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(abs(seconds) // length)
        if count:
            text = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"{text} ago" if seconds > 0 else f"in {text}"
    return "just now"


def words(code: object) -> str:
    """A code as words: `verify_absence` → `verify absence`."""
    return str(code).replace("_", " ")


def sentence(text: str) -> str:
    """A text as the beginning of a sentence. A name of a system, a command or a place stays as it is, because people copy it."""
    first = text.partition(" ")[0].rstrip(".,:;!?")
    is_name = first in house().systems or not first.replace("-", "").replace("’", "").replace("'", "").isalpha()
    return text if is_name else text[:1].upper() + text[1:]


def at(system: str, collection: str) -> str:
    """Where something is: `system.collection`; the root of a folder or bucket is the system itself."""
    return system if collection in ("", ".") else f"{system}.{collection}"


def number(value: int | None) -> str:
    """A count with thin spaces between thousands. Empty for None."""
    return "" if value is None else f"{value:,}".replace(",", "\u202f")


def _zone() -> ZoneInfo:
    return ZoneInfo(house().settings.time_zone)
