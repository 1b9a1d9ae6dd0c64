"""What Azure's refusals mean in the engine's families. A foreign error's text may hold a blob's name, so only its code goes on."""

import contextlib
from collections.abc import Iterator
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError

from dsr_engine.domain.errors import Conflict, DsrError, InputWrong, NotAllowed, NotSupported, Unreachable

#: Error codes (learn.microsoft.com, "Blob service error codes") that mean more than their status.
_ARCHIVED = frozenset({"BlobArchived", "BlobBeingRehydrated"})
_LOCKED = frozenset({"BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold", "ContainerImmutableStorage", "ImmutableStorage"})
_LEASED = frozenset({"LeaseIdMissing", "LeaseIdMismatchWithBlobOperation", "LeaseAlreadyPresent"})
_ABSENT = frozenset({"ContainerNotFound", "ContainerBeingDeleted", "AccountIsDisabled"})


def translated(error: AzureError, verb: str) -> DsrError:
    """The error's family. `verb` says in plain words what was tried."""
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return Unreachable(
            f"the store did not answer to {verb} ({type(error).__name__})", code="azure.unreachable", hint="check endpoint_url and the network"
        )
    told = getattr(error, "error_code", None) or ""
    code = str(getattr(told, "value", told))
    return _by_code(code, verb) or _by_status(int(error.status_code), code, verb)


def _by_code(code: str, verb: str) -> DsrError | None:
    if code in _ARCHIVED:
        return NotSupported(
            "a blob lies in the archive tier and was not read: rehydrate it and search again, or let it be deleted by its name",
            code="azure.archived",
            hint="rehydrate the blob first (up to fifteen hours)",
        )
    if code in _LOCKED:
        return NotAllowed(f"cannot {verb}: the blob is immutable", code="azure.locked", hint="its policy or legal hold has to end first")
    if code in _LEASED:
        return NotAllowed(f"cannot {verb}: somebody has a lease on the blob", code="azure.leased", hint="whoever holds the lease has to release it")
    if code in _ABSENT:
        return InputWrong(f"cannot {verb}: there is no such container here", code="azure.no_container", hint="check the container and endpoint_url")
    if code == "SnapshotsPresent":
        return NotSupported("a blob cannot be deleted while snapshots of it stay", code="azure.snapshots", hint="delete its snapshots too")
    return None


def _by_status(status: int, code: str, verb: str) -> DsrError:
    if status == 404:
        return Conflict(f"cannot {verb}: it is gone", code="azure.gone")
    if status in (409, 412):
        return Conflict(f"cannot {verb}: it changed meanwhile", code="azure.changed")
    if status in (401, 403):
        return NotAllowed(f"not allowed to {verb} ({code})", code="azure.denied", hint="grant the account this permission")
    if status in (408, 429) or (status >= 500 and status != 501):
        return Unreachable(f"the store could not {verb} now ({code})", code="azure.busy")
    return NotSupported(f"the store refused to {verb} ({code})", code="azure.refused")


@contextlib.contextmanager
def asking(verb: str) -> Iterator[None]:
    """Turns the foreign errors of one request into the engine's families."""
    try:
        yield
    except AzureError as error:
        raise translated(error, verb) from None


def optional(answer: Any) -> str:
    """A header as text; empty where there is none."""
    return "" if answer is None else str(answer)
