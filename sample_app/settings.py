"""What the service is told from outside."""

from pydantic import Field

from cqrs_nest.config import AppName, Environment


class Settings(Environment):
    """The framework's variables and the service's own. They are read and checked at start."""

    app_name: AppName = "todo"
    max_page_size: int = Field(default=100, ge=1)
    """The most items that one answer may hold."""
