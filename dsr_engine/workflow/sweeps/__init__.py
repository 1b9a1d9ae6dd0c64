"""Retention sweeps: what is due, counted and cut into tranches."""
