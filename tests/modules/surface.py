"""`python -m tests.modules.surface` writes docs/modules/surface.md: theirs, and ours."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from cqrs_nest.read_models import SqlModule
from cqrs_nest.testing import Test
from cqrs_nest_master import MasterCopyService, MasterDataService, MasterModule, MasterSettingService
from cqrs_nest_master.read_model import metadata
from cqrs_nest_sequence import SequencesModule, SequencesService
from cqrs_nest_task import TaskModule, TaskService
from cqrs_nest_task.task_runner import TaskRunner
from cqrs_nest_task.task_store import TaskStore
from cqrs_nest_tenant import TenantModule, TenantService

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "modules" / "surface.md"
SURFACE: Mapping[str, Any] = yaml.safe_load((Path(__file__).parent / "typescript_surface.yaml").read_text())
CLASSES = (
    SequencesService,
    TenantService,
    TaskService,
    TaskStore,
    TaskRunner,
    MasterSettingService,
    MasterDataService,
    MasterCopyService,
)
_HEAD = """# The TypeScript modules' surface, and ours

Every route, field and service method of the four modules, compared with the OpenAPI document and the classes.
`python -m tests.modules.surface` writes this page; a test fails when something is missing or the page is old.
"""


async def document() -> dict[str, Any]:
    """The OpenAPI document of an application with the routes of all four modules."""
    building = Test.create_testing_module(
        imports=[
            SqlModule.register(metadata),
            TaskModule.register(enable_controller=True),
            TenantModule.register(enable_controller=True),
            MasterModule.register(enable_controller=True),
            SequencesModule.register(enable_controller=True),
        ]
    )
    async with await building.compile() as module:
        return (await module.create_application()).http.openapi()


def page(openapi: Mapping[str, Any]) -> str:
    """The page."""
    parts = [_HEAD]
    for module, surface in SURFACE.items():
        rows = [_route_row(openapi, route, fields) for route, fields in surface["routes"].items()]
        parts.append(
            f"## {module}\n\n| route | fields there | here | fields here besides |\n|---|---|---|---|\n"
        )
        parts[-1] += "\n".join(rows)
        methods = [_method_row(cls, each) for cls, named in surface["methods"].items() for each in named]
        parts.append("| method there | here |\n|---|---|\n" + "\n".join(methods))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _route_row(openapi: Mapping[str, Any], route: str, wanted: list[str]) -> str:
    method, path = route.split()
    operation = openapi["paths"].get(re.sub(r":(\w+)", r"{\1}", path), {}).get(method.lower())
    shown = ", ".join(wanted)
    if operation is None:
        return f"| `{route}` | {shown} | MISSING | |"
    fields = set(_fields(openapi, operation))
    missing = [field for field in wanted if field not in fields]
    state = f"MISSING {', '.join(missing)}" if missing else "same"
    parents = {field.rpartition(".")[0] for field in wanted}
    more = sorted(fields - {*wanted, *parents})
    return f"| `{route}` | {shown} | {state} | {', '.join(more)} |"


def _fields(openapi: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            yield parameter["name"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield from _properties(openapi, content["schema"], "")


def _properties(openapi: Mapping[str, Any], schema: Mapping[str, Any], prefix: str) -> Iterator[str]:
    reference = schema.get("$ref") or schema.get("items", {}).get("$ref")
    if reference:
        schema = openapi["components"]["schemas"][reference.rpartition("/")[2]]
    for name, each in schema.get("properties", {}).items():
        yield f"{prefix}{name}"
        yield from _properties(openapi, each, f"{prefix}{name}.")


def _method_row(cls: str, method: str | Mapping[str, str]) -> str:
    if isinstance(method, str):
        theirs, ours = method, f"{cls}.{re.sub('([A-Z])', lambda m: '_' + m[1].lower(), method)}"
    else:
        [(theirs, ours)] = method.items()
    owner, _, name = ours.partition(".")
    exists = any(each.__name__ == owner and callable(getattr(each, name, None)) for each in CLASSES)
    return f"| `{cls}.{theirs}` | {f'`{ours}`' if exists else 'MISSING'} |"


if __name__ == "__main__":
    PAGE.write_text(page(asyncio.run(document())))
