"""What `dsr.toml` says about one home: who the controller is, where the engine keeps its rows, how it works and how its papers look."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import available_timezones

from dsr_engine.domain.drop import FIRST_DAY, DropSettings
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.sign_on import SignOn
from dsr_engine.domain.user import Role
from dsr_engine.references import has_literal_password, is_reference, resolve_secret, resolve_text

FILE = "dsr.toml"

_TEXT, _WHOLE, _TEXTS, _YES_NO = "a text", "a whole number", "a list of texts", "true or false"
#: Section → key → what its value must be. `templates/home/dsr.toml` explains each.
KEYS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "controller": {"name": _TEXT, "contact": _TEXT, "address": _TEXT, "dpo": _TEXT},
        "letters": {"language": _TEXT, "authority": _TEXT, "court": _TEXT, "sells_data": _YES_NO, "send": _TEXT},
        "mail": {
            **dict.fromkeys(("server", "user", "password", "from", "reply_to", "return_path", "bounces", "ca"), _TEXT),
            "alarms_to": _TEXTS,
        },
        "drop": {**dict.fromkeys(("url", "key", "broker", "policy", "regime", "since", "ca"), _TEXT), "every_days": _WHOLE},
        "calendar": {"time_zone": _TEXT, "holidays": _TEXT},
        "defaults": {"policy": _TEXT, "regime": _TEXT},
        "store": {"url": _TEXT},
        "engine": {"workers": _WHOLE, **dict.fromkeys(("log_level", "cluster", "cluster_ca", "cluster_cert", "cluster_key"), _TEXT)},
        "signing": {"pkcs12": _TEXT, "password": _TEXT},
        "timestamp": {"url": _TEXT},
        "staying_erased": {"backup_days": _WHOLE, "objection_months": _WHOLE},
        "retention": {"follow_up_days": _WHOLE},
        "look": {"logo": _TEXT, "accent": _TEXT, "fonts": _TEXTS},
        "oidc": {
            **dict.fromkeys(("issuer", "client_id", "client_secret", "label", "roles_claim", "ca"), _TEXT),
            **dict.fromkeys(("officers", "approvers", "auditors", "administrators", "second_factor"), _TEXTS),
            "internal": _YES_NO,
        },
        "web": {"url": _TEXT, "listen": _TEXT, "proxies": _WHOLE, "portal": _YES_NO, "calls_per_minute": _WHOLE},
    }
)
#: Keys without which a section means nothing.
_NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType({"mail": ("server", "from"), "oidc": ("issuer", "client_id")})
#: Who sends the letters that end a case.
SENDING = ("by_a_person", "by_itself")
LOG_LEVELS = ("debug", "info", "warning", "error")
MOST_WORKERS = 64
#: The largest whole number that a key may have; the least is 1.
_MOST: Mapping[str, int] = MappingProxyType(
    {"workers": MOST_WORKERS, "backup_days": 36_500, "objection_months": 1_200, "follow_up_days": 365, "proxies": 5, "calls_per_minute": 60_000}
)


@dataclass(frozen=True, slots=True)
class Look:
    """How certificates look. `logo` is a picture file, `accent` a colour (`#1f4e79`), `fonts` are files tried in order."""

    logo: Path | None = None
    accent: str = ""
    fonts: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Letters:
    """What letters to requesters say beside their templates: to whom a person may complain, and before which court they may go."""

    language: str = "en"
    authority: str = ""
    court: str = ""
    sells_data: bool = False
    send: str = "by_a_person"

    @property
    def is_sent_by_itself(self) -> bool:
        """True if a letter that is complete goes out without a person."""
        return self.send == "by_itself"


@dataclass(frozen=True, slots=True, repr=False)
class MailSettings:
    """How letters leave by mail. `server` is `smtps://host:465` or `smtp://host:587`, which has to offer STARTTLS.

    `sender` may have a name (`Example Ltd <privacy@example.com>`). `return_path` is where undeliverable mail goes back to (empty: the sender), and
    `bounces` the mailbox that is read for it. `ca` is a PEM file with the authority of the server's certificate (None: those of the machine).
    """

    server: str
    sender: str
    user: str = ""
    password: Secret | None = None
    reply_to: str = ""
    return_path: str = ""
    alarms_to: tuple[str, ...] = ()
    bounces: Secret | None = None
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Where slices are searched instead of in this process: the address of a scheduler (`tls://HOST:PORT`, or `tcp://127.0.0.1:PORT`), and the files
    by which both sides know each other: the cluster's own authority, a certificate and its key."""

    address: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the console and the portal are. `url` is how browsers call them (https, but for this very machine), `listen` where the server listens;
    who gives only `listen` means the same port on this machine.

    `proxies` counts the reverse proxies in front whose X-Forwarded headers are believed. `has_portal`: requesters may come in without an account.
    `calls_per_minute` is what one token may ask of one process.
    """

    url: str = "http://127.0.0.1:8080"
    listen: str = "127.0.0.1:8080"
    proxies: int = 0
    has_portal: bool = True
    calls_per_minute: int = 3_000

    @property
    def is_encrypted(self) -> bool:
        """True if browsers come over TLS."""
        return self.url.startswith("https://")


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """The settings of one home. `store_url` may hold a password, so `repr` shows the home only.

    `controller` has the keys that were given of `name`, `contact`, `address`, `dpo`. `tsa_url` None: certificates get no time-stamp.
    `time_zone` (a name of the IANA database) and `holidays` (`DE-BY`; empty: weekends only) say which day it is and which days are worked on where
    answers are given.
    `workers` counts slices that are searched at the same time. `pkcs12` None: certificates are signed under the home's own authority.
    `mail` None: nothing is sent by mail. `backup_days` is how long a backup may live where no connector says it; `objection_months` how long an
    objection to marketing is remembered. `follow_up_days` is how long a closed case can still tell whose it was. `drop` None: the controller is no
    data broker in California. `sign_on` None: people sign in with accounts of this home only. `cluster` None: slices are searched by threads of this
    process.
    """

    home: Path
    store_url: str
    controller: Mapping[str, str] = field(default_factory=dict)
    policy: str = "one-shot"
    regime: str = "gdpr"
    time_zone: str = "UTC"
    holidays: str = ""
    workers: int = 4
    log_level: str = "info"
    tsa_url: str | None = None
    look: Look = Look()
    letters: Letters = Letters()
    mail: MailSettings | None = None
    pkcs12: Path | None = None
    pkcs12_password: Secret | None = None
    backup_days: int = 90
    objection_months: int = 120
    follow_up_days: int = 30
    drop: DropSettings | None = None
    web: WebSettings = WebSettings()
    sign_on: SignOn | None = None
    cluster: ClusterSettings | None = None

    def __repr__(self) -> str:
        return f"Settings(home={str(self.home)!r})"


def find_home(given: str | None, environment: Mapping[str, str], cwd: Path) -> Path:
    """The home that `--home` or `DSR_HOME` names, else the nearest folder from `cwd` upwards with a `dsr.toml`. Raises `InputWrong`."""
    named = given or environment.get("DSR_HOME")
    if named:
        home = (cwd / Path(named).expanduser()).resolve()
        if not (home / FILE).is_file():
            raise InputWrong(f"{named} has no {FILE}", code="settings.no_home", hint=f"make one with `dsr init {named}`")
        return home
    for folder in (cwd, *cwd.parents):
        if (folder / FILE).is_file():
            return folder.resolve()
    raise InputWrong(f"no {FILE} here or in a folder above", code="settings.no_home", hint="make a home with `dsr init DIR`, or name one with --home")


def load_settings(home: Path, environment: Mapping[str, str]) -> Settings:
    """The settings in `home/dsr.toml`. Raises `InputWrong` with every mistake, one a line, each with its line number."""
    text, table = _read(home)
    wrong = [f"{FILE}:{_line_of(text, *place)}: {'.'.join(place)}: {message}" for place, message in _mistakes(table)]
    if wrong:
        raise InputWrong("\n".join(wrong), code="settings.wrong")
    look = table.get("look", {})
    engine = table.get("engine", {})
    signing = table.get("signing", {})
    return Settings(
        home=home,
        store_url=_store_url(home, table, environment),
        controller=MappingProxyType(dict(table.get("controller", {}))),
        policy=table.get("defaults", {}).get("policy", "one-shot"),
        regime=table.get("defaults", {}).get("regime", "gdpr"),
        time_zone=table.get("calendar", {}).get("time_zone", "UTC"),
        holidays=table.get("calendar", {}).get("holidays", ""),
        workers=engine.get("workers", 4),
        log_level=engine.get("log_level", "info"),
        cluster=_cluster(home, engine) if "cluster" in engine else None,
        tsa_url=table.get("timestamp", {}).get("url"),
        look=Look(
            logo=home / look["logo"] if "logo" in look else None,
            accent=look.get("accent", ""),
            fonts=tuple(home / font for font in look.get("fonts", ())),
        ),
        letters=Letters(**table.get("letters", {})),
        mail=_mail(home, table["mail"], environment) if "mail" in table else None,
        pkcs12=home / signing["pkcs12"] if "pkcs12" in signing else None,
        pkcs12_password=resolve_secret(signing["password"], environment) if "password" in signing else None,
        drop=_drop(home, table["drop"], environment) if "drop" in table else None,
        web=_web(table.get("web", {})),
        sign_on=_sign_on(home, table["oidc"], environment) if "oidc" in table else None,
        **table.get("staying_erased", {}),
        **table.get("retention", {}),
    )


def _cluster(home: Path, engine: Mapping[str, Any]) -> ClusterSettings:
    files = {name: home / engine[f"cluster_{name}"] for name in ("ca", "cert", "key") if f"cluster_{name}" in engine}
    return ClusterSettings(engine["cluster"], **files)


def _web(web: Mapping[str, Any]) -> WebSettings:
    given = {name: web[name] for name in ("url", "listen", "proxies", "calls_per_minute") if name in web}
    url = web["url"].rstrip("/") if "url" in web else _on_this_machine(given.get("listen", WebSettings().listen))
    return WebSettings(**given | {"url": url}, has_portal=web.get("portal", True))


def _on_this_machine(listen: str) -> str:
    """How a browser beside the server calls it: a server that listens at all addresses is also at the loopback's."""
    host, _, port = listen.rpartition(":")
    return f"http://{host if host in ('localhost', '[::1]') else '127.0.0.1'}:{port}"


