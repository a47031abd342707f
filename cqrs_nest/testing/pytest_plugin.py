"""Fixtures for applications built on cqrs_nest."""
