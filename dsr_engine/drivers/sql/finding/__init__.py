"""Reads: slices, scans past the gate, equality where a key is known, dates, and the pace of all that."""
