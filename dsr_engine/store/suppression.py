"""Who must not be taken in again, as keyed digests with an end. This is personal data: it needs a basis of its own (R28).

The keys are files beside the others, apart from the case keys: a case is shredded long before its suppression ends. A digest cannot be made anew
under another key, for the value is gone; so a new key serves what comes from now on, and an old one lives until its last digest has ended.
"""

import hmac
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, delete, exists, func, select, update

from dsr_engine.domain.clock import Clock
from dsr_engine.domain.suppression import Basis, Suppressed
from dsr_engine.store.key_files import destroy, secret_in
from dsr_engine.store.staying_tables import suppression
from dsr_engine.store.upsert import upsert

_NUMBERED = re.compile(r"suppression(?:-(\d+))?\.key")


class SuppressionKey:
    """The HMAC keys of the list, in the keys folder. The first is made at first use; the newest serves new digests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._secrets: dict[str, bytes] = {}

    def newest(self) -> str:
        """The name of the key that serves new digests."""
        numbers = self._numbers() or [self._create(1)]
        return str(numbers[-1])

    def names(self) -> tuple[str, ...]:
        """The keys that there are, the oldest first; none before the first use, and none after the list was given up."""
        return tuple(str(number) for number in self._numbers())

    def rotate(self) -> str:
        """Makes a new key for new digests and gives its name."""
        return str(self._create(int(self.newest()) + 1))

    def destroy(self, name: str) -> None:
        """Overwrites and unlinks a key; may be repeated. What was made under it can be linked to nobody any more."""
        self._secrets.pop(name, None)
        destroy(self._path(int(name)))

    def digest(self, kind: str, value: str, key: str = "") -> bytes:
        """HMAC-SHA-256 of a kind and a normalised value (32 bytes) under the named key, else the newest; the same for every case."""
        name = key or self.newest()
        secret = self._secrets.get(name)
        if secret is None:
            secret = self._secrets[name] = self._path(int(name)).read_bytes()
        return hmac.digest(secret, f"{kind}\0{value}".encode(errors="surrogatepass"), "sha256")

    def _create(self, number: int) -> int:
        secret_in(self._path(number))
        return number

    def _numbers(self) -> list[int]:
        if not self._folder.is_dir():
            return []
        found = (_NUMBERED.fullmatch(path.name) for path in self._folder.iterdir())
        return sorted(int(match[1] or 1) for match in found if match)

    def _path(self, number: int) -> Path:
        return self._folder / ("suppression.key" if number == 1 else f"suppression-{number}.key")


class Suppression:
    """The list. It can be asked whether a value is on it, and never what is on it."""

    def __init__(self, connection: Connection, clock: Clock, key: SuppressionKey) -> None:
        self._connection = connection
        self._clock = clock
        self.keys = key

    def digest(self, kind: str, value: str) -> bytes:
        """The keyed digest of a normalised value under the newest key."""
        return self.keys.digest(kind, value)

    def is_suppressed(self, kind: str, value: str) -> bool:
        """True until the end of any digest of the value."""
        made = [self.keys.digest(kind, value, name) for name in self.keys.names()]
        live = (suppression.c.kind == kind, suppression.c.digest.in_(made), suppression.c.until > self._clock.now())
        return bool(self._connection.scalar(select(exists().where(*live))))

    def add(self, entries: Iterable[Suppressed]) -> None:
        """Adds the digests; for one that its case left before on the same basis the later end counts."""
        rows = [
            {
                "key": entry.key,
                "kind": entry.kind,
                "digest": entry.digest,
                "basis": entry.basis,
                "case_id": entry.case,
                "erased_at": entry.erased_at,
                "until": max(entry.until, self._until(entry)),
                "cite": entry.cite,
                "every_days": entry.every_days,
                "looked_at": entry.erased_at,
            }
            for entry in entries
        ]
        upsert(self._connection, suppression, rows)

    def _until(self, entry: Suppressed) -> datetime:
        same = (suppression.c.key == entry.key, suppression.c.kind == entry.kind, suppression.c.digest == entry.digest)
        of_case = (suppression.c.basis == entry.basis, suppression.c.case_id == entry.case)
        return self._connection.scalar(select(suppression.c.until).where(*same, *of_case)) or entry.until

    def live(self) -> Iterator[Suppressed]:
        """Every digest whose end has not come, for those who compare; nothing of it may be shown."""
        for row in self._connection.execute(select(suppression).where(suppression.c.until > self._clock.now())):
            yield Suppressed(row.key, row.kind, row.digest, Basis(row.basis), row.case_id, row.erased_at, row.until, row.cite, row.every_days)

    def due(self, ahead: datetime) -> frozenset[str]:
        """The cases whose erasure has to be done anew by then (`every_days`), of entries that still count."""
        columns = (suppression.c.case_id, suppression.c.every_days, suppression.c.looked_at)
        wanted = select(*columns).where(suppression.c.every_days.is_not(None), suppression.c.until > self._clock.now())
        return frozenset(row.case_id for row in self._connection.execute(wanted) if (ahead - row.looked_at).days >= row.every_days)

    def looked(self, cases: Iterable[str]) -> None:
        """The systems were searched for these people now."""
        for case in cases:
            self._connection.execute(update(suppression).where(suppression.c.case_id == case).values(looked_at=self._clock.now()))

    def counts(self) -> dict[Basis, tuple[int, datetime]]:
        """How many digests stand on each basis, and when the last of them ends: what a record of processing says, and nothing else."""
        rows = self._connection.execute(
            select(suppression.c.basis, func.count().label("digests"), func.max(suppression.c.until).label("last"))
            .where(suppression.c.until > self._clock.now())
            .group_by(suppression.c.basis)
        )
        return {Basis(row.basis): (int(row.digests), row.last) for row in rows}

    def until(self, case: str) -> datetime | None:
        """When the last digest of this case ends; None where there is none."""
        last: datetime | None = self._connection.scalar(select(func.max(suppression.c.until)).where(suppression.c.case_id == case))
        return last

    def cases_of(self, kind: str, digests: Iterable[bytes]) -> frozenset[str]:
        """The cases that erased whom these digests are of."""
        wanted = select(suppression.c.case_id).where(suppression.c.kind == kind, suppression.c.digest.in_(list(digests)))
        return frozenset(self._connection.scalars(wanted))

    def remove_case(self, case: str) -> int:
        """Removes the digests that a case left; gives how many."""
        return self._connection.execute(delete(suppression).where(suppression.c.case_id == case)).rowcount

    def remove_ended(self) -> int:
        """Removes the digests whose end has come; gives how many."""
        return self._connection.execute(delete(suppression).where(suppression.c.until <= self._clock.now())).rowcount

    def remove_all(self) -> int:
        """Removes everything; gives how many digests there were."""
        return self._connection.execute(delete(suppression)).rowcount

    def idle_keys(self) -> tuple[str, ...]:
        """Keys beside the newest that no digest was made under any more."""
        used = set(self._connection.scalars(select(suppression.c.key).distinct()))
        return tuple(name for name in self.keys.names()[:-1] if name not in used)
