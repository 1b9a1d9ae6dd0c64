"""What the database says, in the engine's own words: its errors carry statements and values, which must not travel."""

import contextlib
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dsr_engine.domain.errors import Conflict, DsrError, InputWrong, Unreachable

_SCHEMA = ("no such table", "no such column", "undefinedtable", "undefinedcolumn")
_BUSY = ("database is locked", "locknotavailable", "deadlockdetected", "serializationfailure")


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raises `Conflict`, `Unreachable` or `InputWrong` in place of any SQLAlchemy error."""
    try:
        yield
    except SQLAlchemyError as error:
        raise _family(error) from None


def _family(error: SQLAlchemyError) -> DsrError:
    original = error.orig if isinstance(error, StatementError) else None
    if isinstance(original, DsrError):
        return original
    sign = f"{type(original).__name__} {original}".casefold()
    if isinstance(error, IntegrityError):
        return Conflict("the store holds this row already, or lacks the row that it refers to", code="store.integrity")
    if any(words in sign for words in _SCHEMA):
        return InputWrong("the store's tables are not those of this version", code="store.schema", hint="migrate the store first")
    if any(words in sign for words in _BUSY) or isinstance(error, PoolTimeout):
        return Unreachable("the store is busy", code="store.busy", hint="try again; another process holds it")
    if isinstance(error, OperationalError):
        return Unreachable(
            f"the store did not answer ({type(original).__name__})",
            code="store.unreachable",
            hint="look at the database server, its disk and the store's url",
        )
    name = type(original or error).__name__
    kind = "the store's database refused a statement" if isinstance(error, DBAPIError) else "the store was used wrongly"
    return InputWrong(f"{kind} ({name})", code="store.refused")
