"""DSR Engine: erases a person from declared systems, looks again, and proves it."""
