"""Foresees and makes changes: who depends on whom, what a server would refuse, and the one transaction that does it."""
