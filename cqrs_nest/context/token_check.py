"""`TokenCheck`: is this token from our identity provider, for us, and still valid?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeGuard

from joserfc import jws, jwt
from joserfc.errors import InvalidKeyIdError, JoseError

from cqrs_nest.config import Environment
from cqrs_nest.context.development_keys import (
    development_audience,
    development_issuer,
    read_development_jwks,
)
from cqrs_nest.context.errors import InvalidTokenError
from cqrs_nest.context.jwks import PublicKeys, read_url
from cqrs_nest.context.signed_tokens import SignedTokens

_LONGEST_TOKEN = 16_384
_LEEWAY = 10
"""Seconds by which the clocks of provider and service may differ."""


class TokenCheck:
    """Keys, algorithms and claims that the environment asks for."""

    def __init__(self, environment: Environment) -> None:
        self._keys = _public_keys(environment)
        self._algorithms = environment.jwt_algorithms
        self._is_off = environment.jwt_verification == "off"
        self._claims = _claims_registry(environment)
        self._signed = SignedTokens()

    async def verify(self, token: str) -> Mapping[str, Any]:
        """The claims of a good token; raises as `JwtVerifier.verify` does."""
        if len(token) > _LONGEST_TOKEN:
            raise InvalidTokenError(f"longer than {_LONGEST_TOKEN} characters")
        try:
            claims = await self._decode(token)
            self._claims.validate(claims)
        except JoseError as error:
            raise InvalidTokenError(error.error) from error
        except (TypeError, ValueError, RecursionError) as error:
            # joserfc lets these through for headers and payloads of unexpected shape.
            raise InvalidTokenError(type(error).__name__) from error
        return claims

    async def _decode(self, token: str) -> dict[str, Any]:
        claims = self._unverified(token) if self._is_off else await self._verified(token)
        if "aud" not in claims and "client_id" in claims:
            # Cognito's access tokens name their audience so; API Gateway reads them the same way.
            claims["aud"] = claims["client_id"]
        return claims

    async def _verified(self, token: str) -> dict[str, Any]:
        keys = await self._keys.current()
        claims = self._signed.claims(token, keys)
        if claims is None:
            try:
                claims = jwt.decode(token, keys, self._algorithms).claims
            except InvalidKeyIdError:
                keys = await self._keys.after_rotation()
                claims = jwt.decode(token, keys, self._algorithms).claims
            self._signed.add(token, keys, claims)
        return claims

    def _unverified(self, token: str) -> dict[str, Any]:
        """The claims as they stand there; a token that says itself that it is not signed stays none."""
        parts = jws.extract_compact(token.encode())
        if parts.headers().get("alg") not in self._algorithms or not parts.segments.get("signature"):
            raise InvalidTokenError("not signed with an algorithm that is allowed")
        claims = json.loads(parts.payload or b"")
        if not _is_claims(claims):
            raise InvalidTokenError("the payload is no object")
        return claims


def _is_claims(payload: object) -> TypeGuard[dict[str, Any]]:
    """Whether a payload is a JSON object."""
    return isinstance(payload, dict)


def _public_keys(environment: Environment) -> PublicKeys:
    if environment.jwks_file is not None:
        return PublicKeys(environment.jwks_file.read_bytes, pause=0)
    if environment.jwks_url is not None:
        return PublicKeys(partial(read_url, environment.jwks_url))
    return PublicKeys(read_development_jwks, pause=0)


def _claims_registry(environment: Environment) -> jwt.JWTClaimsRegistry:
    issuer = environment.jwt_issuer
    audience = environment.jwt_audience
    is_off = environment.jwt_verification == "off"
    if environment.jwks_file is None and environment.jwks_url is None and not is_off:
        issuer, audience = development_issuer(environment), (development_audience(environment),)
    return jwt.JWTClaimsRegistry(
        leeway=_LEEWAY,
        exp={"essential": True},
        sub={"essential": True},
        iss={"essential": True, "value": issuer} if issuer else {},
        aud={"essential": True, "values": list(audience)} if audience else {},
    )
