"""Routes: the method of a controller that sends a command or a query."""

from __future__ import annotations

import re
from collections.abc import Mapping

import libcst as cst

from cqrs_nest.cli.generate.messages import Kind, Message
from cqrs_nest.cli.generate.source import Source

_BUSES: Mapping[Kind, str] = {"command": "CommandBus", "query": "QueryBus"}
_SOURCES = {
    "key": "Param()",
    "dto": "Body()",
    "page": "Query()",
    "search": "Query()",
    "version": 'Query("version")',
}
"""Where a route finds what a message is made of."""


def can_be_sent(message: Message) -> bool:
    """Whether a route can tell where each field of a message comes from."""
    return all(name in _SOURCES or kind == "Invoke" for name, kind in message.fields)


def add_route(controller: Source, message: Message) -> None:
    """Let a controller send a message, unless it does. Raises ClickException where that is not safe."""
    [(node, _)] = controller.decorated("Controller")
    if re.search(rf"\b{message.class_name}\b", controller.code(node)):
        return
    method = message.verb.snake
    if any(isinstance(each, cst.FunctionDef) and each.name.value == method for each in node.body.body):
        raise controller.refuse(
            f"{node.name.value} has a method {method} that does not send {message.class_name}",
            "give that another name, or use --no-route,",
        )
    bus = _bus(controller, node, _BUSES[message.kind])
    text = _method(message, bus)
    statement = cst.parse_statement(text, config=controller.tree.config_for_parsing)
    statement = statement.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
    body = cst.ensure_type(node.body, cst.IndentedBlock)
    controller.replace(body, body.with_changes(body=[*body.body, statement]))
    _import_all(controller, message, text)


def _bus(controller: Source, node: cst.ClassDef, bus: str) -> str:
    """The attribute in which a controller keeps a bus."""
    code = controller.code(node)
    parameter = re.search(rf"\b(\w+): {bus}\b", code)
    kept = parameter and re.search(rf"self\.(\w+) = {parameter[1]}\b", code)
    if not kept:
        raise controller.refuse(
            f"the constructor of {node.name.value} keeps no {bus}",
            "write `def __init__(self, command_bus: CommandBus, query_bus: QueryBus) -> None` with "
            "`self._command_bus = command_bus` and `self._query_bus = query_bus`, or use --no-route,",
        )
    return kept[1]


def _method(message: Message, bus: str) -> str:
    """The source of the route's method."""
    invoke = [f"{name}: InvokeContext" for name, kind in message.fields if kind == "Invoke"]
    others = [
        f"{name}: Annotated[{kind}, {_SOURCES[name]}]" for name, kind in message.fields if kind != "Invoke"
    ]
    arguments = ", ".join(name for name, _ in message.fields)
    return (
        f"{_decorators(message)}\n"
        f"async def {message.verb.snake}({', '.join(['self', *invoke, *others])}) -> {message.result}:\n"
        f'    """{message.sentence}"""\n'
        f"    return await self.{bus}.execute({message.class_name}({arguments}))\n"
    )


def _decorators(message: Message) -> str:
    verb = message.verb.kebab
    has_key = "key" in dict(message.fields)
    match message.kind, has_key, verb:
        case "command", False, "create":
            return "@Post()"
        case "command", False, _:
            return f'@Post("{verb}")'
        case "command", True, "update":
            return '@Patch(":pk/:sk")'
        case "command", True, "delete":
            return '@Delete(":pk/:sk")'
        case "command", True, _:
            return f'@Post(":pk/:sk/{verb}")\n@HttpCode(200)'
        case "query", True, "get":
            return '@Get(":pk/:sk")'
        case "query", True, _:
            return f'@Get(":pk/:sk/{verb}")'
        case "query", False, "list":
            return "@Get()"
        case _:
            return f'@Get("{verb}")'


def _import_all(controller: Source, message: Message, text: str) -> None:
    """Import what the source of a method names."""
    known = {
        **message.imports,
        message.class_name: (message.module, message.class_name),
        "Annotated": ("typing", "Annotated"),
        "InvokeContext": ("cqrs_nest.context", "InvokeContext"),
        **{
            name: ("cqrs_nest.common", name)
            for name in ("Body", "Delete", "Get", "HttpCode", "Param", "Patch", "Post", "Query")
        },
    }
    used = set(re.findall(r"\w+", re.sub(r'"""?.*?"""?', "", text)))
    for name in sorted(used & known.keys()):
        module, original = known[name]
        controller.add_import(module, original, name if name != original else None)