def _sign_on(home: Path, oidc: Mapping[str, Any], environment: Mapping[str, str]) -> SignOn:
    given = {name: oidc[name] for name in ("issuer", "client_id", "label", "roles_claim", "internal") if name in oidc}
    return SignOn(
        client_secret=resolve_secret(oidc["client_secret"], environment) if "client_secret" in oidc else None,
        groups=MappingProxyType({role: tuple(oidc.get(f"{role.value}s", ())) for role in Role}),
        second_factor=tuple(oidc.get("second_factor", ())),
        ca=str(home / oidc["ca"]) if "ca" in oidc else "",
        **given,
    )


def _drop(home: Path, drop: Mapping[str, Any], environment: Mapping[str, str]) -> DropSettings:
    given = {name: drop[name] for name in ("url", "broker", "every_days", "policy", "regime") if name in drop}
    return DropSettings(
        key=resolve_secret(drop["key"], environment) if "key" in drop else None,
        since=date.fromisoformat(drop["since"]) if "since" in drop else FIRST_DAY,
        ca=str(home / drop["ca"]) if "ca" in drop else "",
        **given,
    )


def _mail(home: Path, mail: Mapping[str, Any], environment: Mapping[str, str]) -> MailSettings:
    return MailSettings(
        server=mail["server"],
        sender=mail["from"],
        user=mail.get("user", ""),
        password=resolve_secret(mail["password"], environment) if "password" in mail else None,
        reply_to=mail.get("reply_to", ""),
        return_path=mail.get("return_path", ""),
        alarms_to=tuple(mail.get("alarms_to", ())),
        bounces=Secret(resolve_text(mail["bounces"], environment)) if "bounces" in mail else None,
        ca=home / mail["ca"] if "ca" in mail else None,
    )


