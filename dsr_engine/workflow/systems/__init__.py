"""Systems as people look after them: how they are, what they are allowed, what stops them, and connecting another."""
