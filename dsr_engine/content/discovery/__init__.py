"""Recognises personal data of nobody in particular, in single values and in long texts."""
