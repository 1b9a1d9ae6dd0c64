"""Parquet and ORC, through Arrow in a child that can do nothing else; footers are read and written here."""
