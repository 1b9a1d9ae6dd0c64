"""What the operating system's refusals mean in the engine's families; its texts hold paths, so they are not passed on."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from dsr_engine.domain.errors import Conflict, NotAllowed, Unreachable
from dsr_engine.drivers.remedies import DENIED, remedy

_CHANGED = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST})


@contextmanager
def touching(verb: str) -> Iterator[None]:
    """Turns an `OSError` into `Conflict` (gone, changed), `NotAllowed` or `Unreachable`."""
    try:
        yield
    except FileNotFoundError:
        raise Conflict(f"cannot {verb}: it is gone", code="folder.gone") from None
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "")
        if error.errno in _CHANGED:
            raise Conflict(f"cannot {verb}: it changed", code="folder.changed") from None
        if error.errno in DENIED:
            raise NotAllowed(f"not allowed to {verb} ({name})", code="folder.denied", hint=remedy(error)) from None
        raise Unreachable(f"could not {verb} ({name})", code="folder.broken", hint=remedy(error)) from None
