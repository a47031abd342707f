"""By which columns a row of a read model is known to be a tenant's."""

from typing import Final

TENANT_COLUMNS: Final = ("pk", "tenant_code")
"""The partition key, and the tenant's code: either says whose a row is."""
