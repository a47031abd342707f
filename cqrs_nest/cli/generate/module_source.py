"""The source of a module: what its decorator lists, and one thing more in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst

from cqrs_nest.cli.generate.source import Source, keyword_argument, with_argument, with_element

REGISTER_TABLE = "CqrsModule.register"
REGISTER_SQL = "SqlModule.register"


@dataclass(frozen=True, slots=True)
class TableReference:
    """How the name of a module's table is written: as a constant of another file, or as a text."""

    expression: str
    module: str | None = None


class ModuleSource(Source):
    """A file with one class that is decorated with `@Module(...)`."""

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(path, text)
        found = self.decorated("Module")
        if len(found) != 1:
            raise self.refuse(
                f"it has {len(found)} classes with @Module(...)", "let it have one, with its lists as [...]"
            )

    @property
    def class_name(self) -> str:
        """The name of the module's class."""
        return self.decorated("Module")[0][0].name.value

    @property
    def _decorator(self) -> cst.Call:
        return self.decorated("Module")[0][1]

    def has(self, keyword: str, expression: str) -> bool:
        """Whether a list of the decorator has an element, also in a list that it takes in as `*NAMES`."""
        argument = keyword_argument(self._decorator, keyword)
        return argument is not None and expression in self._elements(argument.value)

    def append(self, keyword: str, expression: str) -> None:
        """Add an element to `imports`, `controllers` or `providers`, unless it is there."""
        if not self.has(keyword, expression):
            self._append(self._decorator, keyword, expression)

    def append_to_table(self, keyword: str, expression: str) -> None:
        """Add an element to a list that `CqrsModule.register(...)` is given, unless it is there."""
        call = self._table_call()
        argument = keyword_argument(call, keyword)
        if argument is None or expression not in self._elements(argument.value):
            self._append(call, keyword, expression)

    def table(self) -> TableReference:
        """The name of the module's table, written so that another file can write it too."""
        argument = keyword_argument(self._table_call(), "table_name")
        value = argument.value if argument else None
        if isinstance(value, cst.Name):
            imported = dict(self.bound_names()).get(value.value)
            if imported is not None:
                return TableReference(imported[1], imported[0])
            value = self.assigned(value.value)
        if isinstance(value, cst.SimpleString):
            return TableReference(self.code(value))
        raise self.refuse(
            f"the table_name of {REGISTER_TABLE}(...) is neither a text nor a constant", "write it as one"
        )

    @property
    def registers_sql(self) -> bool:
        """Whether `SqlModule.register(...)` is among the imports."""
        return bool(self._calls(REGISTER_SQL))

    def append_metadata(self, name: str) -> None:
        """Let `SqlModule.register(...)` make the tables of one more MetaData, named `module:metadata`."""
        [call] = self._calls(REGISTER_SQL)
        argument = keyword_argument(call, "metadata")
        if argument is None and call.args and call.args[0].keyword is None:
            argument = call.args[0]
        added = cst.SimpleString(f'"{name}"')
        match argument.value if argument else None:
            case None:
                new = call.with_changes(args=[cst.Arg(added), *call.args])
                self.replace(call, new)
            case cst.List() as present:
                if not {added.value, f"'{name}'"} & {*self._elements(present)}:
                    self.replace(present, with_element(present, added))
            case cst.SimpleString(evaluated_value=present_name) if present_name == name:
                pass
            case cst.SimpleString() as present:
                self._make_list(present, added)
            case cst.Name(value=variable) as present if variable.endswith("metadata"):
                self._make_list(present, added)
            case _:
                raise self.refuse(
                    f"the metadata of {REGISTER_SQL}(...) is no list", f"write [..., {added.value}] there"
                )

    def _make_list(self, present: cst.BaseExpression, added: cst.BaseExpression) -> None:
        self.replace(present, cst.List([cst.Element(present), cst.Element(added)]))

    def _table_call(self) -> cst.Call:
        calls = self._calls(REGISTER_TABLE)
        if len(calls) != 1:
            raise self.refuse(
                f"its imports have {len(calls)} times {REGISTER_TABLE}(...)",
                f'let them have one: imports=[{REGISTER_TABLE}(table_name="...")]',
            )
        return calls[0]

    def _calls(self, function: str) -> list[cst.Call]:
        argument = keyword_argument(self._decorator, "imports")
        if argument is None or not isinstance(argument.value, cst.List):
            return []
        values = [element.value for element in argument.value.elements]
        return [each for each in values if isinstance(each, cst.Call) and self.code(each.func) == function]

    def _append(self, call: cst.Call, keyword: str, expression: str) -> None:
        value = cst.parse_expression(expression)
        argument = keyword_argument(call, keyword)
        if argument is None:
            if any(arg.star == "**" for arg in call.args):
                raise self.refuse(
                    f"{self.code(call.func)}(...) takes **options",
                    f"write {keyword}=[{expression}] there",
                )
            self.replace(call, with_argument(call, keyword, cst.List([cst.Element(value)])))
        elif isinstance(argument.value, cst.List):
            self.replace(argument.value, with_element(argument.value, value))
        else:
            written = self.code(argument.value)
            raise self.refuse(
                f"{keyword}={written} is no list that can be added to", f"write {keyword}=[*{written}] there"
            )

    def _elements(self, value: cst.BaseExpression) -> Iterator[str]:
        """The elements of a list as they are written, and those of the file's own lists that it takes in."""
        match value:
            case cst.List(elements=elements):
                for element in elements:
                    if isinstance(element, cst.StarredElement):
                        yield from self._elements(element.value)
                    else:
                        yield self.code(element.value)
            case cst.Name(value=name) if (assigned := self.assigned(name)) is not None:
                yield from self._elements(assigned)
            case _:
                pass
