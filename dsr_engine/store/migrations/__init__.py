"""How the schema came to be, step by step. Alembic reads this folder; `store/schema.py` runs it."""
