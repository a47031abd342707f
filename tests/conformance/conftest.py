import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "case(id): the behaviour that the test shows, by its id in cases/*.yaml"
    )
