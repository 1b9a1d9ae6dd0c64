"""What a person can do where the operating system refuses a file: by its number, as its texts name paths."""

import errno

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_TOO_MANY = frozenset({errno.EMFILE, errno.ENFILE})

#: Refusals that last until somebody changes a right or a mount.
DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def remedy(error: OSError) -> str:
    """For a sentence's hint."""
    if error.errno in _FULL:
        return "free space on the disk, or raise the account's quota there; what was begun goes on by itself"
    if error.errno == errno.EROFS:
        return "the file system is mounted read-only: mount it for writing"
    if error.errno in DENIED:
        return "run as the account that owns the files"
    if error.errno in _TOO_MANY:
        return "raise the limit of open files (ulimit -n)"
    return "see that the disk is mounted and sound"
