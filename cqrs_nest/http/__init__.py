"""HTTP: controllers served over ASGI, with everything about a route compiled at start."""

from starlette.datastructures import UploadFile

from cqrs_nest.http.application import HttpApplication
from cqrs_nest.http.dto import Dto
from cqrs_nest.http.errors import InvalidControllerError
from cqrs_nest.http.options import CorsOptions, HttpOptions, ValidationOptions
from cqrs_nest.http.rate_limit import RateLimit
from cqrs_nest.http.router_module import RouterModule, RouteTree
from cqrs_nest.http.routes import RouteDefinition
from cqrs_nest.http.security_headers import SECURITY_HEADERS
from cqrs_nest.http.validation_pipe import ValidationPipe
from cqrs_nest.http.versioning import CustomVersioning, HeaderVersioning, MediaTypeVersioning, UriVersioning

__all__ = [
    "SECURITY_HEADERS",
    "CorsOptions",
    "CustomVersioning",
    "Dto",
    "HeaderVersioning",
    "HttpApplication",
    "HttpOptions",
    "InvalidControllerError",
    "MediaTypeVersioning",
    "RateLimit",
    "RouteDefinition",
    "RouteTree",
    "RouterModule",
    "UploadFile",
    "UriVersioning",
    "ValidationOptions",
    "ValidationPipe",
]
