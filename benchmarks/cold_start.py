"""From the start of a process to its first answered event: the sample application, beside the floor.

python -m benchmarks cold_start

The floor is what any such service begins with: Starlette, injector, a pydantic model and boto3. Both answer a
request whose body is refused by validation, for which AWS is not called, and one that creates an item by the
same three calls (UpdateItem, PutItem, Publish), which a stub answers at once. The floor makes its client of
DynamoDB for either. Bytecode is written first, as a deployed function has it, and both processes have the
environment of a function in AWS Lambda. Both end with the answer, as a function goes on to the next event:
taking modules and clients apart takes a tenth of a second where the collector looks at them.
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
from benchmarks.separate import separate

ROOT = Path(__file__).parents[1]
OURS = """
import os
from sample_app.main import handler

http = {"method": "POST", "path": "/api/todo", "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"}
claims = {"sub": "alice", "custom:tenant": "acme"}
request = {"http": http, "stage": "$default", "requestId": "1", "authorizer": {"jwt": {"claims": claims}}}
answer = handler(
    {
        "version": "2.0",
        "rawPath": "/api/todo",
        "rawQueryString": "",
        "headers": {"host": "localhost", "content-type": "application/json"},
        "requestContext": request,
        "body": os.environ["BODY"],
        "isBase64Encoded": False,
    },
    None,
)
assert answer["statusCode"] == int(os.environ["STATUS"]), answer
"""
FLOOR = """
import asyncio, os
import boto3, injector, pydantic
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

class Todo(pydantic.BaseModel):
    name: str = pydantic.Field(min_length=1)

class Store:
    def __init__(self):
        self.dynamodb = boto3.client("dynamodb")

    def put(self, todo):
        key = {"pk": {"S": "TODO#acme"}, "sk": {"S": "1"}}
        self.dynamodb.update_item(TableName="sequences", Key=key, UpdateExpression="ADD seq :one",
            ExpressionAttributeValues={":one": {"N": "1"}}, ReturnValues="ALL_NEW")
        self.dynamodb.put_item(TableName="todo-command", Item=key | {"name": {"S": todo.name}})
        boto3.client("sns").publish(TopicArn=os.environ["SNS_TOPIC_ARN"], Message=todo.model_dump_json())

async def create(request):
    store = built.get(Store)
    try:
        todo = Todo.model_validate_json(await request.body())
    except pydantic.ValidationError as error:
        return JSONResponse({"message": str(error)}, status_code=400)
    await asyncio.to_thread(store.put, todo)
    return JSONResponse({"name": todo.name}, status_code=201)

built = injector.Injector([lambda binder: binder.bind(Store, scope=injector.singleton)])
app = Starlette(routes=[Route("/api/todo", create, methods=["POST"])])
scope = {"type": "http", "method": "POST", "path": "/api/todo", "headers": [], "query_string": b""}
sent = []
async def receive():
    return {"type": "http.request", "body": os.environ["BODY"].encode(), "more_body": False}
async def send(message):
    sent.append(message)
asyncio.run(app(scope, receive, send))
assert sent[0]["status"] == int(os.environ["STATUS"]), sent
"""
LEAVE = "os._exit(0)  # the answer is there: taking the process apart does not count"
EVENTS = {
    "refused by validation, AWS not called": {"BODY": '{"name": ""}', "STATUS": "400"},
    "a command, three calls to AWS": {"BODY": '{"name": "milk"}', "STATUS": "201"},
}


def function_settings(folder: str, aws_url: str = "http://127.0.0.1:1") -> dict[str, str]:
    """The environment of the function."""
    return {
        "NODE_ENV": "prod",
        "APP_NAME": "todo",
        "LOG_LEVEL": "fatal",
        "AWS_LAMBDA_FUNCTION_NAME": "todo",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_ENDPOINT_URL": aws_url,
        "SNS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:main",
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/todo.sqlite3",
    }


def elapsed(program: str, settings: dict[str, str]) -> tuple[float, float]:
    """Milliseconds on the clock, and of CPU, of a process."""
    before, started = os.times(), perf_counter()
    subprocess.run([sys.executable, "-c", program + LEAVE], cwd=ROOT, env=os.environ | settings, check=True)
    clock, after = perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return clock * 1e3, used * 1e3


def measure(rounds: int = 15) -> list[Figure]:
    """Both, on the clock and in CPU time, which a busy machine changes less."""
    for folder in ("cqrs_nest", "modules", "sample_app"):
        compileall.compile_dir(ROOT / folder, quiet=2)
    figures: list[Figure] = []
    with TemporaryDirectory() as folder, separate("benchmarks.stub_aws") as url:
        for name, event in EVENTS.items():
            settings = function_settings(folder, url) | event
            samples = [(elapsed(OURS, settings), elapsed(FLOOR, settings)) for _ in range(rounds + 1)]
            clock, used = ([(ours[kind], floor[kind]) for ours, floor in samples] for kind in (0, 1))
            figures += [
                beside(f"first answer: {name}", "ms", clock, "the floor", at_most(1.15)),
                beside(f"first answer: {name}, CPU", "ms", used, "the floor", at_most(1.15)),
            ]
    return figures
