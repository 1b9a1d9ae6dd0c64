"""Searching on several machines: slices of systems are handed to workers of a Dask cluster and what they find comes back."""
