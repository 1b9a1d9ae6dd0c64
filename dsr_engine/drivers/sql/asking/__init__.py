"""Answers an administrator: privileges, sizes, what a manifest could say. Never part of a case's effects."""
