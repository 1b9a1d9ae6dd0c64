"""The key of a case's correspondence: where the requester is reached, and what is on its way to them.

It is not the case's own key. A refused or withdrawn case forgets its identifiers at once, and the person must be told all the same (GDPR Art. 12(4)):
so the address and the letter outlive the case's key, and nothing else does. The key has epochs of its own, so that no letter keeps the identifiers of
another case of that day readable in an old backup.
"""

from sqlalchemy import delete

from dsr_engine.domain.errors import Conflict
from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.tables import shredded
from dsr_engine.store.vault import Vault
from dsr_engine.store.work import Work

#: The epochs of these keys begin with this.
FAMILY = "post-"


def name_of(case: str) -> str:
    """What the key is called in the vault."""
    return f"{case}/post"


class PostKeys:
    """Gives the key of a case's correspondence within one transaction, and makes it with the first thing that is to be sealed."""

    def __init__(self, tx: Work, vault: Vault) -> None:
        self._tx = tx
        self._vault = vault
        self._keys: dict[str, CaseKey] = {}

    def of(self, case: str) -> CaseKey:
        """The key. Raises `Conflict` (`post.over`) once the correspondence about the case was forgotten."""
        if case not in self._keys:
            try:
                self._keys[case] = self._vault.within(self._tx, name_of(case))
            except Conflict as error:
                raise _over(case) if error.code == "vault.shredded" else error from None
        return self._keys[case]

    def made(self, case: str) -> CaseKey:
        """The key, made now if there is none yet."""
        try:
            return self.of(case)
        except Conflict as error:
            if error.code != "vault.no_key":
                raise
        self._vault.create(self._tx, name_of(case), family=FAMILY)
        return self.of(case)

    def forget(self, case: str, *, is_gone: bool = False) -> None:
        """Shreds the key; may be repeated. Call `Store.scrub` after the commit. `is_gone`: its name comes back never, and need not be remembered."""
        self._keys.pop(case, None)
        self._vault.shred(self._tx, name_of(case))
        if is_gone:
            self._tx.connection.execute(delete(shredded).where(shredded.c.case_id == name_of(case)))


def _over(case: str) -> Conflict:
    return Conflict(
        f"the correspondence about case {case} is over: the requester's address and all letters are forgotten",
        code="post.over",
        hint="write to the person by other means and record it with `dsr letter CASE KIND --record-sent DATE`",
    )
