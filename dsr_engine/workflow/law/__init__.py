"""What the laws of a case ask for: limits and what stops them, why erasing is due, what may stay, appeals, orders."""
