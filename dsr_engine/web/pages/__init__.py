"""Pages for people, one blueprint for each noun."""
