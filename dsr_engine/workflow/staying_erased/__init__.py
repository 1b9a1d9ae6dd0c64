"""What follows an erasure: later looks, suppression, imports, restored backups."""
