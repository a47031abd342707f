"""The tutorial, followed: its files are written, its service is started, its requests are sent."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from cqrs_nest.local import LocalRuntime, listen
from tests.cli import command_line
from tests.docs.pages import Block, blocks

URL = "http://127.0.0.1:3000"


class Reader:
    """Someone who does what the page says, in a directory of his own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = AsyncExitStack()
        self._runtime: LocalRuntime | None = None
        self._variables: dict[str, str] = {}
        self.answer: httpx.Response | None = None
        self.did: list[str] = []

    async def follow(self, block: Block) -> None:
        if block.title:
            file = self._directory / block.title
            file.parent.mkdir(exist_ok=True)
            file.write_text(block.text)
        elif block.language == "sh":
            for line in block.text.replace("\\\n", " ").splitlines():
                await self._run(shlex.split(line))
        elif block.language == "json":
            assert self.answer is not None
            assert_contains(self.answer.json(), json.loads(block.text))

    async def _run(self, words: Sequence[str]) -> None:
        self.did.append(" ".join(words[:2]))
        match words:
            case ["cqrs-nest", "dev", application]:
                await self._start(application)
            case ["curl", *arguments]:
                await self._call(arguments)
            case ["pytest", *_]:
                await self._test()
            case ["cqrs-nest", *arguments]:
                result = command_line.run(self._directory, *arguments)
                assert result.returncode == 0, result.stderr
            case _:
                assert words[0] in ("mkdir", "python3", "pip", ".") or "=" in words[0], words

    async def _start(self, application: str) -> None:
        await self.stop()
        forget_the_service()
        app = getattr(importlib.import_module(application.partition(":")[0]), application.partition(":")[2])
        listener = self._stack.enter_context(listen("127.0.0.1", 0))
        self._runtime = await self._stack.enter_async_context(
            LocalRuntime.start(app.root, env=app.env, listener=listener)
        )
        self._variables["TOKEN"] = self._runtime.token(user="ann", tenant="acme")

    async def _call(self, arguments: Sequence[str]) -> None:
        assert self._runtime is not None
        words = [re.sub(r"\$([A-Z]+)", lambda name: self._variables[name[1]], word) for word in arguments]
        options = list(pairwise(words))
        (url,) = (word for word in words if word.startswith(URL))
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            self.answer = await http.request(
                next((value for name, value in options if name == "-X"), "GET"),
                url.replace(URL, self._runtime.url),
                headers=dict(value.split(": ", 1) for name, value in options if name == "-H"),
                content=next((value for name, value in options if name == "-d"), None),
            )
        await self._runtime.drain()
        if self.answer.status_code == 201:
            self._variables["CODE"] = self.answer.json()["code"]

    async def _test(self) -> None:
        await self.stop()
        forget_the_service()
        (file,) = self._directory.glob("test_*.py")
        module = importlib.import_module(file.stem)
        tests = [value for name, value in vars(module).items() if name.startswith("test_")]
        assert tests
        for test in tests:
            await test()

    async def stop(self) -> None:
        self._runtime = None
        await self._stack.aclose()


def forget_the_service() -> None:
    """Let the files be read anew: the page has changed them."""
    importlib.invalidate_caches()
    for name in [*sys.modules]:
        if name.partition(".")[0] in ("todos", "test_todos"):
            del sys.modules[name]


def assert_contains(answer: Any, shown: Any) -> None:
    """The answer has everything that the page shows of it."""
    match shown:
        case dict():
            for name, value in shown.items():
                assert_contains(answer[name], value)
        case list():
            assert len(answer) == len(shown)
            for each, value in zip(answer, shown, strict=True):
                assert_contains(each, value)
        case _:
            assert answer == shown


@pytest.fixture
async def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reader]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        sys, "dont_write_bytecode", True
    )  # a file may change within the second of its bytecode
    reader = Reader(tmp_path)
    yield reader
    await reader.stop()
    forget_the_service()


async def test_the_tutorial_leads_to_a_service(
    reader: Reader, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    page = blocks("tutorial.md")
    for block in page:
        await reader.follow(block)
    (said,) = (block.text.strip() for block in page if block.language == "text")
    assert said in caplog.messages
    assert {"cqrs-nest dev", "curl -X", "pytest --asyncio-mode=auto", "cqrs-nest infra"} <= set(reader.did)
    resources = yaml.load((tmp_path / "template.yaml").read_text(), yaml.BaseLoader)["Resources"]
    assert {"TodoCommandTable", "TodoDataTable", "TodoHistoryTable"} <= set(resources)
