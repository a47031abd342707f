"""The OpenAPI document and the page that shows it."""

import importlib.util
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import Field
from starlette.responses import Response

from cqrs_nest.common import (
    VERSION_NEUTRAL,
    All,
    Body,
    Controller,
    Delete,
    Get,
    Header,
    Headers,
    HttpCode,
    Param,
    Patch,
    Post,
    Query,
    Redirect,
    StreamableFile,
    Version,
)
from cqrs_nest.common.api_documentation import (
    ApiBearerAuth,
    ApiExclude,
    ApiHeader,
    ApiOperation,
    ApiResponse,
    ApiTags,
)
from cqrs_nest.http import CustomVersioning, Dto, HeaderVersioning, MediaTypeVersioning, UriVersioning


class Owner(Dto):
    full_name: str


class CreateCat(Dto):
    cat_name: str = Field(min_length=1, description="How it is called")
    born_at: datetime | None = None
    owner: Owner | None = None


class CatView(CreateCat):
    cat_id: str
    price: Decimal = Decimal(0)


class Search(Dto):
    page_size: int = Field(default=10, le=100)
    keyword: str


@dataclass
class Count:
    total: int


@Controller("api/cats")
@ApiBearerAuth()
@ApiHeader("x-tenant-code", "The tenant")
class CatController:
    @Post()
    async def create(self, cat: Annotated[CreateCat, Body()]) -> CatView:
        """Create a cat.

        It gets an id.
        """
        raise NotImplementedError

    @Get("search")
    @ApiOperation(summary="Find cats", deprecated=True)
    @ApiTags("search")
    async def search(
        self, search: Annotated[Search, Query()], trace: Annotated[str | None, Headers("x-trace")] = None
    ) -> list[CatView]:
        raise NotImplementedError

    @Get(":pk/:sk")
    @ApiResponse(404, "No such cat")
    @ApiResponse(200, "The cat")
    async def find(self, pk: Annotated[str, Param("pk")], number: Annotated[int, Param("sk")]) -> CatView:
        raise NotImplementedError

    @Delete(":pk/:sk")
    @HttpCode(204)
    async def delete(self) -> None: ...

    @Post("fields")
    @ApiResponse(409, "Taken", type=Count)
    async def fields(self, name: Annotated[str, Body("name")], age: Annotated[int, Body("age")] = 0) -> Count:
        raise NotImplementedError

    @Get("text")
    async def text(self) -> str:
        raise NotImplementedError

    @Get("file/*path")
    async def file(self) -> Response:
        raise NotImplementedError

    @Get("hidden")
    @ApiExclude()
    async def hidden(self) -> None: ...


@Controller("any")
class AnyController:
    @All()
    async def any(self) -> Any: ...


@Controller("secret")
@ApiExclude()
class SecretController:
    @Get()
    async def get(self) -> None: ...


@pytest.fixture
async def document(build: Any) -> dict[str, Any]:
    application = await build(
        CatController, AnyController, SecretController, title="Cats", version="2.0", description="All cats"
    )
    made: dict[str, Any] = application.openapi()
    assert application.openapi() is made
    return made


def schema_of(node: Any) -> Any:
    return node["content"]["application/json"]["schema"]


