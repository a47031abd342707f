"""What can be asked of todos."""
