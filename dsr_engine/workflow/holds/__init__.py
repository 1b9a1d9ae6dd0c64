"""What protects data from erasure, and what restricts what has to stay."""
