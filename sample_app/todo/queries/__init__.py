"""What can be asked about todos."""
