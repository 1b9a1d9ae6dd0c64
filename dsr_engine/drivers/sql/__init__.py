"""Relational databases: PostgreSQL, MariaDB/MySQL and SQLite through SQLAlchemy, and others by the same code."""
