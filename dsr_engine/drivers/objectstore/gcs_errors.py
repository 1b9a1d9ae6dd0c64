"""What Google Cloud Storage's refusals mean in the engine's families. A foreign error's text may hold an object's name, so only its kind goes on."""

import contextlib
from collections.abc import Iterator

from google.api_core.exceptions import ClientError, GoogleAPICallError, RetryError, TooManyRequests
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from requests.exceptions import RequestException

from dsr_engine.domain.errors import Conflict, DsrError, NotAllowed, NotSupported, Unreachable

_FOREIGN = (GoogleAPICallError, RetryError, GoogleAuthError, RequestException, ValueError)


def translated(error: Exception, verb: str) -> DsrError:
    """The error's family. `verb` says in plain words what was tried."""
    if isinstance(error, DefaultCredentialsError):
        hint = "name a key file in GOOGLE_APPLICATION_CREDENTIALS, or run where a service account is"
        return NotAllowed(f"no credentials to {verb}", code="gcs.credentials", hint=hint)
    if isinstance(error, ClientError) and not isinstance(error, TooManyRequests):
        return _refused(int(error.code or 0), verb)
    if isinstance(error, ValueError) and not isinstance(error, RequestException):
        return NotSupported(f"the store was not asked to {verb}: its library refused", code="gcs.refused", hint="check the system's settings")
    return Unreachable(
        f"the store did not answer to {verb} ({type(error).__name__})", code="gcs.unreachable", hint="check endpoint_url and the network"
    )


def _refused(status: int, verb: str) -> DsrError:
    if status == 404:
        return Conflict(f"cannot {verb}: it is gone", code="gcs.gone")
    if status in (409, 412):
        return Conflict(f"cannot {verb}: it changed meanwhile", code="gcs.changed")
    if status in (401, 403):
        return NotAllowed(
            f"not allowed to {verb}", code="gcs.denied", hint="grant the account this permission; an object may also be held or retained"
        )
    return NotSupported(f"the store refused to {verb} ({status})", code="gcs.refused", hint="objects under a customer's own key answer so")


@contextlib.contextmanager
def asking(verb: str) -> Iterator[None]:
    """Turns the foreign errors of one request into the engine's families."""
    try:
        yield
    except _FOREIGN as error:
        raise translated(error, verb) from None
