"""Messages and what comes with them: MIME, mbox, Outlook, TNEF, address cards, calendars."""
