"""`JwtVerifier`: the service's judge of tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cqrs_nest.common import Logger
from cqrs_nest.common.lambda_runtime import in_lambda
from cqrs_nest.config import Environment
from cqrs_nest.context.errors import InvalidTokenError

if TYPE_CHECKING:
    from cqrs_nest.context.token_check import TokenCheck


class JwtVerifier:
    """Checks signature, algorithm, issuer, audience and times of a token.

    Keys come from `JWKS_FILE` or `JWKS_URL`; with NODE_ENV=local and neither, from the development key
    that `cqrs-nest token` makes. Without any keys every token is refused. `JWT_VERIFICATION=off` leaves out
    the signature, and nothing else.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._is_off = environment.jwt_verification == "off"
        self._has_keys = bool(
            environment.jwks_file or environment.jwks_url or environment.node_env == "local" or self._is_off
        )
        self._check: TokenCheck | None = None
        self._logger = Logger("JwtVerifier")

    def on_application_bootstrap(self) -> None:
        """Say at the start when no token can pass, or any forged one, and get ready for the first one.

        In Lambda the gateway has checked the token, and starting fast matters more.
        """
        if self._is_off:
            self._logger.warn(
                "JWT_VERIFICATION=off: signatures are not checked, and whoever reaches this service can be "
                "anybody. Only a gateway that verifies every token may stand before it"
            )
        environment = self._environment
        unset = [name for name in ("jwt_issuer", "jwt_audience") if not getattr(environment, name)]
        if unset and (environment.jwks_file or environment.jwks_url):
            self._logger.warn(
                "%s is not set: tokens that the identity provider has signed for others are accepted",
                " and ".join(name.upper() for name in unset),
            )
        if in_lambda():
            return
        if self._has_keys:
            self._token_check()
        else:
            self._logger.warn(
                "Every token is refused: set JWKS_URL or JWKS_FILE to the identity provider's keys"
            )

    async def verify(self, token: str) -> Mapping[str, Any]:
        """The claims of a good token.

        Raises InvalidTokenError for every other one, and KeysUnavailableError when the keys cannot be read.
        """
        if not self._has_keys:
            raise InvalidTokenError("neither JWKS_URL nor JWKS_FILE is set")
        return await self._token_check().verify(token)

    def _token_check(self) -> TokenCheck:
        if self._check is None:
            # Cryptography takes a tenth of a second to import.
            from cqrs_nest.context.token_check import TokenCheck

            self._check = TokenCheck(self._environment)
        return self._check
