"""HTTP: controllers served over ASGI, with everything about a route compiled at start."""

from starlette.datastructures import UploadFile

from cqrs_nest.http.application import HttpApplication
from cqrs_nest.http.dto import Dto
from cqrs_nest.http.errors import InvalidControllerError
from cqrs_nest.http.options import CorsOptions, HttpOptions, ValidationOptions
from cqrs_nest.http.routes import RouteDefinition

__all__ = [
    "CorsOptions",
    "Dto",
    "HttpApplication",
    "HttpOptions",
    "InvalidControllerError",
    "RouteDefinition",
    "UploadFile",
    "ValidationOptions",
]
