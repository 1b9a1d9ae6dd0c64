"""Copies of a person's data: the right of access (GDPR Art. 15), of portability (Art. 20), and to know (Cal. Civ. Code § 1798.110)."""
