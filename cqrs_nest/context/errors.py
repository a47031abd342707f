"""Why a token cannot be believed."""

from __future__ import annotations


class InvalidTokenError(Exception):
    """The token is not one to believe. The text says why, without a part of the token."""


class KeysUnavailableError(Exception):
    """The public keys could not be read, so that no token can be judged."""
