"""Telling those who had received the data, and what they answer."""
