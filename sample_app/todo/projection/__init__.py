"""The read model: todos in SQL."""
