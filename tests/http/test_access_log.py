"""One readable line a request."""

import logging
import re
from typing import Any

import pytest

from cqrs_nest.common import Controller, Get


@Controller("cats")
class Cats:
    @Get(":id")
    async def find(self) -> str:
        return "Tom"


async def lines(serve: Any, caplog: pytest.LogCaptureFixture, path: str, **options: Any) -> list[str]:
    caplog.set_level(logging.INFO, "cqrs_nest.HTTP")
    client = await serve(Cats, **options)
    await client.get(path, headers={"authorization": "Bearer hidden"})
    return [record.getMessage() for record in caplog.records if record.name == "cqrs_nest.HTTP"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/cats/7?token=hidden", r"GET /cats/7 200 \d+\.\d ms"),
        ("/cats/a%0Ab%2Fc", r"GET /cats/a%0Ab%2Fc 200 \d+\.\d ms"),
        ("/nowhere?token=hidden", r"GET /nowhere 404 \d+\.\d ms"),
        ("/cats/%zz", r"GET /cats/%zz 400 \d+\.\d ms"),
    ],
)
async def test_a_line_shows_method_path_status_and_time(
    serve: Any, caplog: pytest.LogCaptureFixture, path: str, shown: str
) -> None:
    [line] = await lines(serve, caplog, path)
    assert re.fullmatch(shown, line)
    assert "hidden" not in caplog.text


async def test_it_can_be_switched_off(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert await lines(serve, caplog, "/cats/7", access_log=False) == []
