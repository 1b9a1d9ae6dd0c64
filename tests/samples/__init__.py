"""Databases whose structure nobody made for these tests: well-known public samples, rebuilt small with people that do not exist."""
