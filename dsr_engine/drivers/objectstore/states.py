"""What is there now, always read from the store itself."""

from dataclasses import dataclass
from hashlib import sha256

from dsr_engine.domain.errors import Conflict, NotAllowed, NotSupported, Unreachable
from dsr_engine.domain.record import Locator
from dsr_engine.drivers.objectstore.shelf import UPLOAD_VERSION, Labels, Shelf, Stored, content_digest, state_of

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """One version and its state at one moment. `hidden_by` says why its content and labels are not known, where they are not."""

    stored: Stored
    labels: Labels
    state: bytes
    hidden_by: NotAllowed | NotSupported | None = None


class States:
    """Looks files up and digests them."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def at(self, locator: Locator) -> Stored | None:
        """The version that the locator names. One that was found before the bucket kept versions is the `null` version since."""
        key, *version = locator.key
        wanted = version[0] if version else None
        if wanted is not None and wanted.startswith(UPLOAD_VERSION):
            return next((one for one in self._shelf.uploads(key) if one.version == wanted), None)
        names = {wanted, "null"} if wanted == "" else {wanted}
        return next((one for one in self._shelf.versions(key) if one.version in names), None)

    def seen(self, locator: Locator) -> Seen | None:
        """The version and its state; None where it is not there. Read again when it changes meanwhile."""
        for _ in range(_ATTEMPTS):
            stored = self.at(locator)
            if stored is None:
                return None
            try:
                return self.digested(stored)
            except Conflict:
                continue
        raise Unreachable("a file changed every time that it was read", code="objectstore.restless", hint="try when nobody writes it")

    def digested(self, stored: Stored) -> Seen:
        """The state of this version; raises `Conflict` when it is another by now.

        What cannot be opened (archived, under a key that this account may not use) is known by the store's tag.
        """
        try:
            labels = self._shelf.labels(stored)
            return Seen(stored, labels, state_of(self._content(stored), labels))
        except (NotAllowed, NotSupported) as error:
            return Seen(stored, Labels(), sha256(f"unread {stored.tag} {stored.size}".encode()).digest(), error)

    def _content(self, stored: Stored) -> bytes:
        if stored.bare is not None:
            return sha256(b"bare " + stored.bare).digest()
        with self._shelf.open(stored) as source:
            return content_digest(source)

    def heir(self, locator: Locator) -> Seen | None:
        """The version that this engine wrote in place of one that is gone."""
        key, *version = locator.key
        if not version or not version[0]:
            return None
        for stored in self._shelf.versions(key):
            if stored.bare is None and self._shelf.labels(stored).replaces == version[0]:
                return self.digested(stored)
        return None
