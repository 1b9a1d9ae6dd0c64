"""Paper: the statement, its page, its signature, and the offline check."""
