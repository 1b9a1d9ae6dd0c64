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


class DsrError(Exception):
    """What went wrong, as one sentence without personal data.

    `code` is stable and machine-readable (`sql.no_primary_key`); `hint` says how to mend it.
    """

    def __init__(self, message: str, *, code: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


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
