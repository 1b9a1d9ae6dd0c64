"""Tables of the Delete Request and Opt-out Platform: what was downloaded, what became of it, and what was answered.

The platform's hashes are unsalted, so whoever has one can try addresses on it. They are never stored: `digest` is an HMAC of the list and the hash
under a key of its own (`store/drop_key.py`), which is all that comparing takes.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table

from dsr_engine.store.tables import Blob, Instant, metadata

drop_batches = Table(
    "drop_batches",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("archive", String, nullable=False, unique=True),
    Column("received_at", Instant, nullable=False),
    Column("by_hand", Boolean, nullable=False),
    Column("items", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("rules", String, nullable=False),
    Column("matched_at", Instant),
    Column("complete_at", Instant),
)

#: An archive between its arrival and the transaction that takes it in: the platform hands each out once. Sealed under the key of the list.
drop_archives = Table(
    "drop_archives",
    metadata,
    Column("name", String, primary_key=True),
    Column("sealed", Blob, nullable=False),
    Column("arrived_at", Instant, nullable=False),
)

#: The lists of a batch and what their files were called: answers go under the same names.
drop_files = Table(
    "drop_files",
    metadata,
    Column("batch_id", String, ForeignKey("drop_batches.id"), primary_key=True),
    Column("list", String, primary_key=True),
    Column("name", String, nullable=False),
)

drop_items = Table(
    "drop_items",
    metadata,
    Column("id", String, primary_key=True),
    Column("list", String, nullable=False),
    Column("digest", Blob, nullable=False, index=True),
    Column("batch_id", String, ForeignKey("drop_batches.id"), nullable=False),
    Column("case_id", String, index=True),
    Column("status", Integer),
    Column("reported", Integer),
    Column("looked_at", Instant),
    Column("removed_at", Instant),
    Index("ix_drop_items_batch_id", "batch_id", "list", "id"),
)

#: A file of answers. It is kept before it is sent, so that one that was sent and not noted is sent again as it was; `content` goes afterwards.
drop_answers = Table(
    "drop_answers",
    metadata,
    Column("name", String, primary_key=True),
    Column("manner", String, primary_key=True),
    Column("batch_id", String, ForeignKey("drop_batches.id"), nullable=False, index=True),
    Column("rows", BigInteger, nullable=False),
    Column("sha256", String, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("tried_at", Instant),
    Column("sent_at", Instant),
    Column("by_hand", Boolean, nullable=False),
    Column("content", Blob),
)

drop_accesses = Table(
    "drop_accesses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("outcome", String, nullable=False),
    Column("code", String, nullable=False),
    Column("by_hand", Boolean, nullable=False),
)

#: Where the last comparison could not look: while there is anything here, nobody is reported as not found.
drop_gaps = Table(
    "drop_gaps",
    metadata,
    Column("system", String, primary_key=True),
    Column("collection", String, primary_key=True),
    Column("code", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("accepted_by", String),
)
