"""The clock: which jobs there are, when each is due, and running each exactly once among all processes."""
