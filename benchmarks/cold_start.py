"""From the start of a process to its first answered event: the sample application, beside the floor.

python -m benchmarks cold_start

The floor is what any such service begins with: Starlette, injector, a pydantic model and a boto3 client. Each
answers a request that AWS is not needed for. Bytecode is written first, as a deployed function has it.
"""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.figure import Figure, at_most, beside

ROOT = Path(__file__).parents[1]
OURS = """
from sample_app.main import handler

http = {"method": "POST", "path": "/api/todo", "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"}
answer = handler(
    {
        "version": "2.0",
        "rawPath": "/api/todo",
        "rawQueryString": "",
        "headers": {"host": "localhost", "content-type": "application/json"},
        "requestContext": {"http": http, "stage": "$default", "requestId": "1"},
        "body": '{"name": "milk"}',
        "isBase64Encoded": False,
    },
    None,
)
assert answer["statusCode"] == 401, answer
"""
"""Nobody says who he is, so the guard of the controller answers."""
FLOOR = """
import asyncio
import boto3, injector, pydantic
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

class Todo(pydantic.BaseModel):
    name: str = pydantic.Field(min_length=1)

class Store:
    def __init__(self):
        self.client = boto3.client("dynamodb")

async def create(request):
    built.get(Store)
    todo = Todo.model_validate_json(await request.body())
    return JSONResponse({"name": todo.name}, status_code=201)

built = injector.Injector([lambda binder: binder.bind(Store, scope=injector.singleton)])
app = Starlette(routes=[Route("/api/todo", create, methods=["POST"])])
scope = {"type": "http", "method": "POST", "path": "/api/todo", "headers": [], "query_string": b""}
sent = []
async def receive():
    return {"type": "http.request", "body": b'{"name": "milk"}', "more_body": False}
async def send(message):
    sent.append(message)
asyncio.run(app(scope, receive, send))
assert sent[0]["status"] == 201, sent
"""


def elapsed(program: str, settings: dict[str, str]) -> tuple[float, float]:
    """Milliseconds on the clock, and of CPU, of a process."""
    before, started = os.times(), perf_counter()
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=os.environ | settings, check=True)
    clock, after = perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return clock * 1e3, used * 1e3


def measure(rounds: int = 15) -> list[Figure]:
    """Both, on the clock and in CPU time, which a busy machine does not change."""
    for folder in ("cqrs_nest", "modules", "sample_app"):
        compileall.compile_dir(ROOT / folder, quiet=2)
    with TemporaryDirectory() as folder:
        settings = {
            "NODE_ENV": "prod",
            "APP_NAME": "todo",
            "LOG_LEVEL": "fatal",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "CHECK_TABLES": "false",
            "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/todo.sqlite3",
        }
        samples = [(elapsed(OURS, settings), elapsed(FLOOR, settings)) for _ in range(rounds + 1)]
    clock, used = ([(ours[kind], floor[kind]) for ours, floor in samples] for kind in (0, 1))
    peer = "the floor"
    return [
        beside("sample application, first answer", "ms", clock, peer, at_most(1.15)),
        beside("sample application, first answer, CPU", "ms", used, peer, at_most(1.15)),
    ]
