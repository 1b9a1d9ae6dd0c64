"""Tables of the correspondence: messages on their way, and where a requester can be reached.

What is in a message about a case is sealed under the key of the case's correspondence (`store/post_key.py`) and emptied once it was sent. A message
about no case (an alarm) holds nothing of anybody, so `plain` needs no key; it is emptied all the same.
"""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from dsr_engine.store.tables import Blob, Instant, metadata

outbox = Table(
    "outbox",
    metadata,
    Column("id", String, primary_key=True),
    Column("case_id", String, ForeignKey("cases.id"), index=True),
    Column("purpose", String, nullable=False),
    Column("state", String, nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try", Instant),
    Column("sent_at", Instant),
    Column("code", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("sealed", Blob),
    Column("plain", Blob),
    Index("ix_outbox_state", "state", "next_try"),
)

#: When something was last done that is done now and then: a look into the mailbox of bounces, an alarm that was raised.
post_marks = Table(
    "post_marks",
    metadata,
    Column("what", String, primary_key=True),
    Column("at", Instant, nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True),
    Column("sealed", Blob, nullable=False),
)
