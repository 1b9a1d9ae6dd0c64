"""Mail stores: Maildir, mbox and IMAP behind one driver."""
