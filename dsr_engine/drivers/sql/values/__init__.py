"""Rows and values: one written form for equal data, and what can stand in for a value of each type."""
