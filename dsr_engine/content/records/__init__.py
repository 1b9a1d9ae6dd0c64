"""Rows and objects: delimited text, JSON, Avro, SQLite files."""
