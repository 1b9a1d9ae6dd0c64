"""Sessions and drivers on a scripted IMAP server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dsr_engine.drivers.mailstore.imap_session import Session
from dsr_engine.drivers.mailstore.settings import account_of
from tests.drivers.mailstore_boxes import system_of
from tests.servers.scripted_imap import Manner, ScriptedImap


@contextmanager
def served(certificate: Path, manner: Manner | None = None) -> Iterator[ScriptedImap]:
    """A running server of this manner."""
    with ScriptedImap(certificate, manner or Manner()).running() as server:
        yield server


@contextmanager
def session_of(server: ScriptedImap, **settings: str) -> Iterator[Session]:
    """A session as the settings of a system make it."""
    session = Session(account_of(system_of(server.settings(**settings))))
    try:
        yield session
    finally:
        session.close()
