from __future__ import annotations

import pytest

from cqrs_nest.read_models.engine import DatabaseUrlError, create_engine


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgres://u:hunter2@host/name", "there is no such kind of database"),
        ("oracle+nothing://u:hunter2@host/name", "there is no such kind of database"),
        ("hunter2", "it is no URL"),
        ("sqlite:///hunter2", "it is no URL of an asynchronous driver"),
        ("postgresql+psycopg_async://u:hunter2@host/name", "the driver psycopg is not installed"),
    ],
)
def test_a_url_that_cannot_be_used_is_explained_without_showing_it(url: str, reason: str) -> None:
    with pytest.raises(DatabaseUrlError, match="DATABASE_URL cannot be used") as raised:
        create_engine(url)
    assert reason in str(raised.value)
    assert "hunter2" not in str(raised.value)
