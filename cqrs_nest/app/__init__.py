"""Applications: ASGI for servers, a handler for AWS Lambda."""

from cqrs_nest.app.application import NestApplication
from cqrs_nest.app.factory import AsgiApplication, CqrsNest
from cqrs_nest.app.lambda_handler import create_handler

__all__ = ["AsgiApplication", "CqrsNest", "NestApplication", "create_handler"]
