"""What an application needs of its AWS account, read from its modules, and written as a template."""

from cqrs_nest.infrastructure.errors import InfrastructureError
from cqrs_nest.infrastructure.permissions import Permission
from cqrs_nest.infrastructure.plan import ResourcePlan, plan_resources

__all__ = ["InfrastructureError", "Permission", "ResourcePlan", "plan_resources"]
