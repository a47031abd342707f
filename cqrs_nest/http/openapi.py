"""The OpenAPI 3.1 document, made from the annotations of the routes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from itertools import count
from typing import Any, Final, TypeAlias, TypeVar

from pydantic.json_schema import JsonSchemaMode

from cqrs_nest.common import VERSION_NEUTRAL, StreamableFile
from cqrs_nest.common.api_documentation import (
    API_EXCLUDED,
    API_HEADERS,
    API_OPERATION,
    API_RESPONSES,
    API_SECURITY,
    API_TAGS,
    OperationDocumentation,
)
from cqrs_nest.common.metadata import MetadataKey, find_metadata
from cqrs_nest.common.pipes import ParameterSource
from cqrs_nest.common.routing import REDIRECT, RESPONSE_HEADERS
from cqrs_nest.http.conversion import is_list
from cqrs_nest.http.forms import MULTIPART
from cqrs_nest.http.openapi_schemas import READ, WRITTEN, Schema, Schemas, without_null
from cqrs_nest.http.options import HttpOptions
from cqrs_nest.http.router import ALL_METHODS
from cqrs_nest.http.routes import RouteDefinition
from cqrs_nest.http.signature import REQUIRED, Parameter
from cqrs_nest.http.versioning import HeaderVersioning, MediaTypeVersioning, Versioning

T = TypeVar("T")

Node: TypeAlias = dict[str, Any]

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PLACES: Final = {
    ParameterSource.PARAM: "path",
    ParameterSource.QUERY: "query",
    ParameterSource.HEADERS: "header",
    ParameterSource.COOKIES: "cookie",
}
_PARAMETER: Final = re.compile(r"/[:*]([^/]+)")
_TEXT_TYPES: Final = ("string", "number", "integer", "boolean")
"""Bare values are sent as text, as NestJS does."""
_JSON_FORMATS: Final = ("date-time", "date", "time", "duration", "uri")
"""Those that are texts in JSON only."""
_PHRASES: Final[Mapping[int | None, str]] = {status.value: status.phrase for status in HTTPStatus}
_JSON: Final = "application/json"
_FILE: Final[Schema] = {"type": "string", "format": "binary"}
_ERROR_NAME: Final = "ErrorBody"
_ERROR_REFERENCE: Final[Node] = {"$ref": f"#/components/schemas/{_ERROR_NAME}"}
_ERROR_BODY: Final[Node] = {
    "title": _ERROR_NAME,
    "type": "object",
    "properties": {
        "statusCode": {"type": "integer"},
        "message": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "error": {"type": "string"},
    },
    "required": ["statusCode", "message"],
}


def openapi_document(routes: Sequence[RouteDefinition], options: HttpOptions) -> Node:
    """The document as plain JSON data; excluded controllers and routes are not in it."""
    shown = [route for route in routes if not _is_excluded(route)]
    schemas = Schemas(each for route in shown for each in _annotations(route))
    paths: dict[str, Node] = {}
    versions: dict[tuple[str, str], set[str]] = {}
    operation_ids: set[str] = set()
    for route in shown:
        for method in _METHODS if route.method == ALL_METHODS else (route.method,):
            path = _template(route.path)
            is_first = method.lower() not in paths.get(path, {})
            known = versions.setdefault((path, method), set())
            if not is_first and known.issuperset(route.versions):
                continue  # never reached
            known.update(route.versions)
            operation = _operation(route, schemas, options.versioning)
            operation["operationId"] = _unused(
                f"{route.controller.__name__}_{route.handler_name}", operation_ids
            )
            key = path if is_first else _of_versions(path, route.versions)
            paths.setdefault(key, {})[method.lower()] = operation
    components: Node = {"schemas": {**schemas.components, _ERROR_NAME: _ERROR_BODY}}
    schemes = sorted({name for route in shown for name in _security(route)})
    if schemes:
        bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        components["securitySchemes"] = dict.fromkeys(schemes, bearer)
    info: Node = {"title": options.title, "version": options.version}
    if options.description:
        info["description"] = options.description
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": components}


def _annotations(route: RouteDefinition) -> Iterator[tuple[Any, JsonSchemaMode]]:
    """Everything that needs a schema, and whether it is read from requests or written to answers."""
    for parameter in route.signature.parameters:
        if parameter.marker.source in (*_PLACES, ParameterSource.BODY):
            yield parameter.annotation, READ
    yield route.signature.returns, WRITTEN
    for response in _listed(route, API_RESPONSES):
        yield response.type, WRITTEN


def _of_versions(path: str, versions: Sequence[str]) -> str:
    """A path that can stand beside the same one of other versions: no client sends what follows the `#`."""
    return f"{path}#{','.join(_named(versions)) or 'neutral'}"


def _named(versions: Sequence[str]) -> list[str]:
    return [version for version in versions if version != VERSION_NEUTRAL]


def _operation(route: RouteDefinition, schemas: Schemas, versioning: Versioning | None) -> Node:
    documentation = find_metadata(route.handler, API_OPERATION) or OperationDocumentation()
    text = inspect.getdoc(route.handler) or ""
    first_line, _, rest = text.partition("\n")
    texts = {
        "summary": documentation.summary or first_line,
        "description": documentation.description or rest.strip(),
    }
    operation: Node = {name: value for name, value in texts.items() if value}
    operation["tags"] = _tags(route)
    if documentation.deprecated:
        operation["deprecated"] = True
    parameters = _parameters(route, schemas, versioning)
    if parameters:
        operation["parameters"] = parameters
    body = _request_body(route, schemas)
    if body is not None:
        operation["requestBody"] = body
    operation["responses"] = _responses(route, schemas, versioning)
    security = _security(route)
    if security:
        operation["security"] = [{name: []} for name in security]
    return operation


def _tags(route: RouteDefinition) -> list[str]:
    tags = _listed(route, API_TAGS)
    return list(tags) or [route.controller.__name__.removesuffix("Controller")]


def _parameters(route: RouteDefinition, schemas: Schemas, versioning: Versioning | None) -> list[Node]:
    found: dict[tuple[str, str], Node] = {}

    def add(name: str, place: str, schema: Schema, required: bool, description: str = "") -> None:
        node: Node = {"name": name, "in": place, "required": required or place == "path", "schema": schema}
        found.setdefault((place, name), {**node, "description": description} if description else node)

    for parameter in route.signature.parameters:
        place = _PLACES.get(parameter.marker.source)
        if place is None:
            continue
        schema = without_null(schemas.of(parameter.annotation, READ) or {})
        if parameter.marker.name is not None:
            add(parameter.marker.name, place, schema, parameter.default is REQUIRED)
            continue
        whole = schemas.resolved(schema)
        for name, each in whole.get("properties", {}).items():
            add(name, place, each, name in whole.get("required", ()))
    for segment in route.path.split("/"):
        if segment[:1] in (":", "*"):
            add(segment[1:], "path", {"type": "string"}, required=True)
    if isinstance(versioning, HeaderVersioning) and route.versions:
        versions = _named(route.versions)
        is_asked = VERSION_NEUTRAL not in route.versions
        add(versioning.header, "header", {"type": "string", "enum": versions}, required=is_asked)
    for header in _listed(route, API_HEADERS):
        add(header.name, "header", {"type": "string"}, header.required, header.description)
    return list(found.values())


def _request_body(route: RouteDefinition, schemas: Schemas) -> Node | None:
    parameters = route.signature.parameters
    files = [each for each in parameters if each.marker.source is ParameterSource.FILE]
    bodies = [each for each in parameters if each.marker.source is ParameterSource.BODY]
    if not bodies and not files:
        return None
    whole = next((each for each in bodies if each.marker.name is None), None)
    required = any(each.default is REQUIRED for each in (*bodies, *files))
    schema = {} if whole is None else without_null(schemas.of(whole.annotation, READ) or {})
    if files or whole is None:
        fields = [each for each in bodies if each.marker.name is not None]
        schema = _fields_schema([*fields, *files], schemas, schemas.resolved(schema))
    media_type = MULTIPART if files else _JSON
    return {"required": required, "content": {media_type: {"schema": schema}}}


def _fields_schema(fields: Sequence[Parameter], schemas: Schemas, whole: Schema) -> Schema:
    """The object that single `Body("name")` and `UploadedFile("name")` parameters and a model make up."""
    properties = {str(each.marker.name): _field_schema(each, schemas) for each in fields}
    required = [each.marker.name for each in fields if each.default is REQUIRED]
    return {
        "type": "object",
        "properties": {**whole.get("properties", {}), **properties},
        "required": [*whole.get("required", ()), *required],
    }


def _field_schema(field: Parameter, schemas: Schemas) -> Schema:
    if field.marker.source is not ParameterSource.FILE:
        return schemas.of(field.annotation, READ) or {}
    return {"type": "array", "items": _FILE} if is_list(field.annotation) else _FILE


def _responses(route: RouteDefinition, schemas: Schemas, versioning: Versioning | None) -> Node:
    redirect = find_metadata(route.handler, REDIRECT)
    status = route.status if redirect is None else redirect.status
    returned = schemas.of(route.signature.returns, WRITTEN) if redirect is None else None
    declared = {name.lower(): value for name, value in find_metadata(route.handler, RESPONSE_HEADERS, ())}
    own_type = declared.pop("content-type", None)
    headers = dict.fromkeys(declared, "")
    if redirect is not None:
        headers["location"] = "Where to go on"
    content = _success_content(route, own_type, returned, schemas, versioning)
    responses: Node = {str(status): _response(status, "", content, headers)}
    for each in _listed(route, API_RESPONSES):
        schema = schemas.of(each.type, WRITTEN)
        if schema is None:
            schema = returned if each.status == status else _ERROR_REFERENCE if each.status >= 400 else None
        content = _content(schema, schemas)
        responses[str(each.status)] = _response(each.status, each.description, content, each.headers)
    responses["default"] = _response(None, "An error", _content(_ERROR_REFERENCE, schemas), {})
    return responses


def _success_content(
    route: RouteDefinition,
    own_type: str | None,
    returned: Schema | None,
    schemas: Schemas,
    versioning: Versioning | None,
) -> Node:
    if route.is_event_stream:
        content: Node = {"text/event-stream": {"schema": {"type": "string"}}}
    elif route.signature.returns is StreamableFile:
        content = {own_type or "application/octet-stream": {"schema": _FILE}}
    elif own_type is None:
        content = _content(returned, schemas)
    else:
        content = {own_type: {} if returned is None else {"schema": returned}}
    versions = _named(route.versions)
    if not isinstance(versioning, MediaTypeVersioning) or not versions:
        return content
    return {
        f"{media_type};{versioning.key}{version}": each
        for media_type, each in (content or {_JSON: {}}).items()
        for version in versions
    }


def _content(schema: Schema | None, schemas: Schemas) -> Node:
    """A body under its media type; none without a schema."""
    if schema is None:
        return {}
    whole = schemas.resolved(without_null(schema))
    is_text = whole.get("type") in _TEXT_TYPES and whole.get("format") not in _JSON_FORMATS
    return {"text/html" if is_text else _JSON: {"schema": schema}}


def _response(status: int | None, description: str, content: Node, headers: Mapping[str, str]) -> Node:
    response: Node = {"description": description or _PHRASES.get(status, "")}
    if headers:
        response["headers"] = {name: _header(text) for name, text in headers.items()}
    if content:
        response["content"] = content
    return response


def _header(description: str) -> Node:
    described = {"description": description} if description else {}
    return {**described, "schema": {"type": "string"}}


def _is_excluded(route: RouteDefinition) -> bool:
    return any(find_metadata(target, API_EXCLUDED, False) for target in (route.controller, route.handler))


def _listed(route: RouteDefinition, key: MetadataKey[tuple[T, ...]]) -> tuple[T, ...]:
    """What the decorators of the controller say, then those of the route."""
    return (*find_metadata(route.controller, key, ()), *find_metadata(route.handler, key, ()))


def _security(route: RouteDefinition) -> list[str]:
    return list(dict.fromkeys(_listed(route, API_SECURITY)))


def _template(path: str) -> str:
    """`/cats/:id` as `/cats/{id}`."""
    return _PARAMETER.sub(r"/{\1}", path)


def _unused(name: str, taken: set[str]) -> str:
    """The name, with a number behind it if several operations would have it."""
    numbered = (name if number == 1 else f"{name}_{number}" for number in count(1))
    found = next(each for each in numbered if each not in taken)
    taken.add(found)
    return found
