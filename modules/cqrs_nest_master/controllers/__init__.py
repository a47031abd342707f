"""The HTTP side of master data."""
