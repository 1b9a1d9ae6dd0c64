"""The servers: sessions, transactions, what each dialect can tell, and what its complaints mean."""
