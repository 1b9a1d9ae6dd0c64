"""The verifier for files of strangers: it reads them in a child process (`content/sandbox.py`), and what it says comes back as data."""

import asyncio
import encodings.utf_16_be
import json
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cryptography.hazmat.backends.openssl import backend

from dsr_engine.certificate.check import check
from dsr_engine.certificate.report import Issuer, Report, Step, Time
from dsr_engine.certificate.statement import from_bytes, to_bytes
from dsr_engine.certificate.trust import Bundle, bundle_in, bundle_text
from dsr_engine.content.sandbox import Limits, apart
from dsr_engine.domain.errors import DsrError, InputWrong

#: A certificate is a few hundred kilobytes.
MOST_BYTES = 10 * 1024**2
#: In the child nothing can be opened any more, so what is otherwise imported at first use has to be there before.
_NEEDED = (encodings.utf_16_be, backend)
_HEAD = struct.Struct(">I")


def check_apart(pdf: bytes, bundle: Bundle, limits: Limits | None = None) -> Report:
    """What `check` says of this file, of which nobody knows where it comes from. Raises `InputWrong` where it cannot be read at all."""
    trust = bundle_text(bundle).encode()
    said = apart("dsr_engine.certificate.strangers:checked", _HEAD.pack(len(trust)) + trust + pdf, limits)
    try:
        return _report(json.loads(said))
    except (ValueError, KeyError, TypeError, RecursionError, DsrError):
        raise InputWrong("the file cannot be read", code="sandbox.unreadable", hint="it is damaged, or built to mislead whoever reads it") from None


class _Still(asyncio.BaseEventLoop):
    """An event loop without any file of its own: the usual one opens three when it is made, which the child may not. Nothing here waits for IO."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self

    def select(self, _timeout: float | None) -> list[object]:
        return []

    def _process_events(self, _events: list[object]) -> None: ...

    def _write_to_self(self) -> None: ...


def checked(data: bytes) -> bytes:
    """In the child: bundle and file in, report out."""
    asyncio.events.new_event_loop = _Still  # pyHanko runs its coroutines in a loop of its own making
    (length,) = _HEAD.unpack_from(data)
    trust, pdf = data[_HEAD.size : _HEAD.size + length], data[_HEAD.size + length :]
    report = check(pdf, bundle_in(trust, Path("the bundle")))
    statement = None if report.statement is None else to_bytes(report.statement).decode()
    document = {**asdict(report), "statement": statement, "issuer": {**asdict(report.issuer), "fingerprints": dict(report.issuer.fingerprints)}}
    return json.dumps(document).encode()


def _report(document: dict[str, Any]) -> Report:
    statement = document["statement"]
    return Report(
        integrity=tuple(Step(**step) for step in document["integrity"]),
        issuer=Issuer(**document["issuer"]),
        time=Time(**document["time"]),
        statement=None if statement is None else from_bytes(statement.encode()),
        status=str(document["status"]),
        is_genuine=document["is_genuine"] is True,
        later=str(document["later"]),
        entry=int(document["entry"]),
        checkpoint=str(document["checkpoint"]),
    )
