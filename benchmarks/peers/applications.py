"""The same two routes in three frameworks: `uvicorn benchmarks.peers.applications:<name>`."""

import asyncio
from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cqrs_nest.app import CqrsNest
from cqrs_nest.common import Body, Controller, Get, Module, Param, Post
from cqrs_nest.config import Environment
from cqrs_nest.core import Container
from cqrs_nest.http import HttpApplication, HttpOptions


class CreateCat(BaseModel):
    name: str = Field(min_length=1, max_length=50)
    age: int = Field(ge=0, le=40)
    tags: list[str]


async def find(request: Request) -> JSONResponse:
    return JSONResponse({"id": request.path_params["id"], "name": "Tom"})


async def create(request: Request) -> JSONResponse:
    cat = CreateCat.model_validate_json(await request.body())
    return JSONResponse({"id": "1", "name": cat.name}, status_code=201)


starlette = Starlette(routes=[Route("/cats/{id}", find), Route("/cats", create, methods=["POST"])])
fastapi = FastAPI()


@fastapi.get("/cats/{cat_id}")
async def find_cat(cat_id: str) -> dict[str, Any]:
    return {"id": cat_id, "name": "Tom"}


@fastapi.post("/cats", status_code=201)
async def create_cat(cat: CreateCat) -> dict[str, Any]:
    return {"id": "1", "name": cat.name}


@Controller("cats")
class CatController:
    @Get(":id")
    async def find(self, cat_id: Annotated[str, Param("id")]) -> dict[str, Any]:
        return {"id": cat_id, "name": "Tom"}

    @Post()
    async def create(self, cat: Annotated[CreateCat, Body()]) -> dict[str, Any]:
        return {"id": "1", "name": cat.name}


@Module(controllers=[CatController])
class CatModule: ...


controllers = HttpApplication(asyncio.run(Container.create(CatModule)), HttpOptions(access_log=False))
"""The controllers alone, like the peers: nobody asks who calls."""
cqrs_nest = CqrsNest.asgi(
    CatModule, env=Environment(node_env="prod", app_name="cats"), http=HttpOptions(access_log=False)
)
"""The whole application: every request gets its Invoke, and is authenticated if it has a token."""
