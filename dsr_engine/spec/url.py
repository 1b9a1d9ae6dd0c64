"""A system that no file declares: `dsr erase --in URL` for whoever has one database and one request."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import SplitResult, unquote, urlsplit

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.source import Source
from dsr_engine.domain.system import Manifest, System
from dsr_engine.references import resolve_text
from dsr_engine.shipped import shipped
from dsr_engine.spec.home import load_manifests
from dsr_engine.spec.scalars import is_name

PASSWORD_VARIABLE = "DSR_IMAP_PASSWORD"  # noqa: S105 -- the name of a variable
_FORMS = (
    "postgresql://, mysql://, mariadb://, sqlite:///FILE, imaps://USER@HOST, maildir:PATH, mbox:PATH, eml:PATH, s3://BUCKET/PREFIX, "
    "az://CONTAINER/PREFIX, gs://BUCKET/PREFIX, or a path"
)
#: The schemes of buckets, in whichever cloud.
BUCKETS = ("s3://", "az://", "gs://")
_CONNECTORS = {"s3": "s3", "az": "azure", "gs": "gcs"}
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Reached:
    """Which shipped connector it is, what to call it, and its settings."""

    connector: str
    name: str
    settings: Mapping[str, str]


def system_from_url(url: str, *, name: str | None = None, endpoint_url: str | None = None, environment: Mapping[str, str] = _NONE) -> System:
    """The system behind `--in URL`, with the shipped connector of its kind.

    `${NAME}` in the URL is taken from the environment, so that a password need not stand on the command line. `endpoint_url` is for buckets only.
    The name is derived (`shop` from a database's name); the caller makes it unique. Files are looked at, never created. Raises `InputWrong`.
    """
    whole = resolve_text(url, environment)
    if endpoint_url and not whole.startswith(BUCKETS):
        raise InputWrong("--endpoint-url is for buckets only (s3://, az://, gs://)", code="url.endpoint")
    scheme = re.match(r"([a-z][a-z0-9]*)(?:\+[a-z0-9]+)?:", whole)
    read = _READERS.get(scheme[1]) if scheme else None
    if scheme and read is None and "://" in whole:
        raise InputWrong("no driver for this kind of URL", code="url.scheme", hint=_FORMS)
    reached = read(whole, environment) if read else _path(whole)
    manifest = _manifest(reached.connector)
    settings = {**reached.settings, **({"endpoint_url": endpoint_url} if endpoint_url else {})}
    return System(
        name=_checked(name) if name else _slug(reached.name, reached.connector),
        manifest=manifest,
        settings=MappingProxyType({key: Secret(value) for key, value in settings.items()}),
        source=Source("(--in)", 0),
    )


def _manifest(name: str) -> Manifest:
    return load_manifests(shipped("connectors"))[name]


def _checked(name: str) -> str:
    if not is_name(name):
        raise InputWrong("a system's name has small letters, digits, - and _ only", code="url.name")
    return name


def _slug(text: str, fallback: str) -> str:
    slug = re.sub(r"[^a-z0-9_]+", "-", text.casefold()).strip("-_")[:40]
    return slug if is_name(slug) else fallback


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # Its text may hold the password.
        raise InputWrong("this is not a URL", code="url.form", hint=_FORMS) from None
    return parts


def _server(connector: str, scheme: str) -> Callable[[str, Mapping[str, str]], _Reached]:
    def read(url: str, environment: Mapping[str, str]) -> _Reached:  # noqa: ARG001 -- one signature for all readers
        parts = _split(url)
        database = unquote(parts.path.strip("/"))
        if not database:
            raise InputWrong("the URL names no database", code="url.database", hint=f"{scheme}://USER@HOST/DATABASE")
        return _Reached(connector, database, {"url": re.sub(r"^[a-z]+", scheme, url)})

    return read


def _sqlite(url: str, environment: Mapping[str, str]) -> _Reached:  # noqa: ARG001 -- one signature for all readers
    rest = url.partition(":")[2].removeprefix("//").partition("?")[0]
    if not rest.startswith("/") or rest == "/:memory:" or len(rest) < 2:
        raise InputWrong("the URL names no SQLite file", code="url.form", hint="sqlite:///FILE, or sqlite:////ABSOLUTE/FILE")
    return _sqlite_file(Path(rest[1:]))


def _sqlite_file(path: Path) -> _Reached:
    # SQLite would create a file that is not there, and an empty database holds nobody: a mistyped name must not look like "nothing found".
    existing = _existing(path, "SQLite file")
    if not existing.is_file():
        raise InputWrong("that is a folder, not a SQLite file", code="url.missing")
    return _Reached("sqlite", existing.stem, {"url": f"sqlite:///{existing}"})


def _imap(url: str, environment: Mapping[str, str]) -> _Reached:
    parts = _split(url)
    if not parts.hostname:
        raise InputWrong("the URL names no host", code="url.form", hint="imaps://USER@HOST")
    user = unquote(parts.username or "")
    password = unquote(parts.password or "") or environment.get(PASSWORD_VARIABLE, "")
    if not user or not password:
        hint = f"imaps://USER@HOST, with {PASSWORD_VARIABLE} in the environment"
        raise InputWrong("a mail server needs a user and a password", code="url.credentials", hint=hint)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    settings = {"url": f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}", "user": user, "password": password}
    folder = unquote(parts.path.strip("/"))
    return _Reached("imap", parts.hostname, {**settings, **({"folders": folder} if folder else {})})


def _mail_folder(url: str, environment: Mapping[str, str]) -> _Reached:  # noqa: ARG001 -- one signature for all readers
    kind, _, rest = url.partition(":")
    path = _existing(Path(unquote(rest.removeprefix("//")) if rest.startswith("//") else rest), kind)
    return _Reached(kind, path.stem, {"url": f"{kind}:{path}"})


def _bucket(url: str, environment: Mapping[str, str]) -> _Reached:  # noqa: ARG001 -- one signature for all readers
    parts = _split(url)
    if not parts.netloc or "@" in parts.netloc:
        raise InputWrong(
            "the URL names no bucket", code="url.form", hint="s3://BUCKET/PREFIX; credentials come from the environment, as for the cloud's own tools"
        )
    return _Reached(_CONNECTORS[parts.scheme], parts.netloc, {"url": url})


def _folder(url: str, environment: Mapping[str, str]) -> _Reached:  # noqa: ARG001 -- one signature for all readers
    return _path(url.removeprefix("folder:"))


def _path(text: str) -> _Reached:
    """A path; what lies there says what it is, so that a SQLite file is opened as a database and not as bytes."""
    path = _existing(Path(text), "file or folder")
    if path.is_dir():
        kind = "maildir" if _is_maildir(path) else "folder"
        return _Reached(kind, path.name, {"url": f"{kind}:{path}"})
    if not path.is_file():
        raise InputWrong("what lies there is neither a file nor a folder", code="url.special", hint=_FORMS)
    start = _first_bytes(path)
    if start == b"SQLite format 3\0":
        return _sqlite_file(path)
    if path.suffix == ".mbox" and start.startswith(b"From "):
        return _Reached("mbox", path.stem, {"url": f"mbox:{path}"})
    return _Reached("folder", path.stem, {"url": f"folder:{path}"})


def _is_maildir(path: Path) -> bool:
    try:
        return all((path / part).is_dir() for part in ("cur", "new", "tmp"))
    except OSError as error:
        raise InputWrong(f"the folder cannot be read: {error.strerror}", code="url.unreadable") from None


def _existing(path: Path, what: str) -> Path:
    try:
        found = path.expanduser().resolve()
        if found.exists():
            return found
    except (OSError, ValueError, RuntimeError):
        pass
    raise InputWrong(f"there is no such {what}", code="url.missing", hint=_FORMS)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError as error:
        raise InputWrong(f"the file cannot be read: {error.strerror}", code="url.unreadable") from None


_READERS: Mapping[str, Callable[[str, Mapping[str, str]], _Reached]] = {
    "postgresql": _server("postgresql", "postgresql"),
    "postgres": _server("postgresql", "postgresql"),
    "mysql": _server("mariadb", "mysql"),
    "mariadb": _server("mariadb", "mariadb"),
    "sqlite": _sqlite,
    "imap": _imap,
    "imaps": _imap,
    "maildir": _mail_folder,
    "mbox": _mail_folder,
    "eml": _mail_folder,
    "s3": _bucket,
    "az": _bucket,
    "gs": _bucket,
    "folder": _folder,
}
