"""Who may come in through the web's doors: accounts, what they prove themselves with, their sessions."""
