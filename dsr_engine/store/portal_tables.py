"""Tables of the requesters' door: what waits to be confirmed, private links, visits by them, what requesters wrote, letters to download."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from dsr_engine.store.tables import Blob, Instant, metadata

#: `digest` is SHA-256 of a secret that only the requester's browser has; `sealed` opens with that secret and nothing else.
#: `code` is a digest under the same secret.
portal_requests = Table(
    "portal_requests",
    metadata,
    Column("digest", Blob, primary_key=True),
    Column("id", String, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
    Column("sealed", Blob, nullable=False),
    Column("code", Blob),
    Column("code_until", Instant),
    Column("tries", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
)

#: `digest` is SHA-256 of the secret in the link; the secret is kept nowhere.
portal_links = Table(
    "portal_links",
    metadata,
    Column("digest", Blob, primary_key=True),
    Column("case_id", String, ForeignKey("cases.id"), nullable=False, index=True),
    Column("part", String, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Column("judged", String, nullable=False),
    Column("code", Blob),
    Column("code_until", Instant),
    Column("tries", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
    Index("ix_portal_links_judged", "judged", "confirmed_at"),
)

#: A browser in which a code was answered lately. `digest` is SHA-256 of the random value in its cookie.
portal_visits = Table(
    "portal_visits",
    metadata,
    Column("digest", Blob, primary_key=True),
    Column("link", Blob, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
)

#: Sealed under the key of the case's correspondence, so that what a refused requester objects can still be read.
portal_notes = Table(
    "portal_notes",
    metadata,
    Column("id", String, primary_key=True),
    Column("case_id", String, ForeignKey("cases.id"), nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("sealed", Blob, nullable=False),
    Column("read_at", Instant),
    Index("ix_portal_notes_read_at", "read_at", "at"),
)

#: Messages that were sent, as the outbox had them: sealed under the key of the case's correspondence.
portal_letters = Table(
    "portal_letters",
    metadata,
    Column("id", String, primary_key=True),
    Column("case_id", String, ForeignKey("cases.id"), nullable=False, index=True),
    Column("purpose", String, nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("sealed", Blob, nullable=False),
)
