"""The verbs: one file per stage of a case; stages.py is the table of contents."""
