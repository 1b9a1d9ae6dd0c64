"""Every error that the engine raises on purpose, so that each door can answer it in one way.

    DsrError
    ├── InputWrong      a file, an option or a request is wrong; nothing was done
    ├── Unreachable     a system did not answer; trying again later may help
    ├── NotAllowed      a system answered and refused; somebody must grant something
    ├── NotSupported    no driver or format can do this; somebody must decide otherwise
    ├── ManifestWrong   the live system is not what its manifest says
    ├── Conflict        somebody else changed, holds or owns this; look again first
    └── NotVerified     a proof does not hold

`domain` knows neither exit codes nor HTTP statuses: each door maps the families in one table.
A message says what, where and what to do. It never carries a value of a person.
"""

from traceback import extract_tb


def place_of(error: BaseException) -> str:
    """Where an error was raised, as file and line. Of a mistake of the engine this and its kind are told: its text may hold what was worked on."""
    frames = extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "?"


class DsrError(Exception):
    """What went wrong, as one sentence without personal data.

    `code` is stable and machine-readable (`mail.no_uidplus`); `hint` says how to mend it.
    """

    def __init__(self, message: str, *, code: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        """How it travels between processes: an exception's own way knows nothing of arguments with names."""
        return _told_again, (type(self), self.message, self.code, self.hint)


def _told_again(family: type[DsrError], message: str, code: str, hint: str) -> DsrError:
    return family(message, code=code, hint=hint)


class InputWrong(DsrError):
    """A file, an option or a request cannot be used as it is; nothing was changed."""


class Unreachable(DsrError):
    """A system did not answer in time. Transient: the engine waits and tries again."""


class NotAllowed(DsrError):
    """A system refused us. Permanent until somebody grants the permission that `hint` names."""


class NotSupported(DsrError):
    """No driver, format or server can do what was asked. Permanent."""


class ManifestWrong(DsrError):
    """The live catalogue contradicts the manifest: a field or collection is not there."""


class Conflict(DsrError):
    """The world moved: another worker, another server, another state than the plan was made on."""


class NotVerified(DsrError):
    """A signature, a proof or a digest does not hold."""
