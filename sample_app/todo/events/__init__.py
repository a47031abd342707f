"""What other parts of the service do when a todo has changed."""
