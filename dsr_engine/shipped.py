"""Where the files lie that come with the engine (connectors, policies, templates; in a checkout and in a wheel alike), and which version it is."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_PACKED = _PACKAGE / "_shipped"


def shipped(kind: str) -> Path:
    """The folder of shipped files of this kind: `connectors`, `policies` or `templates`."""
    packed = _PACKED / kind
    return packed if packed.is_dir() else _PACKAGE.parent / kind


def software() -> str:
    """Name and version as certificates state them."""
    try:
        return f"DSR Engine {version('dsr-engine')}"
    except PackageNotFoundError:
        return "DSR Engine (from a checkout)"
