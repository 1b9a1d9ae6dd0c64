"""Systems: one protocol, one driver per kind of system, wrappers around the protocol."""
