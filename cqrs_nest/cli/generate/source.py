"""Edits of Python source that keep its comments and its form, and refuse what they cannot do safely."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import libcst as cst
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor


class Source:
    """One file, read as a syntax tree; `text` is what has become of it."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self._imports: dict[str, tuple[str, str]] = {}
        try:
            self.tree = cst.parse_module(text)
        except cst.ParserSyntaxError as error:
            raise click.ClickException(
                f"{path}:{error.raw_line}: this is no Python; mend it and run the command again"
            ) from error

    @property
    def text(self) -> str:
        """The source with all edits."""
        if self._imports:
            context = CodemodContext()
            for bound, (module, name) in self._imports.items():
                alias = bound if bound != name else None
                AddImportsVisitor.add_needed_import(context, module, name, asname=alias)
            self.tree = AddImportsVisitor(context).transform_module(self.tree)
            self._imports.clear()
        return self.tree.code

    def code(self, node: cst.CSTNode) -> str:
        """The source of a part of it."""
        return self.tree.code_for_node(node)

    def replace(self, old: cst.CSTNode, new: cst.CSTNode) -> None:
        """Put one node in the place of another."""
        self.tree = cst.ensure_type(self.tree.deep_replace(old, new), cst.Module)

    def refuse(self, why: str, fix: str) -> click.ClickException:
        """The error for something that cannot be edited safely."""
        return click.ClickException(f"{self.path}: {why}; {fix} and run it again. Nothing was changed.")

    def add_import(self, module: str, name: str, alias: str | None = None) -> None:
        """Import a name, unless the file does. Refuses when the name stands for something else there."""
        bound, names = alias or name, {**dict(self.bound_names()), **self._imports}
        if bound in names:
            if names[bound] != (module, name):
                raise self.refuse(f"{bound} is something else here", "give that another name")
            return
        self._imports[bound] = module, name

    def bound_names(self) -> Iterator[tuple[str, tuple[str, str] | None]]:
        """The names of the file's top level, and which name of which module they were imported as."""
        for statement in self._small_statements():
            match statement:
                case cst.ImportFrom(module=module, names=names) if module and not isinstance(
                    names, cst.ImportStar
                ):
                    for each in names:
                        bound = each.evaluated_alias or each.evaluated_name
                        yield bound, (self.code(module), each.evaluated_name)
                case cst.Assign(targets=targets):
                    yield from ((self.code(target.target), None) for target in targets)
                case cst.AnnAssign(target=target):
                    yield self.code(target), None
                case _:
                    pass
        for node in self.tree.body:
            if isinstance(node, cst.ClassDef | cst.FunctionDef):
                yield node.name.value, None

    def assigned(self, name: str) -> cst.BaseExpression | None:
        """What a name of the top level is set to, if it is set once."""
        values = [
            statement.value
            for statement in self._small_statements()
            if isinstance(statement, cst.Assign | cst.AnnAssign) and self._target(statement) == name
        ]
        return values[0] if len(values) == 1 else None

    def _target(self, statement: cst.Assign | cst.AnnAssign) -> str:
        target = statement.targets[0] if isinstance(statement, cst.Assign) else statement
        return self.code(target.target)

    def _small_statements(self) -> Iterator[cst.BaseSmallStatement]:
        for node in self.tree.body:
            if isinstance(node, cst.SimpleStatementLine):
                yield from node.body

    def decorated(self, decorator: str) -> list[tuple[cst.ClassDef, cst.Call]]:
        """The classes of the top level with a decorator of this name, and its call."""
        return [
            (node, each.decorator)
            for node in self.tree.body
            if isinstance(node, cst.ClassDef)
            for each in node.decorators
            if isinstance(each.decorator, cst.Call) and self.code(each.decorator.func) == decorator
        ]


def keyword_argument(call: cst.Call, keyword: str) -> cst.Arg | None:
    """The argument of a call that has this keyword."""
    return next((arg for arg in call.args if arg.keyword and arg.keyword.value == keyword), None)


def with_argument(call: cst.Call, keyword: str, value: cst.BaseExpression) -> cst.Call:
    """The call with one more argument, in a line of its own where the others have theirs."""
    nothing = cst.SimpleWhitespace("")
    new = cst.Arg(value, keyword=cst.Name(keyword), equal=cst.AssignEqual(nothing, nothing))
    if not call.args:
        return call.with_changes(args=[new])
    last = call.args[-1]
    if isinstance(last.comma, cst.Comma):
        end = last.comma.whitespace_after
        new = new.with_changes(comma=cst.Comma(whitespace_after=_bare(end)))
    else:
        end = last.whitespace_after_arg
        new = new.with_changes(whitespace_after_arg=_bare(end))
    comma = _separator(call.whitespace_before_args, end)
    before = last.with_changes(comma=comma, whitespace_after_arg=nothing)
    return call.with_changes(args=[*call.args[:-1], before, new])


def with_element(sequence: cst.List, value: cst.BaseExpression) -> cst.List:
    """The list with one more element, in a line of its own where the others have theirs."""
    new = cst.Element(value)
    if not sequence.elements:
        return sequence.with_changes(elements=[new])
    end = sequence.rbracket.whitespace_before
    last = sequence.elements[-1]
    if isinstance(last.comma, cst.Comma):
        new = new.with_changes(comma=cst.Comma())
    before = last.with_changes(comma=_separator(sequence.lbracket.whitespace_after, end))
    rbracket = sequence.rbracket.with_changes(whitespace_before=_bare(end))
    return sequence.with_changes(elements=[*sequence.elements[:-1], before, new], rbracket=rbracket)


def _separator(start: cst.BaseParenthesizableWhitespace, end: cst.BaseParenthesizableWhitespace) -> cst.Comma:
    """The comma behind what was the last, and behind it a line's end where the first begins a line.

    Comments before the closing bracket (`end`) stay where they are, before what comes now.
    """
    if not isinstance(start, cst.ParenthesizedWhitespace):
        return cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    after = start.with_changes(first_line=cst.TrailingWhitespace(), empty_lines=[])
    if isinstance(end, cst.ParenthesizedWhitespace):
        after = after.with_changes(first_line=end.first_line, empty_lines=end.empty_lines)
    return cst.Comma(whitespace_after=after)


def _bare(space: cst.BaseParenthesizableWhitespace) -> cst.BaseParenthesizableWhitespace:
    """The same white space without comments."""
    if isinstance(space, cst.ParenthesizedWhitespace):
        return space.with_changes(first_line=cst.TrailingWhitespace(), empty_lines=[])
    return space
