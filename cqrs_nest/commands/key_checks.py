"""Refusing keys that DynamoDB could not have, and those of another tenant, before anything is called."""

from __future__ import annotations

from cqrs_nest.commands.keys import VERSION_SEPARATOR, DetailKey, remove_sort_key_version
from cqrs_nest.common import BadRequestException
from cqrs_nest.context import ensure_tenant

MAX_PK_BYTES = 2048
MAX_SK_BYTES = 1024
_VERSION_BYTES = len("@9999999999")


def check_published_key(pk: object, sk: object) -> DetailKey:
    """The key of a publish without version; a version that stands on the sort key does not matter.

    Raises BadRequestException for a key that no item can have.
    """
    if not isinstance(pk, str) or not isinstance(sk, str):
        raise BadRequestException("pk and sk must be texts")
    _, suffix, version = sk.rpartition(VERSION_SEPARATOR)
    base = remove_sort_key_version(sk)
    if VERSION_SEPARATOR in base or (suffix and not version.isdecimal()):
        raise BadRequestException(f'sk must not contain "@", which separates the version: {sk!r}')
    _check_sizes(pk, base, MAX_SK_BYTES - _VERSION_BYTES)
    return DetailKey(pk, base)


def check_read(pk: str, sk: str | None, allow_cross_tenant: bool) -> None:
    """Whether the caller may ask for a key; `sk` is None where a whole partition is read.

    Raises ForbiddenException for another tenant's, BadRequestException for one that no item can have.
    """
    ensure_tenant(pk, allow_cross_tenant, reading=True)
    _check_sizes(pk, sk, MAX_SK_BYTES)


def _check_sizes(pk: str, sk: str | None, max_sk: int) -> None:
    if not 0 < len(pk.encode(errors="surrogatepass")) <= MAX_PK_BYTES or (
        sk is not None and not 0 < len(sk.encode(errors="surrogatepass")) <= max_sk
    ):
        raise BadRequestException(f"pk must have 1 to {MAX_PK_BYTES} bytes and sk 1 to {max_sk} bytes")
