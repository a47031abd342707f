"""What commands and queries do."""
