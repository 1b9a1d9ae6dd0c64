"""What is said where the operating system refuses a file: what to do about this very refusal, and never a path."""

import errno
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from dsr_engine.domain.errors import NotAllowed, Unreachable
from dsr_engine.drivers.mailstore.disk import disk_errors
from dsr_engine.drivers.objectstore.folder_errors import touching

Turned = Callable[[], AbstractContextManager[None]]


@pytest.mark.parametrize("turned", [disk_errors, lambda: touching("write it")])
def test_a_full_disk_is_told_as_one(turned: Turned) -> None:
    with pytest.raises(Unreachable) as caught, turned(), open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123  # Path has no unbuffered writing
        full.write(b"x")
    assert "ENOSPC" in caught.value.message
    assert "free space" in str(caught.value.hint)


@pytest.mark.parametrize("turned", [disk_errors, lambda: touching("write it")])
@pytest.mark.parametrize(
    ("number", "kind", "hint"),
    [
        (errno.EDQUOT, Unreachable, "quota"),
        (errno.EROFS, NotAllowed, "read-only"),
        (errno.EACCES, NotAllowed, "the account that owns"),
        (errno.EMFILE, Unreachable, "ulimit -n"),
        (errno.EIO, Unreachable, "mounted and sound"),
    ],
)
def test_every_refusal_says_what_to_do(turned: Turned, number: int, kind: type[Exception], hint: str) -> None:
    with pytest.raises(kind, match=r"^[^/]*$") as caught, turned():
        raise OSError(number, "refused", "/home/jane.doe@example.com")
    assert hint in str(getattr(caught.value, "hint", ""))
