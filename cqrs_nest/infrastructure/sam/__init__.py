"""The plan as a template of AWS SAM."""

from cqrs_nest.infrastructure.sam.http_api import ApiRoute, api_routes
from cqrs_nest.infrastructure.sam.template import sam_template
from cqrs_nest.infrastructure.sam.yaml_text import yaml_text

__all__ = ["ApiRoute", "api_routes", "sam_template", "yaml_text"]
