"""Requests that controllers and partners hand in by the protocols of their trade: each becomes a case once."""
