"""What a browser or a device leaves behind: its identifications, addresses of profiles, hardware addresses."""

import re
from urllib.parse import urlsplit

_UUID = re.compile(r"\{?[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[1-8][0-9a-fA-F]{3}-?[89abAB][0-9a-fA-F]{3}-?[0-9a-fA-F]{12}\}?")
_MAC = re.compile(r"[0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(?:\1[0-9a-fA-F]{2}){4}|(?:[0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}")
_AGENTS = ("Mozilla/", "Opera/", "Dalvik/", "okhttp/", "curl/", "Wget/", "PostmanRuntime/", "python-requests/", "CFNetwork/")
_PROFILE_HOSTS = frozenset(
    {
        *("facebook.com", "fb.com", "instagram.com", "linkedin.com", "xing.com", "twitter.com", "x.com", "tiktok.com", "github.com", "gitlab.com"),
        *("pinterest.com", "reddit.com", "medium.com", "vk.com", "t.me", "snapchat.com", "threads.net", "bsky.app", "soundcloud.com", "flickr.com"),
        *("behance.net", "dribbble.com", "about.me", "orcid.org", "researchgate.net", "gravatar.com", "linktr.ee", "steamcommunity.com"),
    }
)
_PROFILE_PATHS = frozenset({"user", "users", "u", "profile", "profiles", "profil", "member", "members", "people", "in", "id", "~"})
#: Paths of the hosts above that are not somebody's page.
_NOT_PROFILES = frozenset(
    {"about", "login", "signup", "help", "terms", "privacy", "company", "companies", "pages", "groups", "events", "jobs", "search"}
)


def is_uuid(value: str) -> bool:
    """RFC 9562 version and variant; with or without dashes and braces."""
    return len(value) <= 38 and _UUID.fullmatch(value) is not None


def is_mac_address(value: str) -> bool:
    """IEEE 802 EUI-48 as it is written by Unix, Windows and Cisco; not the same digit throughout."""
    return len(value) <= 17 and _MAC.fullmatch(value) is not None and len(set(value) - set(":-.")) > 1


def is_user_agent(value: str) -> bool:
    """RFC 9110 §10.1.5: products with versions."""
    return value.startswith(_AGENTS)


def is_cookie_header(value: str) -> bool:
    """RFC 6265 §4.2.1: two or more pairs in a row, one of them with a name that only cookies have."""
    if value.count("=") < 2 or ";" not in value:
        return False
    names = {pair.partition("=")[0].strip().casefold() for pair in value[:4_096].split(";")}
    return bool(names & {"_ga", "_gid", "_fbp", "sessionid", "session_id", "phpsessid", "jsessionid", "csrftoken", "max-age", "httponly", "samesite"})


def is_profile_url(value: str) -> bool:
    """A web address that leads to somebody's page: on a network of people, or by its path."""
    if not value.casefold().startswith(("http://", "https://", "www.")):
        return False
    try:
        parts = urlsplit(value if "//" in value[:8] else f"https://{value}")
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return False
    steps = [step.casefold() for step in parts.path.split("/") if step]
    if not steps:
        return False
    if steps[0].startswith(("~", "@")) or (len(steps) > 1 and steps[0] in _PROFILE_PATHS):
        return True
    is_network = host in _PROFILE_HOSTS or any(host.endswith(f".{known}") for known in _PROFILE_HOSTS)
    return is_network and steps[0] not in _NOT_PROFILES and len(steps) <= 2
