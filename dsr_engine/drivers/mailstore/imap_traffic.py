"""How much one mailbox has moved in the last 24 hours, so that its provider does not lock it (Gmail allows about 2,500 MB of download a day).

The count stands in a small file beside the settings, so that it outlives the process and is one for all processes of the machine. It holds hours and
numbers, and its name is a digest. When the limit is used up a search waits; a change that has begun is always carried through, as it is small and
half of it would be worse.
"""

import fcntl
import hashlib
import os
from pathlib import Path

from dsr_engine.domain.clock import Clock, SystemClock
from dsr_engine.domain.errors import InputWrong, Unreachable
from dsr_engine.drivers.mailstore.imap_account import Account

#: Hours for which a byte counts.
_HOURS = 24
#: Bytes of the file that are read; more is no file of ours.
_MOST = 64 * 1024

#: Why a search waits; `Wait.code`.
DAILY_LIMIT = "mail.daily_limit"


class Traffic:
    """The count of one mailbox. Without a limit it counts nothing."""

    def __init__(self, account: Account, clock: Clock | None = None) -> None:
        self._most, self._clock = account.bytes_per_day, clock or SystemClock()
        line = f"{account.host.lower()}\0{account.port}\0{account.mailbox.lower()}"
        self._path = Path(account.counted_in) / hashlib.sha256(line.encode()).hexdigest()[:32]

    def admit(self) -> None:
        """Raises `Unreachable` (`mail.daily_limit`) while the limit is used up."""
        if self._most and self.note(0) >= self._most:
            raise Unreachable(
                "A mailbox has moved its bytes_per_day",
                code=DAILY_LIMIT,
                hint="the search goes on by itself as the last 24 hours pass; raise bytes_per_day if the provider allows more",
            )

    def note(self, count: int) -> int:
        """Adds bytes, and gives the sum of the last 24 hours."""
        if not self._most:
            return 0
        hour = int(self._clock.now().timestamp()) // 3600
        try:
            handle = self._opened()
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                hours = _recent(os.pread(handle, _MOST, 0), hour)
                hours[hour] = hours.get(hour, 0) + count
                if count:
                    text = "".join(f"{at} {moved}\n" for at, moved in sorted(hours.items())).encode()
                    os.pwrite(handle, text, 0)
                    os.ftruncate(handle, len(text))
            finally:
                os.close(handle)
        except OSError:
            raise InputWrong(
                "The count of bytes_per_day cannot be kept",
                code="mail.no_count",
                hint="let the engine write the folder `traffic` beside systems.yaml, or leave bytes_per_day out",
            ) from None
        return sum(hours.values())

    def _opened(self) -> int:
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _recent(content: bytes, now: int) -> dict[int, int]:
    """Bytes by hour (since 1970), of those that still count. An hour that lies a little ahead counts too: a clock was put back."""
    hours: dict[int, int] = {}
    for line in content.splitlines():
        at, _, moved = line.partition(b" ")
        if at.isdigit() and moved.isdigit() and now - _HOURS < int(at) <= now + _HOURS:
            hours[int(at)] = hours.get(int(at), 0) + int(moved)
    return hours
