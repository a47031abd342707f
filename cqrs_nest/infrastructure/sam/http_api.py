"""The HTTP API: a JWT authorizer before everything but the routes that no guard protects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cqrs_nest.core import Container
from cqrs_nest.http import HttpApplication
from cqrs_nest.http.router import ALL_METHODS
from cqrs_nest.http.routes import route_guards
from cqrs_nest.infrastructure.sam.parts import Part, Section, logical_id, ref, sub, text_parameter

API = "HttpApi"
AUTHORIZER = "Jwt"
_MILLISECONDS = 30_000
_OPEN = {"Auth": {"Authorizer": "NONE"}}


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """A route of the application; one that `is_open` has no guard, so that its callers need no token."""

    method: str
    path: str
    is_open: bool


def api_routes(http: HttpApplication, container: Container) -> list[ApiRoute]:
    """The routes of an application, in the order in which it looks at them."""
    return [
        ApiRoute(route.method, route.path, not route_guards(route, http.options, container))
        for route in http.routes
    ]


def http_part(routes: Sequence[ApiRoute]) -> Part:
    """The API with its authorizer; the routes are the function's event sources.

    `/{proxy+}` takes whatever is not listed, the application's 404 included. Open routes are listed; so is
    what a guard protects and an open route would otherwise take, as API Gateway asks the most exact route.
    """
    opened = [route for route in routes if route.is_open]
    guarded = [
        route for route in routes if not route.is_open and any(_takes(other, route) for other in opened)
    ]
    events: Section = {
        "AnyRoute": _event("ANY", "/{proxy+}"),
        "RootRoute": _event("ANY", "/"),
        "PreflightRoute": _event("OPTIONS", "/{proxy+}", is_open=True),
    }
    for route in (*opened, *guarded):
        for method, path in _listed(route):
            events[logical_id(method.lower(), path, "route")] = _event(method, path, route.is_open)
    api = {
        "Type": "AWS::Serverless::HttpApi",
        "Properties": {
            "Auth": {
                "DefaultAuthorizer": AUTHORIZER,
                "Authorizers": {
                    AUTHORIZER: {
                        "IdentitySource": "$request.header.Authorization",
                        "JwtConfiguration": {"issuer": ref("JwtIssuer"), "audience": ref("JwtAudience")},
                    }
                },
            }
        },
    }
    url = sub(f"https://${{{API}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/")
    return Part(
        {API: api},
        parameters={
            "JwtIssuer": text_parameter("Whose tokens are accepted: the URL that they name as iss"),
            "JwtAudience": {
                "Type": "CommaDelimitedList",
                "Description": "For whom tokens must be meant: client ids or audiences, separated by commas",
            },
        },
        outputs={"HttpApiUrl": {"Description": "Where the service answers", "Value": url}},
        events=events,
    )


def _event(method: str, path: str, is_open: bool = False) -> Section:
    properties: Section = {
        "ApiId": ref(API),
        "Method": method,
        "Path": path,
        "TimeoutInMillis": _MILLISECONDS,
    }
    return {"Type": "HttpApi", "Properties": properties | (_OPEN if is_open else {})}


def _listed(route: ApiRoute) -> Iterator[tuple[str, str]]:
    """A route as API Gateway writes it; one with a rest is two, as `{rest+}` is at least one segment."""
    method = "ANY" if route.method == ALL_METHODS else route.method
    *before, last = _segments(route.path) or [""]
    base = "".join(f"/{_segment(each)}" for each in before)
    if last[:1] == "*":
        yield method, base or "/"
    yield method, f"{base}/{_segment(last)}"


def _segment(segment: str) -> str:
    name = logical_id(segment[1:]) or "rest"
    return {":": f"{{{name}}}", "*": f"{{{name}+}}"}.get(segment[:1], segment)


def _takes(route: ApiRoute, other: ApiRoute) -> bool:
    """Whether requests to `other` could go to `route`, were `other` not listed."""
    if route.method != other.method and ALL_METHODS not in (route.method, other.method):
        return False
    mine, theirs = _segments(route.path), _segments(other.path)
    if mine and mine[-1][0] == "*":
        mine = mine[:-1]
        return len(theirs) >= len(mine) and _fit(mine, theirs)
    return len(mine) == len(theirs) and _fit(mine, theirs)


def _fit(mine: Iterable[str], theirs: Iterable[str]) -> bool:
    return all(one == other or one[0] == ":" for one, other in zip(mine, theirs, strict=False))


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]
