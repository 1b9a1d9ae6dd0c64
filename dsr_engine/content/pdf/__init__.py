"""PDF: read by two readers, redacted by glyph, and read again before it counts."""
