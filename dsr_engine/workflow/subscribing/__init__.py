"""Programs outside that are told what happens: events are written down from the ledger, then sent."""
