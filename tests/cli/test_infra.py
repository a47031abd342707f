"""`cqrs-nest infra`, run as a user runs it."""

import json
from pathlib import Path

import pytest

from cqrs_nest.infrastructure.sam import yaml_text
from tests.cli.command_line import run

REPOSITORY = Path(__file__).parents[2]
SERVICE = """
from cqrs_nest.app import CqrsNest{imported}
from cqrs_nest.common import Module
from cqrs_nest.notifications import NotificationModule


@Module(imports=[NotificationModule])
class Root: ...


app = CqrsNest.asgi(Root)
{rest}
"""
HANDLER = "handler = create_handler(root_module=Root)"


def test_the_template_is_written_as_yaml_and_as_json(tmp_path: Path) -> None:
    file = tmp_path / "template.yaml"
    written = run(REPOSITORY, "infra", "sam", "--output", str(file))
    printed = run(REPOSITORY, "infra", "sam", "sample_app.main:app", "--json", NODE_ENV="prod")

    assert (written.returncode, written.stdout) == (0, ""), written.stderr
    template = json.loads(printed.stdout)
    header, text = file.read_text().split("\n", 1)
    assert header.startswith("# Written by `cqrs-nest infra sam sample_app.main:app`")
    assert text == yaml_text(template)
    assert template["Resources"]["Function"]["Properties"]["Handler"] == "sample_app.main.handler"


def test_the_permissions_are_a_table() -> None:
    printed = run(REPOSITORY, "infra", "permissions")

    assert printed.returncode == 0, printed.stderr
    lines = [line.split() for line in printed.stdout.splitlines()]
    assert lines[0] == ["RESOURCE", "NAME", "ACTIONS", "FOR"]
    assert ["topic", "main-sns", "sns:Publish", "domain", "events", "and", "statuses"] in lines


@pytest.mark.parametrize(
    ("source", "arguments", "said"),
    [
        (
            SERVICE.format(imported="", rest=""),
            ["service.main:app"],
            "service.main has no Lambda function; add handler = create_handler(",
        ),
        (
            SERVICE.format(imported=", create_handler", rest=HANDLER),
            ["service.main:app"],
            "sse, which needs a server, and the template is for AWS Lambda. Fix: NOTIFICATION_TRANSPORTS=",
        ),
        (None, [], "Name the application, such as my_service.main:app; packages here with a main.py: none."),
    ],
)
def test_what_cannot_be_written_is_one_line(
    tmp_path: Path, source: str | None, arguments: list[str], said: str
) -> None:
    if source is not None:
        (tmp_path / "service").mkdir()
        (tmp_path / "service" / "main.py").write_text(source)
    result = run(tmp_path, "infra", "sam", *arguments, APP_NAME="service", NOTIFICATION_TRANSPORTS="sse")

    assert result.returncode != 0
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
