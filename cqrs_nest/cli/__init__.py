"""The `cqrs-nest` command."""
