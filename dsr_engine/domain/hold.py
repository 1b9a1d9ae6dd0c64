"""Legal holds: what they protect. A hold beats every rule (GDPR Art. 17(3)(e); FRCP 37(e))."""

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from dsr_engine.domain.policy import category_covers


@dataclass(frozen=True, slots=True)
class Hold:
    """Every part that is given must match for a record to be held; a hold with none protects everything. `matter` never leaves the store."""

    id: str
    reason: str
    placed_by: str
    placed_at: datetime
    case: str | None = None
    system: str | None = None
    collection: str | None = None
    category: str | None = None
    lifted_at: datetime | None = None

    def covers(self, *, case: str, system: str, collection: str, categories: tuple[str, ...]) -> bool:
        """True if a record of this collection, with data of these categories, must not be touched."""
        return (
            self.lifted_at is None
            and self.case in (None, case)
            and self.system in (None, system)
            and (self.collection is None or fnmatchcase(f"{system}.{collection}", self.collection))
            and (self.category is None or any(category_covers(self.category, entry) for entry in categories))
        )
