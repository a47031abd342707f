"""Tokens for development: a key pair on this machine takes the place of the identity provider."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from cqrs_nest.config import Environment

DEVELOPMENT_KEY = Path(".cqrs_nest/development-key.json")
"""The private key, below the working directory; readable by its owner only."""
DEVELOPMENT_JWKS = Path(".cqrs_nest/development-jwks.json")
"""The public key, which the verifier reads."""
_ALGORITHM = "ES256"


class DevelopmentKeyRefusedError(Exception):
    """Development keys are asked for outside development, or the file holds none."""


def sign_development_token(
    environment: Environment,
    *,
    user: str,
    tenant: str | None,
    roles: Sequence[str] = (),
    everywhere: Sequence[str] = (),
    lifetime: timedelta = timedelta(hours=12),
) -> str:
    """A token that a service with NODE_ENV=local, in the same directory, accepts like any other.

    The roles hold in `tenant`, those of `everywhere` in every one; without a tenant all hold everywhere.
    Makes the key when there is none. Raises DevelopmentKeyRefusedError when NODE_ENV is not local.
    """
    key = load_development_key(environment)
    now = int(time.time())
    claims = {
        "iss": development_issuer(environment),
        "aud": development_audience(environment),
        "sub": user,
        "iat": now,
        "exp": now + int(lifetime.total_seconds()),
        "custom:roles": json.dumps(
            [
                {"tenant": owner, "role": role}
                for owner, held in ((tenant or "", roles), ("", everywhere))
                for role in held
            ]
        ),
    }
    if tenant:
        claims["custom:tenant"] = tenant
    return jwt.encode({"alg": _ALGORITHM, "kid": key.kid}, claims, key, [_ALGORITHM])


def load_development_key(environment: Environment) -> ECKey:
    """The private key of this directory, made together with its public half at the first call.

    Raises DevelopmentKeyRefusedError when NODE_ENV is not local or the file holds no key.
    """
    if environment.node_env != "local":
        raise DevelopmentKeyRefusedError(
            f"NODE_ENV is {environment.node_env}: development keys work only with NODE_ENV=local"
        )
    if not DEVELOPMENT_KEY.exists():
        key = ECKey.generate_key("P-256", {"alg": _ALGORITHM, "use": "sig"}, auto_kid=True)
        _write_once(DEVELOPMENT_KEY, key.as_dict(private=True))
    key = _read_key()
    public = {"keys": [key.as_dict(private=False)]}
    if json.loads(read_development_jwks()) != public:
        _replace(DEVELOPMENT_JWKS, public)
    return key


def _read_key() -> ECKey:
    try:
        key = ECKey.import_key(json.loads(DEVELOPMENT_KEY.read_bytes()))
    except (ValueError, JoseError):
        # `from None`: the error shows what the file holds.
        raise DevelopmentKeyRefusedError(
            f"{DEVELOPMENT_KEY} is no key. Delete the file to get a new one."
        ) from None
    return key


def read_development_jwks() -> bytes:
    """The public key as a JWKS document, without keys as long as none has been made."""
    return DEVELOPMENT_JWKS.read_bytes() if DEVELOPMENT_JWKS.exists() else b'{"keys": []}'


def development_issuer(environment: Environment) -> str:
    """The issuer of development tokens."""
    return environment.jwt_issuer or "cqrs-nest-development"


def development_audience(environment: Environment) -> str:
    """The audience of development tokens."""
    return next(iter(environment.jwt_audience), "cqrs-nest-development")


def _write_once(path: Path, document: object) -> None:
    """Write a file unless another process does so first; then that one's stays."""
    temporary = _write_temporary(path, document)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass  # the key of the process that was first serves both
    finally:
        temporary.unlink()


def _replace(path: Path, document: object) -> None:
    _write_temporary(path, document).replace(path)


def _write_temporary(path: Path, document: object) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file)
    return temporary
