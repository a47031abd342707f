"""Every case has a test that names it, or a line in docs/compatibility.md that says why not."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
COMPATIBILITY = HERE.parents[1] / "docs" / "compatibility.md"
REASON = re.compile(r"^- `([A-Z]+-\d+)`: (\S.*)$", re.MULTILINE)


@cache
def case_ids() -> list[str]:
    files = sorted((HERE / "cases").glob("*.yaml"))
    return [case["id"] for file in files for case in yaml.safe_load(file.read_text())]


@cache
def ids_with_a_test() -> frozenset[str]:
    return frozenset(_ids_with_a_test())


def _ids_with_a_test() -> Iterator[str]:
    for file in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case (
                    ast.FunctionDef(decorator_list=decorators)
                    | ast.AsyncFunctionDef(decorator_list=decorators)
                ):
                    for decorator in decorators:
                        match decorator:
                            case ast.Call(func=ast.Name(id="case"), args=arguments):
                                yield from (ast.literal_eval(argument) for argument in arguments)


@cache
def reasons() -> dict[str, str]:
    return dict(REASON.findall(COMPATIBILITY.read_text()))


@pytest.mark.parametrize("case_id", case_ids())
def test_the_case_is_shown_or_explained(case_id: str) -> None:
    is_shown_or_explained = case_id in ids_with_a_test() | reasons().keys()

    assert is_shown_or_explained, f"no test is marked @case({case_id!r}), and {COMPATIBILITY.name} is silent"


def test_no_test_names_an_unknown_case() -> None:
    assert ids_with_a_test() <= set(case_ids())
