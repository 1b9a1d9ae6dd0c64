"""What every test would pay again although none of them is about it: done once in a process, or cheaply. What a test is about is left as it is."""

import functools
import os
import ssl
from collections.abc import Callable
from typing import Any

import argon2
from werkzeug.routing import Rule

from dsr_engine.domain.regime import Regime
from dsr_engine.shipped import shipped
from dsr_engine.spec import home, loader, regime_file
from dsr_engine.spec.document import Document
from dsr_engine.store import database
from dsr_engine.workflow.users import accounts

#: What the engine says itself, kept for the tests of it.
PASSWORDS = argon2.extract_parameters(accounts.hasher.hash("a password"))
PRAGMAS = database._PRAGMAS

_SHIPPED = tuple(shipped(kind) for kind in ("connectors", "policies"))


def spare() -> None:
    """Called once, before any test."""
    # 64 MiB for each password of each visitor. A hash says by itself how it was made, so what was hashed before is still verified.
    accounts.hasher.__init__(time_cost=1, memory_cost=8, parallelism=1)  # type: ignore[misc]  # others imported this very object
    # No test cuts the power: what a killed process had written is there without waiting for the disk.
    vars(database)["_PRAGMAS"] = tuple(("PRAGMA synchronous = OFF" if "synchronous" in pragma else pragma, answer) for pragma, answer in PRAGMAS)
    _read_shipped_files_once()
    _compile_addresses_once()
    _trust_nobody_outside()


def _read_shipped_files_once() -> None:
    """Every home reads thirty files that come with the engine; nothing writes into what was read of them."""
    read, regimes_from = loader.read_document, regime_file.regimes_from
    of_regimes: dict[tuple[str, str], tuple[Regime, ...]] = {}
    parsed = functools.lru_cache(maxsize=256)(loader.parse_document)

    def read_document(path: Any, shown: str) -> Document:
        return parsed(path.read_bytes(), shown) if path.is_relative_to(_SHIPPED[0]) or path.is_relative_to(_SHIPPED[1]) else read(path, shown)

    def regimes(document: Document) -> tuple[Regime, ...]:
        name = (document.file, document.digest)
        if name not in of_regimes:
            of_regimes[name] = regimes_from(document)
        return of_regimes[name]

    vars(home).update(read_document=read_document, regimes_from=regimes)


def _compile_addresses_once() -> None:
    """Werkzeug compiles two functions for each of the hundreds of addresses of an app; each test has an app of its own."""
    compiled = Rule._compile_builder
    known: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}

    def compile_builder(self: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        kinds = tuple((name, type(converter)) for name, converter in self._converters.items())
        name = (self.rule, self.host, self.subdomain, str(self.defaults), kinds, tuple(self._trace), append_unknown)
        if name not in known:
            known[name] = compiled(self, append_unknown)
        return known[name]

    Rule._compile_builder = compile_builder  # type: ignore[method-assign]  # there is no other way in


def _trust_nobody_outside() -> None:
    """The authorities of this machine take 50 ms to be read for each connection, and no test speaks with anybody outside."""
    load = ssl.SSLContext.load_default_certs

    def load_default_certs(self: ssl.SSLContext, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
        if "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ:
            load(self, purpose)

    ssl.SSLContext.load_default_certs = load_default_certs  # type: ignore[method-assign]  # every library makes its contexts itself
