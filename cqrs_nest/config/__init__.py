"""Typed settings: `Environment` reads and checks the variables once, `ConfigModule` hands them out."""

from cqrs_nest.config.environment import AppName, Environment
from cqrs_nest.config.errors import InvalidEnvironmentError
from cqrs_nest.config.module import ConfigModule, ConfigService

__all__ = ["AppName", "ConfigModule", "ConfigService", "Environment", "InvalidEnvironmentError"]
