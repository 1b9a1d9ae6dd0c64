"""California's Delete Request and Opt-out Platform: fetch lists, compare them with our records, open cases, answer (Civ. Code § 1798.99.86)."""