def test_it_is_a_valid_document(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"] == "3.1.0"
    assert document["info"] == {"title": "Cats", "version": "2.0", "description": "All cats"}


def test_it_has_the_routes_that_are_not_excluded(document: dict[str, Any]) -> None:
    assert {path: list(methods) for path, methods in document["paths"].items()} == {
        "/api/cats": ["post"],
        "/api/cats/search": ["get"],
        "/api/cats/{pk}/{sk}": ["get", "delete"],
        "/api/cats/fields": ["post"],
        "/api/cats/text": ["get"],
        "/api/cats/file/{path}": ["get"],
        "/any": ["get", "post", "put", "patch", "delete"],
    }


def test_bodies_and_answers_are_models_by_their_wire_names(document: dict[str, Any]) -> None:
    create = document["paths"]["/api/cats"]["post"]
    assert (create["summary"], create["description"]) == ("Create a cat.", "It gets an id.")
    assert create["operationId"] == "CatController_create"
    assert create["tags"] == ["Cat"]
    assert create["requestBody"]["required"] is True
    assert schema_of(create["requestBody"]) == {"$ref": "#/components/schemas/CreateCat"}
    assert create["responses"]["201"]["description"] == "Created"
    assert schema_of(create["responses"]["201"]) == {"$ref": "#/components/schemas/CatView"}
    assert schema_of(create["responses"]["default"]) == {"$ref": "#/components/schemas/ErrorBody"}
    schemas = document["components"]["schemas"]
    assert schemas["CreateCat"]["required"] == ["catName"]
    assert schemas["CreateCat"]["properties"]["catName"]["description"] == "How it is called"
    assert schemas["CatView"]["properties"]["price"]["type"] == "number"
    assert "fullName" in schemas["Owner"]["properties"]


def test_parameters(document: dict[str, Any]) -> None:
    search = document["paths"]["/api/cats/search"]["get"]
    assert (search["summary"], search["deprecated"]) == ("Find cats", True)
    assert search["tags"] == ["search"]
    parameters = {each["name"]: each for each in search["parameters"]}
    assert list(parameters) == ["pageSize", "keyword", "x-trace", "x-tenant-code"]
    assert parameters["pageSize"]["schema"]["maximum"] == 100
    assert [each["required"] for each in parameters.values()] == [False, True, False, False]
    assert [each["in"] for each in parameters.values()] == ["query", "query", "header", "header"]
    assert parameters["x-tenant-code"]["description"] == "The tenant"

    find = document["paths"]["/api/cats/{pk}/{sk}"]["get"]
    assert [
        (each["name"], each["in"], each["required"], each["schema"]["type"]) for each in find["parameters"]
    ][:2] == [("pk", "path", True, "string"), ("sk", "path", True, "integer")]
    delete = document["paths"]["/api/cats/{pk}/{sk}"]["delete"]
    assert [each["name"] for each in delete["parameters"]] == ["pk", "sk", "x-tenant-code"]


def test_answers(document: dict[str, Any]) -> None:
    paths = document["paths"]
    find = paths["/api/cats/{pk}/{sk}"]["get"]["responses"]
    assert find["200"]["description"] == "The cat"
    assert schema_of(find["200"]) == {"$ref": "#/components/schemas/CatView"}
    assert find["404"]["description"] == "No such cat"
    assert schema_of(find["404"]) == {"$ref": "#/components/schemas/ErrorBody"}
    assert "content" not in paths["/api/cats/{pk}/{sk}"]["delete"]["responses"]["204"]
    assert list(paths["/api/cats/text"]["get"]["responses"]["200"]["content"]) == ["text/html"]
    assert "content" not in paths["/api/cats/file/{path}"]["get"]["responses"]["200"]
    fields = paths["/api/cats/fields"]["post"]
    assert schema_of(fields["requestBody"])["required"] == ["name"]
    assert schema_of(fields["responses"]["409"]) == {"$ref": "#/components/schemas/Count"}


def test_who_wants_a_token(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    assert document["paths"]["/api/cats"]["post"]["security"] == [{"bearer": []}]
    assert "security" not in document["paths"]["/any"]["get"]


async def test_an_application_without_routes_has_a_document(build: Any) -> None:
    application = await build()
    OpenAPIV31SpecValidator(application.openapi()).validate()


async def test_document_and_page_are_served_outside_of_the_prefix(serve: Any) -> None:
    client = await serve(CatController, global_prefix="v1", title="Cats & <dogs>")
    document = (await client.get("/openapi.json")).json()
    assert "/v1/api/cats" in document["paths"]

    page = await client.get("/swagger-ui")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Cats &amp; &lt;dogs&gt;</title>" in page.text
    assert "http" not in page.text
    for asset, content_type in (
        ("swagger-ui.css", "text/css"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("start.js", "text/javascript"),
        ("favicon-32x32.png", "image/png"),
    ):
        assert f"/swagger-ui/{asset}" in page.text
        response = await client.get(f"/swagger-ui/{asset}")
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(content_type)
        assert response.content
    assert '"url": "/openapi.json"' in (await client.get("/swagger-ui/start.js")).text


@pytest.mark.parametrize("file", ["__init__.py", "..%2f__init__.py", "%2e%2e%2f..%2fLICENSE", "x.css"])
async def test_only_the_assets_of_the_page_are_served(serve: Any, file: str) -> None:
    assert (await (await serve()).get(f"/swagger-ui/{file}")).status_code == 404


async def test_without_the_assets_the_page_says_what_to_install(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("cqrs_nest.http.swagger_ui.find_spec", lambda name: None)
    client = await serve()
    response = await client.get("/swagger-ui")
    assert response.status_code == 404
    assert "pip install 'cqrs-nest[local]'" in response.json()["message"]
    assert (await client.get("/openapi.json")).status_code == 200


async def test_it_can_be_switched_off(serve: Any) -> None:
    client = await serve(swagger_ui=False)
    assert (await client.get("/openapi.json")).status_code == 404
    assert (await client.get("/swagger-ui")).status_code == 404


async def test_the_example_of_a_request_has_no_nulls(build: Any) -> None:
    @Controller("cats")
    class Cats:
        @Post()
        async def create(self, cat: Annotated[CreateCat, Body()]) -> CreateCat:
            return cat

    schemas = (await build(Cats)).openapi()["components"]["schemas"]
    read, written = schemas["CreateCat-Input"]["properties"], schemas["CreateCat-Output"]["properties"]
    assert read["bornAt"] == {"title": "Bornat", "type": "string", "format": "date-time"}
    assert read["owner"] == {"$ref": "#/components/schemas/Owner"}
    assert {"type": "null"} in written["bornAt"]["anyOf"]


class Color(Enum):
    RED = "red"


class Rename(Dto):
    name: str | None
    color: int | str | None = None
    size: str | None = "m"


@Controller("answers")
class Answers:
    @Get("away")
    @Redirect("/there", 301)
    async def away(self) -> dict[str, str]: ...

    @Get("csv")
    @Header("Content-Type", "text/csv")
    @Header("X-Total", "1")
    async def csv(self) -> str: ...

    @Get("file")
    @Header("content-type", "text/csv")
    async def file(self) -> StreamableFile: ...

    @Get("own")
    @HttpCode(299)
    @ApiResponse(460, headers={"Retry-After": "Seconds"})
    async def own(self, color: Annotated[str | None, Query("color")] = None) -> int: ...

    @Get("color")
    async def color(self) -> Color | None: ...

    @Get("moment")
    async def moment(self) -> datetime: ...

    @Get("id")
    async def id(self) -> UUID: ...

    @Patch()
    async def rename(self, body: Annotated[Rename | None, Body()] = None) -> None: ...


async def test_answers_are_those_of_the_decorators(build: Any) -> None:
    document = (await build(Answers)).openapi()
    OpenAPIV31SpecValidator(document).validate()
    paths = document["paths"]

    def of(path: str) -> dict[str, Any]:
        answers: dict[str, Any] = paths[f"/answers/{path}"]["get"]["responses"]
        return {status: answer for status, answer in answers.items() if status != "default"}

    text, file = {"schema": {"type": "string"}}, {"schema": {"type": "string", "format": "binary"}}
    location = {"description": "Where to go on", **text}
    assert of("away") == {"301": {"description": "Moved Permanently", "headers": {"location": location}}}
    assert of("csv") == {
        "200": {"description": "OK", "headers": {"x-total": text}, "content": {"text/csv": text}}
    }
    assert of("file")["200"]["content"] == {"text/csv": file}
    media_types = {"color": "text/html", "moment": "application/json", "id": "text/html"}
    assert {path: [*of(path)["200"]["content"]] for path in media_types} == {
        path: [media_type] for path, media_type in media_types.items()
    }
    assert list(of("own")) == ["299", "460"]
    assert of("own")["460"]["headers"] == {"Retry-After": {"description": "Seconds", **text}}


async def test_null_is_shown_where_it_says_something(build: Any) -> None:
    document = (await build(Answers)).openapi()
    rename = document["components"]["schemas"]["Rename"]["properties"]
    assert rename["name"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert rename["color"]["anyOf"] == [{"type": "integer"}, {"type": "string"}]
    assert rename["size"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert document["paths"]["/answers/own"]["get"]["parameters"][0]["schema"] == {"type": "string"}
    body = document["paths"]["/answers"]["patch"]["requestBody"]
    assert body["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Rename"}


async def test_the_document_has_the_name_that_nestjs_gives_it(serve: Any) -> None:
    client = await serve(title="Cats")
    assert (await client.get("/swagger-ui-json")).json() == (await client.get("/openapi.json")).json()


@Controller("cats")
class VersionedController:
    @Get()
    @Version("1")
    async def first(self) -> list[CatView]: ...

    @Get()
    @Version(["2", "3"])
    async def second(self) -> CatView: ...

    @Get()
    @Version("3")
    async def hidden(self) -> CatView: ...

    @Get()
    @Version(VERSION_NEUTRAL)
    async def neutral(self) -> None: ...

    @Delete()
    @Version("2")
    async def delete(self) -> None: ...


def operations(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    OpenAPIV31SpecValidator(document).validate()
    return {
        (method, path): operation["operationId"].removeprefix("VersionedController_")
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


async def test_versions_in_the_path_are_paths(build: Any) -> None:
    application = await build(VersionedController, versioning=UriVersioning())
    assert operations(application.openapi()) == {
        ("get", "/v1/cats"): "first",
        ("get", "/v2/cats"): "second",
        ("get", "/v3/cats"): "second_2",
        ("get", "/cats"): "neutral",
        ("delete", "/v2/cats"): "delete",
    }


@pytest.mark.parametrize(
    "versioning",
    [
        HeaderVersioning(header="x-api-version"),
        MediaTypeVersioning(),
        CustomVersioning(extractor=lambda request: request.query_params.get("v", "1")),
    ],
    ids=["header", "media type", "custom"],
)
async def test_all_versions_of_one_path_are_shown(build: Any, versioning: Any) -> None:
    application = await build(VersionedController, versioning=versioning)
    assert operations(application.openapi()) == {
        ("get", "/cats"): "first",
        ("get", "/cats#2,3"): "second",
        ("get", "/cats#neutral"): "neutral",
        ("delete", "/cats"): "delete",
    }


async def test_an_operation_says_how_its_version_is_asked_for(build: Any) -> None:
    application = await build(VersionedController, versioning=HeaderVersioning(header="x-api-version"))
    paths = application.openapi()["paths"]
    assert paths["/cats#2,3"]["get"]["parameters"] == [
        {
            "name": "x-api-version",
            "in": "header",
            "required": True,
            "schema": {"type": "string", "enum": ["2", "3"]},
        }
    ]
    application = await build(VersionedController, versioning=MediaTypeVersioning())
    paths = application.openapi()["paths"]
    assert [
        list(paths[path]["get"]["responses"]["200"].get("content", {}))
        for path in ("/cats", "/cats#2,3", "/cats#neutral")
    ] == [["application/json;v=1"], ["application/json;v=2", "application/json;v=3"], []]
