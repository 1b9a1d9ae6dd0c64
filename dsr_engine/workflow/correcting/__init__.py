"""What people change in a plan before it is approved, and whether somebody else approves it."""
