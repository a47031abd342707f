"""`cqrs-nest generate`: files in the style of the sample application, wired into the modules of a project."""
