"""What is there: tables, columns, keys, links, triggers, as the live catalogue and the manifest say."""
