"""How settings files refer to secrets, so that none has to be written into them: `${NAME}`, `file:/path`, `keyring:service/name`."""

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.selector import Secret

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_WHOLE_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}|file:/.+|keyring:[^/]+/.+")
_USERINFO = re.compile(r"^([a-z][a-z0-9+.-]*://)([^/?#]*)@", re.IGNORECASE)
_QUERY_SECRET = re.compile(r"[?&](?:password|passwd|pwd|sslpassword|token|secret)=([^&#]*)", re.IGNORECASE)


def is_reference(text: str) -> bool:
    """True if the whole text refers to a secret: `${ENV}`, `file:/run/secrets/x` or `keyring:service/name`."""
    return _WHOLE_REFERENCE.fullmatch(text) is not None


def has_literal_password(url: str) -> bool:
    """True if a URL holds a password that is written out, before the `@` or as a parameter."""
    userinfo = _USERINFO.match(url)
    if userinfo and ":" in userinfo[2]:
        password = userinfo[2].partition(":")[2]
        if password and not _REFERENCE.fullmatch(password):
            return True
    return any(value and not _REFERENCE.fullmatch(value) for value in _QUERY_SECRET.findall(url))


def resolve_secret(text: str, environment: Mapping[str, str]) -> Secret:
    """What a setting refers to: `${ENV}` anywhere in it, or all of it as `file:/path` or `keyring:service/name`.

    Raises `InputWrong` without any value if the variable, file or entry is not there.
    """
    if text.startswith("file:/"):
        return Secret(_from_file(Path(text.removeprefix("file:"))))
    if text.startswith("keyring:"):
        service, _, name = text.removeprefix("keyring:").partition("/")
        return Secret(_from_keyring(service, name))
    return Secret(resolve_text(text, environment))


def resolve_text(text: str, environment: Mapping[str, str]) -> str:
    """The text with every `${NAME}` replaced. In a URL's `user:password@` it is percent-encoded, so that an `@` in it cannot move the host."""
    userinfo = _USERINFO.match(text)
    end = userinfo.end() if userinfo else 0

    def value(match: re.Match[str]) -> str:
        found = environment.get(match[1])
        if found is None:
            raise InputWrong(f"the environment variable {match[1]} is not set", code="settings.no_variable", hint=f"export {match[1]}=...")
        return quote(found, safe="") if match.start() < end else found

    return _REFERENCE.sub(value, text)


def _from_file(path: Path) -> str:
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputWrong(f"the secret file {path} cannot be read: {error.strerror}", code="settings.no_secret_file") from None
    except UnicodeDecodeError:
        raise InputWrong(f"the secret file {path} is not UTF-8", code="settings.no_secret_file") from None
    secret = content.rstrip("\r\n")
    if not secret:
        raise InputWrong(f"the secret file {path} is empty", code="settings.no_secret_file")
    return secret


def _from_keyring(service: str, name: str) -> str:
    try:
        keyring = import_module("keyring")
    except ImportError:
        raise InputWrong(
            "`keyring:` needs the package keyring", code="settings.no_keyring", hint="pip install keyring, or use ${NAME} or file:/path"
        ) from None
    try:
        found = keyring.get_password(service, name)
    except import_module("keyring.errors").KeyringError:
        raise InputWrong("the keyring did not open", code="settings.no_keyring", hint="unlock it, or use ${NAME} or file:/path") from None
    if found is None:
        raise InputWrong(f"the keyring has no entry {service}/{name}", code="settings.no_keyring", hint=f"keyring set {service} {name}")
    return str(found)
