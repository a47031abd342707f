"""What `cqrs-nest new` makes a project of: the sample application and the files around it."""
