"""What is written to requesters and officers, and how it fares."""