def _store_url(home: Path, table: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    url = resolve_text(table.get("store", {}).get("url", "sqlite:///dsr.db"), environment)
    relative = re.fullmatch(r"sqlite:///([^/:].*)", url)
    return f"sqlite:///{home / relative[1]}" if relative else url


def _read(home: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = (home / FILE).read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except OSError as error:
        raise InputWrong(f"{FILE} cannot be read: {error.strerror}", code="settings.unreadable", hint="make a home with `dsr init DIR`") from None
    except UnicodeDecodeError:
        raise InputWrong(f"{FILE} is not UTF-8", code="settings.wrong") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        where = re.search(r"\(at (line \d+, column \d+|end of document)\)", str(error))
        raise InputWrong(f"{FILE} is not valid TOML{' at ' + where[1] if where else ''}", code="settings.wrong") from None


def _mistakes(table: Mapping[str, Any]) -> list[tuple[tuple[str, ...], str]]:
    found: list[tuple[tuple[str, ...], str]] = []
    for section, content in table.items():
        if section not in KEYS:
            found.append(((section,), f"unknown section{_did_you_mean(section, KEYS)}"))
        elif not isinstance(content, dict):
            found.append(((section,), f"must be a section: [{section}]"))
        else:
            found.extend(((section, key), message) for key, value in content.items() if (message := _mistake(section, key, value)))
            found.extend(((section,), f"{key} is missing") for key in _NEEDED.get(section, ()) if key not in content)
            if section == "mail" and ("user" in content) != ("password" in content):
                found.append(((section,), "user and password belong together"))
    return found


def _mistake(section: str, key: str, value: object) -> str:
    wanted = KEYS[section].get(key)
    if wanted is None:
        return f"unknown key{_did_you_mean(key, KEYS[section])}"
    if not _is_of(wanted, value):
        return f"must be {wanted}"
    return _out_of_range(section, key, value)


def _is_of(wanted: str, value: object) -> bool:
    if wanted == _TEXTS:
        return isinstance(value, list) and all(isinstance(entry, str) and entry for entry in value)
    if wanted == _YES_NO:
        return isinstance(value, bool)
    if wanted == _WHOLE:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str) and bool(value.strip())


def _out_of_range(section: str, key: str, value: object) -> str:
    """What only some settings ask of their value; empty if it is right."""
    text = str(value)
    if key in _MOST and not 1 <= int(text) <= _MOST[key]:
        return f"must lie between 1 and {_MOST[key]}"
    if key == "log_level" and text not in LOG_LEVELS:
        return f"must be one of {', '.join(LOG_LEVELS)}{_did_you_mean(text, LOG_LEVELS)}"
    if key == "accent" and not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return 'must be a colour such as "#1f4e79"'
    if section in _WRONG:
        return _WRONG[section](key, value)
    if key == "send" and text not in SENDING:
        return f"must be one of {', '.join(SENDING)}{_did_you_mean(text, SENDING)}"
    if section == "calendar":
        return _wrong_calendar(key, text)
    if section == "timestamp" and not text.startswith(("http://", "https://")):
        return "must be the URL of a time-stamping authority (RFC 3161), http:// or https://"
    return _written_out(section, key, text)


def _wrong_web(key: str, value: object) -> str:
    text = str(value)
    if key == "url" and not re.fullmatch(r"https://[A-Za-z0-9.-]+(:\d{1,5})?/?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?/?", text):
        return 'must be "https://dsr.example.com" without a path; http:// will do on this very machine only'
    if key == "listen" and not re.fullmatch(r"([A-Za-z0-9.-]+|\[[0-9a-f:]+\]):\d{1,5}", text):
        return 'must be an address and a port such as "127.0.0.1:8080"'
    return ""


def _wrong_oidc(key: str, value: object) -> str:
    text = str(value)
    if key == "issuer" and not re.fullmatch(r"https://[A-Za-z0-9.:\[\]-]+(/[^?#\s]*)?", text):
        return 'must be the provider\'s own name for itself, such as "https://login.example.com/tenant" (/.well-known/openid-configuration there)'
    if key == "client_secret" and not is_reference(text):
        return "is a secret; write ${NAME} and set NAME in the environment, or file:/path, or keyring:service/name"
    return ""


def _wrong_drop(key: str, value: object) -> str:
    text = str(value)
    if key == "key" and not is_reference(text):
        return "is a secret; write ${NAME} and set NAME in the environment, or file:/path, or keyring:service/name"
    if key == "every_days" and not 1 <= int(text) <= 45:
        return "must lie between 1 and 45: the Delete Act allows 45 days (Civ. Code § 1798.99.86(c))"
    if key == "broker" and not re.fullmatch(r"[A-Za-z0-9]{1,16}", text):
        return 'must be the number that the platform gave you, such as "4821"'
    return 'must be a day such as "2026-08-01"' if key == "since" and not _is_day(text) else ""


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _wrong_calendar(key: str, text: str) -> str:
    if key == "time_zone" and text not in available_timezones():
        return 'must be a time zone such as "Europe/Berlin"'
    if key == "holidays" and not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,4})?", text):
        return 'must be a country, or a country and a region, such as "FR" or "DE-BY"'
    return ""


