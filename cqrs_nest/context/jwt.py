"""`JwtVerifier`: is this token from our identity provider, for us, and still valid?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError

from cqrs_nest.common import Logger
from cqrs_nest.config import Environment
from cqrs_nest.context.development_keys import (
    development_audience,
    development_issuer,
    read_development_jwks,
)
from cqrs_nest.context.jwks import PublicKeys, read_url

_LONGEST_TOKEN = 16_384
_LEEWAY = 10
"""Seconds by which the clocks of provider and service may differ."""


class InvalidTokenError(Exception):
    """The token is not one to believe. The text says why, without a part of the token."""


class JwtVerifier:
    """Checks signature, algorithm, issuer, audience and times of a token.

    Keys come from `JWKS_FILE` or `JWKS_URL`; with NODE_ENV=local and neither, from the development key
    that `cqrs-nest token` makes. Without any keys every token is refused.
    """

    def __init__(self, environment: Environment) -> None:
        self._keys = _public_keys(environment)
        self._algorithms = environment.jwt_algorithms
        self._claims = _claims_registry(environment)
        self._logger = Logger("JwtVerifier")

    def on_application_bootstrap(self) -> None:
        """Say at the start when no token can pass. In Lambda the gateway has checked it."""
        if self._keys is None and "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
            self._logger.warn(
                "Every token is refused: set JWKS_URL or JWKS_FILE to your identity provider's keys"
            )

    async def verify(self, token: str) -> Mapping[str, Any]:
        """The claims of a good token.

        Raises InvalidTokenError for every other one, and KeysUnavailableError when the keys cannot be read.
        """
        if self._keys is None:
            raise InvalidTokenError("neither JWKS_URL nor JWKS_FILE is set")
        if len(token) > _LONGEST_TOKEN:
            raise InvalidTokenError(f"longer than {_LONGEST_TOKEN} characters")
        try:
            claims = await self._decode(token, self._keys)
            self._claims.validate(claims)
        except JoseError as error:
            raise InvalidTokenError(error.error) from error
        except (TypeError, ValueError, RecursionError) as error:
            # joserfc lets these through for headers and payloads of unexpected shape.
            raise InvalidTokenError(type(error).__name__) from error
        return claims

    async def _decode(self, token: str, keys: PublicKeys) -> dict[str, Any]:
        try:
            claims = jwt.decode(token, await keys.current(), self._algorithms).claims
        except InvalidKeyIdError:
            claims = jwt.decode(token, await keys.after_rotation(), self._algorithms).claims
        if "aud" not in claims and "client_id" in claims:
            # Cognito's access tokens name their audience so; API Gateway reads them the same way.
            claims["aud"] = claims["client_id"]
        return claims


def _public_keys(environment: Environment) -> PublicKeys | None:
    if environment.jwks_file is not None:
        return PublicKeys(environment.jwks_file.read_bytes, pause=0)
    if environment.jwks_url is not None:
        return PublicKeys(partial(read_url, environment.jwks_url))
    if environment.node_env == "local":
        return PublicKeys(read_development_jwks, pause=0)
    return None


def _claims_registry(environment: Environment) -> jwt.JWTClaimsRegistry:
    issuer = environment.jwt_issuer
    audience = environment.jwt_audience
    if environment.jwks_file is None and environment.jwks_url is None:
        issuer, audience = development_issuer(environment), (development_audience(environment),)
    return jwt.JWTClaimsRegistry(
        leeway=_LEEWAY,
        exp={"essential": True},
        sub={"essential": True},
        iss={"essential": True, "value": issuer} if issuer else {},
        aud={"essential": True, "values": list(audience)} if audience else {},
    )
