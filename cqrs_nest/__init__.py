"""CQRS services on AWS in the shape of NestJS."""

__version__ = "0.1.0"