def _wrong_mail(key: str, value: object) -> str:
    text = str(value)
    if key == "server" and not re.fullmatch(r"smtps?://[A-Za-z0-9.:\[\]-]+?(:\d{1,5})?/?", text):
        return 'must be "smtps://host:465", or "smtp://host:587" for a server that offers STARTTLS; user and password are keys of their own'
    if key in ("from", "reply_to", "return_path", "alarms_to"):
        wrong = [entry for entry in (value if isinstance(value, list) else [text]) if not _is_address(entry)]
        return 'must be an e-mail address such as "privacy@example.com"' if wrong else ""
    if key == "password" and not is_reference(text):
        return "is a password; write ${NAME} and set NAME in the environment, or file:/path, or keyring:service/name"
    if key == "bounces" and has_literal_password(text):
        return "holds a password; write ${NAME} and set NAME in the environment"
    if key == "bounces" and not text.startswith(("maildir:", "mbox:", "imap://", "imaps://")):
        return 'must be a mailbox such as "imaps://user:${PASSWORD}@host/INBOX" or "maildir:/var/mail/bounces"'
    return ""


_WRONG = {"mail": _wrong_mail, "drop": _wrong_drop, "oidc": _wrong_oidc, "web": _wrong_web}


def _is_address(text: str) -> bool:
    """True for `name@domain` and for `Somebody <name@domain>`, on one line."""
    return text.isprintable() and re.fullmatch(r"(?:[^<>]*<\s*)?[^\s<>@,;]+@[^\s<>@,;]+>?", text) is not None and ("<" in text) == text.endswith(">")


def _written_out(section: str, key: str, text: str) -> str:
    if section == "signing" and key == "password" and not is_reference(text):
        return "is a password; write ${NAME} and set NAME in the environment, or file:/path, or keyring:service/name"
    if section == "store" and has_literal_password(text):
        return "holds a password; write ${NAME} and set NAME in the environment"
    return ""


def _did_you_mean(word: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    close = get_close_matches(word, list(known), n=1, cutoff=0.65)
    return f" (did you mean {close[0]}?)" if close else ""


def _line_of(text: str, section: str, key: str | None = None) -> int:
    """The line where a key stands. tomllib does not tell; dotted and quoted spellings fall back to the section, then to line 1."""
    current, found = "", 1
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[+\s*([\w-]+)", line)
        current = header[1] if header else current
        if header and current == section:
            found = number
        name = re.match(r"\s*([\w-]+)\s*=", line)
        if name and ((key is not None and current == section and name[1] == key) or (not current and name[1] == section)):
            return number
    return found
