"""What a file system says of a mail's file, where that is worth to be believed: the file had rested when it was read, on a disk whose times tell."""

import os
from datetime import timedelta

from dsr_engine.domain.clock import SystemClock
from dsr_engine.drivers.objectstore.folder_times import unchanged_since

#: For so long a file must have rested before it is read: times are coarse, and what is written through a mapping gets its time late.
RESTED = timedelta(hours=1)


def told_of(facts: os.stat_result) -> tuple[str, ...]:
    """What changes with every write to the file, also one that puts its times back; empty where that is not sure."""
    tag = f"{facts.st_dev}:{facts.st_ino}:{facts.st_size}:{facts.st_mtime_ns}:{facts.st_ctime_ns}"
    same = unchanged_since(tag)
    return (tag,) if same is not None and same.since <= SystemClock().now() - RESTED else ()
