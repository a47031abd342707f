"""The sample application as an attacker meets it: a process behind a socket, and what is in its tables."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.e2e.conftest import Service, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("attacked")) as service:
        yield service


@pytest.fixture(scope="session")
def key(service: Service) -> ECKey:
    """The private key of the identity provider, which no attacker has."""
    file = service.program.directory / ".cqrs_nest" / "development-key.json"
    return ECKey.import_key(json.loads(file.read_text()))


@pytest.fixture(scope="session")
def sign(key: ECKey) -> Callable[..., str]:
    """A token of the identity provider; `None` leaves a claim out."""

    def sign_claims(*, header: dict[str, Any] | None = None, by: ECKey = key, **claims: Any) -> str:
        now = int(time.time())
        issuer = "cqrs-nest-development"
        good = {"iss": issuer, "aud": issuer, "sub": "mallory", "iat": now, "exp": now + 600}
        given = {name.replace("__", ":"): value for name, value in {**good, **claims}.items()}
        payload = {name: value for name, value in given.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": key.kid, **(header or {})}, payload, by, ["ES256"])

    return sign_claims


@pytest.fixture(scope="session")
def as_tenant(sign: Callable[..., str]) -> Callable[[str], str]:
    """The token of a user of a tenant."""
    return lambda tenant: sign(sub=f"user of {tenant}", custom__tenant=tenant)
