"""Buckets and folders: files as records, each version a record of its own."""
