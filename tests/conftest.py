from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from botocore import loaders, session
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests import emulated_aws
from tests.logs import unchanged_logging
from tests.ministack import Ministack

pytest_plugins = ["tests.databases"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--emulator",
        choices=["moto", "ministack"],
        default="moto",
        help="the emulated AWS of the tests that use `emulated_aws`",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the emulator in use gets wrong."""
    marker = f"beyond_{config.getoption('--emulator')}"
    beyond = [item for item in items if item.get_closest_marker(marker)]
    if beyond:
        config.hook.pytest_deselected(items=beyond)
        items[:] = [item for item in items if item not in beyond]


@pytest.fixture(scope="session", autouse=True)
def second_emulator(pytestconfig: pytest.Config) -> Iterator[None]:
    """The process of the second emulator, if the tests are to run on it."""
    if pytestconfig.getoption("--emulator") == "moto":
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        emulated_aws.second = Ministack(Path(folder))
        yield
        emulated_aws.second.close()
        emulated_aws.second = None


@pytest.fixture(scope="session", autouse=True)
def service_descriptions_read_once() -> Iterator[None]:
    """Spare each application reading botocore's descriptions of services, most of its start on AWS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "create_loader", cache(loaders.create_loader))
        yield


@pytest.fixture(scope="module", autouse=True)
def restored_logging_of_a_file() -> Iterator[None]:
    """What an application of a whole file sets does not outlive the file."""
    with unchanged_logging():
        yield


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """What an application of one test sets does not outlive the test."""
    with unchanged_logging():
        yield


@pytest.fixture(scope="session")
def exporter() -> InMemorySpanExporter:
    """Takes all spans of the process, which can be given its tracer provider only once."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    """The spans that a test makes."""
    exporter.clear()
    yield exporter
    exporter.clear()
