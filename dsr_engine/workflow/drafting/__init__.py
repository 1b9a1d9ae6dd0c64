"""Drafts a manifest from a live database or from somebody else's description of it. Guesses come with their reasons; a human decides."""
