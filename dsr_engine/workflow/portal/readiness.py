"""What keeps the portal from being of use to those who come, for whoever runs it: told at the start of the server and by `dsr check`."""

from dataclasses import dataclass

from dsr_engine.settings import Settings


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """Something that is missing. `code` stands in the README's table."""

    code: str
    message: str
    hint: str


def shortcomings(settings: Settings) -> tuple[Shortcoming, ...]:
    """What is missing; nothing where the portal is closed."""
    if not settings.web.has_portal:
        return ()
    found = []
    if settings.mail is None:
        hint = "add [mail] to dsr.toml, or close the portal with `portal = false` in [web]"
        found.append(Shortcoming("mail.not_configured", "no mail is configured: the portal (/portal) tells requesters to write instead", hint))
    if not any(settings.controller.get(key) for key in ("contact", "address", "dpo")):
        hint = "add `contact` or `address` to [controller] in dsr.toml"
        found.append(Shortcoming("portal.no_contact", "the portal tells requesters to write to you, and not where to", hint))
    if settings.mail is not None and not settings.web.is_encrypted:
        hint = "put a reverse proxy with https in front, and name its address as `url` in [web]"
        found.append(Shortcoming("portal.local", "private links in the portal's mails lead to this very machine only", hint))
    return tuple(found)
