"""The engine's own rows: cases, plans, results, the ledger, sealed keys."""
