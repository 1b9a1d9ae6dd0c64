"""What a bucket's refusals mean in the engine's families. A foreign error's text may hold a key name, so only its code goes on."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError, PartialCredentialsError

from dsr_engine.domain.errors import Conflict, DsrError, InputWrong, NotAllowed, NotSupported, Unreachable

_GONE = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound"})
_MOVED_ON = frozenset({"412", "PreconditionFailed", "ConditionalRequestConflict", "409"})
_REFUSED = frozenset(
    {"403", "401", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled", "ExpiredToken", "AccountProblem"}
)
_ABSENT_BUCKET = frozenset({"NoSuchBucket", "PermanentRedirect", "AuthorizationHeaderMalformed", "301"})
_NOT_MADE = frozenset({"NotImplemented", "501", "MethodNotAllowed", "405", "XNotImplemented"})
_BUSY = frozenset({"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "RequestTimeTooSkewed", "Throttling", "ThrottlingException"})


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def translated(error: BotoCoreError | ClientError, verb: str) -> DsrError:
    """The error's family. `verb` says in plain words what was tried."""
    if isinstance(error, ClientError):
        return _answered(error, verb)
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return NotAllowed(f"no credentials to {verb}", code="s3.credentials", hint="set access_key and secret_key, or the AWS environment variables")
    if isinstance(error, ParamValidationError):
        return InputWrong(f"the bucket's settings do not allow to {verb}", code="s3.settings", hint="check bucket, prefix and endpoint_url")
    return Unreachable(
        f"the store did not answer to {verb} ({type(error).__name__})", code="s3.unreachable", hint="check endpoint_url and the network"
    )


def _answered(error: ClientError, verb: str) -> DsrError:
    code, status = code_of(error), _status_of(error)
    if code in _GONE or code.endswith(("NotFoundError", "NotFound")) or code.startswith("NoSuchObjectLock"):
        return Conflict(f"cannot {verb}: it is gone", code="s3.gone")
    if code in _MOVED_ON:
        return Conflict(f"cannot {verb}: it changed meanwhile", code="s3.changed")
    if code == "InvalidObjectState":
        told: Mapping[str, object] = {**error.response.get("Error", {})}
        where = next((str(told[name]) for name in ("AccessTier", "StorageClass") if told.get(name)), "an archive class")
        return NotSupported(
            f"an object lies in {where.lower().replace('_', ' ')} and was not read: restore it and search again, or let it be deleted by its name",
            code="s3.archived",
            hint="restore the object from its archive class first (a restoration takes minutes to two days)",
        )
    if code in _ABSENT_BUCKET:
        return InputWrong(f"cannot {verb}: there is no such bucket here", code="s3.no_bucket", hint="check bucket, region and endpoint_url")
    if code in _REFUSED or status in (401, 403):
        return NotAllowed(f"not allowed to {verb} ({code})", code="s3.denied", hint="grant the credential this permission")
    if code in _BUSY or (status >= 500 and code not in _NOT_MADE):
        return Unreachable(f"the store could not {verb} now ({code})", code="s3.busy")
    return NotSupported(
        f"the store refused to {verb} ({code})", code="s3.refused", hint="objects under a customer's key (SSE-C) and some clones answer so"
    )


@contextlib.contextmanager
def asking(verb: str) -> Iterator[None]:
    """Turns the foreign errors of one request into the engine's families."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise translated(error, verb) from None


def answer_or_nothing(request: Callable[[], Mapping[str, Any]], verb: str) -> Mapping[str, Any]:
    """The answer; empty where the store says that there is no such thing. Raises `NotAllowed`, `InputWrong` and `Unreachable` as `asking` does."""
    try:
        with asking(verb):
            return request()
    except (Conflict, NotSupported):
        return {}
