"""Bodies of HTML forms: urlencoded fields, and multipart with files."""

from typing import Annotated, Any, Protocol

import httpx
import pytest
from pydantic import Field
from starlette.types import Message, Receive, Scope, Send

from cqrs_nest.common import (
    ArgumentMetadata,
    BadRequestException,
    Body,
    Controller,
    Post,
    UploadedFile,
)
from cqrs_nest.http import Dto, HttpApplication, InvalidControllerError, UploadFile
from cqrs_nest.http.forms import nested_fields

URLENCODED = {"content-type": "application/x-www-form-urlencoded"}


class Toy(Dto):
    name: str


class CreateCat(Dto):
    name: str
    age: int = 0
    born_on: str | None = None
    tags: list[str] = Field(default=[])
    toys: list[Toy] = Field(default=[])


class SmallOnly:
    async def transform(self, value: UploadFile, metadata: ArgumentMetadata) -> UploadFile:
        if (value.size or 0) > 10:
            raise BadRequestException(f"{metadata.name} is too large")
        return value


seen: list[UploadFile] = []


@Controller("cats")
class Cats:
    @Post()
    async def create(self, cat: Annotated[CreateCat, Body()]) -> CreateCat:
        return cat

    @Post("fields")
    async def fields(
        self, name: Annotated[str, Body("name")], age: Annotated[int, Body("age")] = 1
    ) -> list[Any]:
        return [name, age]

    @Post("photo")
    async def photo(
        self,
        photo: Annotated[UploadFile, UploadedFile("photo", SmallOnly)],
        cat: Annotated[CreateCat, Body()],
    ) -> list[Any]:
        seen.append(photo)
        return [cat.name, cat.age, photo.filename, photo.content_type, (await photo.read()).decode()]

    @Post("photos")
    async def photos(
        self,
        photos: Annotated[list[UploadFile], UploadedFile("photos")],
        cover: Annotated[UploadFile | None, UploadedFile("cover")] = None,
    ) -> list[Any]:
        return [[photo.filename for photo in photos], cover is None]


@pytest.fixture
async def client(serve: Any) -> httpx.AsyncClient:
    seen.clear()
    return await serve(Cats, body_limit=1000, upload_limit=5000)


async def test_numbers_and_nested_objects_are_read_from_an_urlencoded_form(client: httpx.AsyncClient) -> None:
    content = b"name=Tom+%C3%A9&age=3&bornOn=&tags=a&toys[0][name]=ball&toys[1][name]=mouse&other=1"
    response = await client.post("/cats", content=content, headers=URLENCODED)
    assert response.json() == {
        "name": "Tom é",
        "age": 3,
        "bornOn": "",
        "tags": ["a"],
        "toys": [{"name": "ball"}, {"name": "mouse"}],
    }


async def test_fields_of_a_form(client: httpx.AsyncClient) -> None:
    assert (await client.post("/cats/fields", data={"name": "Tom", "age": "3"})).json() == ["Tom", 3]
    assert (await client.post("/cats/fields", data={"name": "Tom"})).json() == ["Tom", 1]
    refused = await client.post("/cats/fields", data={"age": "x", "name": "Tom"})
    assert refused.json()["message"] == "Validation failed (numeric string is expected)"


async def test_errors_of_a_form_are_those_of_json(client: httpx.AsyncClient) -> None:
    refused = await client.post("/cats", data={"age": "x", "toys[0][x]": "1"})
    assert (refused.status_code, refused.json()["message"]) == (
        400,
        ["name must be a string", "age must be an integer number", "toys.0.name must be a string"],
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a=1&a[b]=2", "Invalid form: a[b] is below a value"),
        (b"a[b]=2&a=1", "Invalid form: a is an object and a value"),
        (b"a" + b"[x]" * 20 + b"=1", f"Invalid form: a{'[x]' * 20} is nested too deeply"),
        (b"name=\xff", "Invalid form: "),
    ],
)
async def test_forms_that_make_no_sense(client: httpx.AsyncClient, content: bytes, message: str) -> None:
    response = await client.post("/cats", content=content, headers=URLENCODED)
    assert response.status_code == 400
    assert response.json()["message"].startswith(message)


async def test_a_form_has_the_limits_of_a_body(serve: Any) -> None:
    client = await serve(Cats)
    refused = await client.post("/cats", content=b"a=1&" * 1001, headers=URLENCODED)
    assert (refused.status_code, refused.json()["message"][:13]) == (400, "Invalid form:")
    too_large = await client.post("/cats", content=b"a" * 110_000, headers=URLENCODED)
    assert too_large.status_code == 413


def test_brackets() -> None:
    pairs = [("x[1]", "b"), ("x[0]", "a"), ("y[]", "1"), ("z[a][]", "1"), ("z[a][]", "2"), ("1", "one")]
    assert nested_fields(pairs) == {"x": ["a", "b"], "y": ["1"], "z": {"a": ["1", "2"]}, "1": "one"}
    long = "1" * 5000
    assert nested_fields([(f"x[{long}]", "a")]) == {"x": {long: "a"}}
    assert nested_fields([("__proto__[x]", "1"), ("a[", "2")]) == {"__proto__": {"x": "1"}, "a": ["2"]}


