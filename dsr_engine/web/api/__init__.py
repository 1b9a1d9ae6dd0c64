"""The REST API for programs, one blueprint for each noun."""
