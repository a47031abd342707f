"""A todo service on cqrs_nest: the application that teams start from."""