async def test_a_file_and_the_fields_next_to_it(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/cats/photo",
        data={"name": "Tom", "age": "3"},
        files={"photo": ("../tom.txt", b"miaow", "text/plain")},
    )
    assert response.json() == ["Tom", 3, "../tom.txt", "text/plain", "miaow"]


async def test_files_are_closed_after_the_answer(client: httpx.AsyncClient) -> None:
    await client.post("/cats/photo", data={"name": "Tom"}, files={"photo": b"miaow"})
    assert [photo.file.closed for photo in seen] == [True]


async def test_files_are_closed_when_nobody_takes_the_answer(build: Any, client_of: Any) -> None:
    application = await build(Cats)

    async def hung_up(scope: Scope, receive: Receive, send: Send) -> None:
        async def refuse(message: Message) -> None:
            raise OSError("the caller has hung up")

        await application(scope, receive, refuse)

    seen.clear()
    with pytest.raises(OSError, match="hung up"):
        await client_of(hung_up).post("/cats/photo", data={"name": "Tom"}, files={"photo": b"miaow"})
    assert [photo.file.closed for photo in seen] == [True]


async def test_several_files(client: httpx.AsyncClient) -> None:
    files = [("photos", ("a.txt", b"a")), ("photos", ("b.txt", b"b"))]
    assert (await client.post("/cats/photos", files=files)).json() == [["a.txt", "b.txt"], True]
    with_cover = [*files, ("cover", ("c.txt", b"c"))]
    assert (await client.post("/cats/photos", files=with_cover)).json() == [["a.txt", "b.txt"], False]


@pytest.mark.parametrize(
    ("files", "status", "message"),
    [
        ([("other", ("a", b"a"))], 400, ["photo must be a file"]),
        ([("photo", ("a", b"a")), ("photo", ("b", b"b"))], 400, ["photo must be a file"]),
        ([("photo", ("a", b"a" * 11))], 400, "photo is too large"),
        ([("photo", ("a", b"a" * 5000))], 413, "request entity too large"),
    ],
)
async def test_files_that_are_refused(
    client: httpx.AsyncClient, files: Any, status: int, message: Any
) -> None:
    response = await client.post("/cats/photo", data={"name": "Tom"}, files=files)
    assert (response.status_code, response.json()["message"]) == (status, message)
    assert seen == []


async def test_no_form_is_no_file(client: httpx.AsyncClient) -> None:
    refused = await client.post("/cats/photo", json={"name": "Tom"})
    assert refused.json()["message"] == ["photo must be a file"]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"--b\r\nbroken", "multipart/form-data; boundary=b"),
        (b"no boundary", "multipart/form-data"),
        (b'--b\r\ncontent-disposition: form-data; name="x"; filename="f"\r\n\r\nz\r\n--b--\r\n', None),
    ],
)
async def test_broken_multipart_and_a_file_that_nobody_takes(
    client: httpx.AsyncClient, content: bytes, content_type: str | None
) -> None:
    headers = {"content-type": content_type or "multipart/form-data; boundary=b"}
    response = await client.post("/cats", content=content, headers=headers)
    body = response.json()
    assert (response.status_code, body["error"]) == (400, "Bad Request")


async def test_the_document_shows_the_form(build: Any) -> None:
    application: HttpApplication = await build(Cats)
    body = application.openapi()["paths"]["/cats/photo"]["post"]["requestBody"]
    schema = body["content"]["multipart/form-data"]["schema"]
    assert schema["required"] == ["name", "photo"]
    assert schema["properties"]["photo"] == {"type": "string", "format": "binary"}
    assert schema["properties"]["age"]["type"] == "integer"


@pytest.mark.parametrize("annotation", [str, bytes, int, list[str], str | None, dict[str, Any]])
async def test_a_file_is_no_text(build: Any, annotation: Any) -> None:
    @Controller("cats")
    class Photos:
        @Post()
        async def add(self, photo: Annotated[annotation, UploadedFile("photo")]) -> None: ...

    with pytest.raises(
        InvalidControllerError, match="photo is an UploadedFile, but annotated with"
    ) as refused:
        await build(Photos)
    assert "annotate it with Starlette's UploadFile" in str(refused.value)


class Readable(Protocol):
    async def read(self, size: int = -1) -> bytes: ...


@pytest.mark.parametrize(
    "annotation",
    [
        Any,
        object,
        UploadFile,
        UploadFile | None,
        list[UploadFile],
        list[Any],
        list,
        Readable,
        Annotated[UploadFile, 1],
    ],
)
async def test_a_file_is_what_is_uploaded(build: Any, annotation: Any) -> None:
    @Controller("cats")
    class Photos:
        @Post()
        async def add(self, photo: Annotated[annotation, UploadedFile("photo")]) -> None: ...

    await build(Photos)


async def test_a_pipe_makes_anything_of_a_file(build: Any) -> None:
    class ToText:
        async def transform(self, value: UploadFile, metadata: ArgumentMetadata) -> str:
            return (await value.read()).decode()

    @Controller("cats")
    class Photos:
        @Post()
        async def add(self, photo: Annotated[str, UploadedFile("photo", ToText())]) -> None: ...

    await build(Photos)
