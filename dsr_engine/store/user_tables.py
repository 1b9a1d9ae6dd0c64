"""Tables of those who sign in: accounts, their factors, their sessions, tokens for programs, and how often somebody tried."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, false

from dsr_engine.store.tables import Blob, Instant, metadata

#: `password` is an argon2id string (empty: none), `totp` a sealed secret; `totp_step` the last time step that was used: no code counts twice.
#: `subject` is a digest of whom an identity provider means.
users = Table(
    "users",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("password", String, nullable=False),
    Column("totp", Blob),
    Column("totp_step", Integer),
    Column("subject", String),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
    UniqueConstraint("name"),
    UniqueConstraint("subject"),
)

#: `id` is the credential's id in base64url, `public_key` a COSE key (WebAuthn).
passkeys = Table(
    "passkeys",
    metadata,
    Column("id", String, primary_key=True),
    Column("user_id", String, ForeignKey("users.id"), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("public_key", Blob, nullable=False),
    Column("sign_count", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
)

#: Codes for whoever lost their second factor. `digest` is keyed; a code that was used is no row any more.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("digest", Blob, primary_key=True),
    Column("user_id", String, ForeignKey("users.id"), nullable=False, index=True),
)

#: Links by which somebody sets their own first password. `digest` is SHA-256 of the link's secret.
invitations = Table(
    "invitations",
    metadata,
    Column("digest", Blob, primary_key=True),
    Column("user_id", String, ForeignKey("users.id"), nullable=False, index=True),
    Column("ends_at", Instant, nullable=False),
)

#: `digest` is SHA-256 of the random value that only the browser has. `confirmed_at` is when the user last proved a second factor in it.
#: `is_half`: the password was right, the second factor is still to come; nobody is signed in by it.
web_sessions = Table(
    "web_sessions",
    metadata,
    Column("digest", Blob, primary_key=True),
    Column("user_id", String, ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
    Column("confirmed_at", Instant),
    Column("is_half", Boolean, nullable=False, server_default=false()),
)

#: `digest` is SHA-256 of the token. `permissions` are those that it was given, never more than its maker had. `maker_id` is the token that it was
#: made with: it is revoked with it.
api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("digest", Blob, nullable=False),
    Column("user_id", String, ForeignKey("users.id"), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("permissions", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("maker_id", String),
    Column("is_revoked", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("digest"),
)

#: `digest` is a keyed digest of what is counted (an account, an address, an identifier), so that nobody's address is kept here.
throttles = Table(
    "throttles",
    metadata,
    Column("digest", Blob, primary_key=True),
    Column("begun_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("count", Integer, nullable=False),
    Index("ix_throttles_ends_at", "ends_at"),
)
