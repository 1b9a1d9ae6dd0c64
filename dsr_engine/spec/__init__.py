"""YAML in: the files that people write become domain objects, or errors with line and column."""
