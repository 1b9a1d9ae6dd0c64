"""Tables of the API and of other programs: answers to calls that may be repeated, events on their way, requests that partners handed in."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from dsr_engine.store.tables import Blob, Instant, metadata

#: `digest` is a keyed digest of token and key, `fingerprint` one of what was asked. `answer` is sealed under the web's key; None: not known yet.
api_answers = Table(
    "api_answers",
    metadata,
    Column("digest", Blob, primary_key=True),
    Column("fingerprint", Blob, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
    Column("status", Integer),
    Column("answer", Blob),
)

#: How far each subscriber of `partners.yaml` was told: `next_leaf` is the first leaf of the ledger that it was not told of.
webhook_cursors = Table(
    "webhook_cursors",
    metadata,
    Column("subscriber", String, primary_key=True),
    Column("next_leaf", Integer, nullable=False),
    Column("alarms_at", Instant),
)

#: `number` counts a subscriber's events; they go out in its order. `cause` is what the event is about (a leaf, a limit), once for each subscriber.
webhook_events = Table(
    "webhook_events",
    metadata,
    Column("id", String, primary_key=True),
    Column("subscriber", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("cause", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try", Instant),
    Column("settled_at", Instant),
    Column("code", String, nullable=False),
    Index("ix_webhook_events_cause", "subscriber", "cause", unique=True),
    Index("ix_webhook_events_queue", "subscriber", "state", "number"),
)

#: A request of a partner that became a case. `digest` is a keyed digest of the partner and its id for the request; `request_id` is that id where the
#: partner wants to be called back, else empty.
partner_requests = Table(
    "partner_requests",
    metadata,
    Column("digest", Blob, primary_key=True),
    Column("partner", String, nullable=False),
    Column("case_id", String, ForeignKey("cases.id"), nullable=False, index=True),
    Column("received_at", Instant, nullable=False),
    Column("request_id", String, nullable=False),
    Column("callbacks", Text, nullable=False),
    Column("told", String, nullable=False),
)
