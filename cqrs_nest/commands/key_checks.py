"""Refusing keys that DynamoDB could not have, and those of another tenant, before anything is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqrs_nest.aws.dynamodb.attribute_offload import is_s3_uri, refers_to_others
from cqrs_nest.commands.keys import (
    KEY_SEPARATOR,
    VERSION_SEPARATOR,
    DetailKey,
    generate_id,
    get_tenant_code,
    remove_sort_key_version,
)
from cqrs_nest.common import BadRequestException
from cqrs_nest.context import Invoke, ensure_tenant
from cqrs_nest.context.tenants import callers, refusal

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


def check_owner(
    row: Mapping[str, Any], key: DetailKey, invoke: Invoke | None, allow_cross_tenant: bool
) -> None:
    """Whether a caller may publish a row: its key is his tenant's, and nothing in it says it were another's.

    Read models go by `tenantCode` and `id` as well: an `id` with a `#` must be `<pk>#<sk>`.

    Raises ForbiddenException (403), and BadRequestException for a reference to S3, which no caller may
    publish, where the object is the item's own.
    """
    ensure_tenant(key.pk, allow_cross_tenant, invoke=invoke)
    attributes = row.get("attributes")
    if not allow_cross_tenant:
        for caller in callers(invoke):
            if _names_another_item(row, key):
                raise refusal(
                    caller,
                    "a row in the name of another item",
                    "tenantCode must be the tenant of pk, and an id with a '#' must be <pk>#<sk>",
                )
            if is_s3_uri(attributes) and refers_to_others(attributes, key.pk):
                raise refusal(
                    caller, "a reference to an object of others", "The attributes are not the item's"
                )
    if is_s3_uri(attributes):
        raise BadRequestException("attributes must be an object, not a reference to one in S3")


def _names_another_item(row: Mapping[str, Any], key: DetailKey) -> bool:
    tenant = get_tenant_code(key.pk)
    named, item_id = row.get("tenantCode"), row.get("id")
    if isinstance(named, str) and named and tenant is not None and named.lower() != tenant.lower():
        return True
    # An id of one's own (a UUID) names no key; what has the form of a key must be the item's.
    return (
        isinstance(item_id, str)
        and KEY_SEPARATOR in item_id
        and remove_sort_key_version(item_id) != generate_id(*key)
    )


def check_read(pk: str, sk: str | None, allow_cross_tenant: bool, invoke: Invoke | None = None) -> None:
    """Whether the caller may ask for a key; `sk` is None where a whole partition is read.

    Raises ForbiddenException for another tenant's, BadRequestException for one that no item can have.
    """
    ensure_tenant(pk, allow_cross_tenant, reading=True, invoke=invoke)
    _check_sizes(pk, sk, MAX_SK_BYTES)


def _check_sizes(pk: str, sk: str | None, max_sk: int) -> None:
    if not 0 < len(pk.encode(errors="surrogatepass")) <= MAX_PK_BYTES or (
        sk is not None and not 0 < len(sk.encode(errors="surrogatepass")) <= max_sk
    ):
        raise BadRequestException(f"pk must have 1 to {MAX_PK_BYTES} bytes and sk 1 to {max_sk} bytes")
