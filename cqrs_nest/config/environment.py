"""`Environment`: the settings of a service, one field for each environment variable."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from cqrs_nest.common.lambda_runtime import starts_on_demand
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.config.env_file import read_env_file
from cqrs_nest.config.errors import InvalidEnvironmentError, describe_problems
from cqrs_nest.config.fields import Bytes, CommaList, SplitByComma

JwtAlgorithm: TypeAlias = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
"""Only signatures with a public and a private key: a shared secret could be the public key itself."""


AppName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
"""What may stand in the name of a DynamoDB table."""


@SetMetadata(HOW_TO_PROVIDE, "start the application or the test with env=, its settings")
class Environment(BaseModel):
    """The variables the framework reads. Add a service's own by subclassing.

    A field's variable is its name in capitals (`app_name` is `APP_NAME`), unless `Field(alias=...)`
    says another. An empty variable counts as not set. Objects cannot be changed.

    >>> class TodoEnvironment(Environment):
    ...     todo_page_size: int = 20
    >>> env = TodoEnvironment(node_env="local", app_name="todo")
    >>> env.app_port, env.todo_page_size
    (3000, 20)
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        alias_generator=str.upper,
        hide_input_in_errors=True,
        defer_build=starts_on_demand(),
    )

    node_env: Literal["local", "dev", "stg", "prod"] = Field(
        description="the stage: local, dev, stg or prod; first part of every table's name"
    )
    app_name: AppName = Field(
        description="the service's name, second part of every table's name: letters, digits, _ . -"
    )
    app_port: int = Field(default=3000, ge=0, le=65535)
    """The port outside Lambda; 0 takes a free one."""
    log_level: Literal["verbose", "debug", "info", "warn", "error", "fatal"] = "info"
    request_body_size_limit: Bytes = Field(default=102_400, gt=0)
    """Bytes; written as `100kb`."""

    cors_origins: CommaList = ("*",)
    """The origins whose pages may call, such as `https://app.example`; `*` is every one."""
    rate_limit_per_minute: int = Field(default=0, ge=0)
    """Requests a minute of one user, or of one address without a user, in one process; 0 sets no limit."""

    dynamodb_endpoint: str | None = None
    dynamodb_region: str | None = None
    dynamodb_client: Literal["boto3", "aiohttp"] = "boto3"
    """What calls DynamoDB: boto3 in threads, or aiohttp (extra `fast`), which takes a quarter of the CPU."""
    check_tables: bool | None = None
    """Whether to check at start that the tables are there, with their streams.

    Unset: where a server starts, but not in AWS Lambda, nor for `local` without an endpoint.
    """
    attribute_limit_size: PositiveInt = 102_400
    """Bytes of `attributes` from which they are kept in S3 instead of the row."""
    s3_endpoint: str | None = None
    s3_region: str | None = None
    s3_bucket_name: str | None = None
    sns_endpoint: str | None = None
    sns_region: str | None = None
    sns_topic_arn: str | None = None
    sns_alarm_topic_arn: str | None = None
    sqs_endpoint: str | None = None
    sqs_region: str | None = None
    dead_letter_queue_url: str | None = None
    """The SQS queue of commands that could not be applied; without it the stream holds them."""
    sfn_endpoint: str | None = None
    sfn_region: str | None = None
    sfn_command_arn: str | None = None
    sfn_task_arn: str | None = None

    notification_transports: CommaList = ("appsync-graphql",)
    """What `NotificationModule` pushes to clients with: appsync-graphql, appsync-event, sse or one's own."""
    notification_queue_url: str | None = None
    """The queue that a server reads notifications from; in Lambda the queue is an event source."""
    appsync_endpoint: str | None = Field(default=None, pattern=r"^https?://")
    appsync_api_key: str | None = Field(default=None, repr=False)
    """Without one, requests are signed with the process's credentials."""
    appsync_events_endpoint: str | None = Field(default=None, pattern=r"^https?://")
    appsync_events_namespace: str = "default"
    ses_endpoint: str | None = None
    ses_region: str | None = None
    ses_from_email: str | None = None
    is_offline: bool = False
    """Fill e-mail templates in here, as a local SES cannot."""

    ryw_session_ttl_minutes: float = Field(default=0, ge=0)
    """Minutes for which a user's own pending commands show in reads; 0 is off."""
    common_tenant_codes: CommaList = ("common",)
    cross_tenant_roles: CommaList = ("system_admin",)

    jwks_url: str | None = Field(default=None, pattern=r"^https?://")
    """Where the public keys of the identity provider are; `JWKS_FILE` is a copy of them and goes first.

    `https` but in development: whoever can change the answer on its way says who is whom.
    """
    jwks_file: Path | None = None
    jwt_issuer: str | None = None
    jwt_audience: CommaList = ()
    """A token must be meant for one of these; empty accepts any audience."""
    jwt_algorithms: Annotated[tuple[JwtAlgorithm, ...], SplitByComma] = ("RS256", "ES256")
    jwt_verification: Literal["on", "off"] = "on"
    """`off` believes tokens unverified: only behind a gateway that has verified every one of them."""

    database_url: str | None = Field(default=None, repr=False)
    """SQLAlchemy's form, such as `postgresql+asyncpg://user:password@host/name`."""

    @field_validator("jwks_url")
    @classmethod
    def _check_jwks_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is not None and not url.startswith("https://") and info.data.get("node_env") != "local":
            raise ValueError("it must begin with https:// unless NODE_ENV is local")
        return url

    @classmethod
    def load(cls, env_file: Path | None = None, environ: Mapping[str, str] | None = None) -> Self:
        """Read the process environment and, below it, a file.

        `env_file` defaults to `.env` in the working directory, if there is one; `environ` to `os.environ`.
        Raises InvalidEnvironmentError naming every missing or wrong variable, and FileNotFoundError
        when a file was named that is not there.
        """
        process = dict(os.environ if environ is None else environ)
        values = {name: value for name, value in (_file_values(env_file, process) | process).items() if value}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            # `from None`: the original would show what the variables hold.
            raise InvalidEnvironmentError(cls.__name__, describe_problems(cls, error, values)) from None


def _file_values(env_file: Path | None, process: Mapping[str, str]) -> dict[str, str]:
    if env_file is not None and not env_file.is_file():
        raise FileNotFoundError(f"{env_file}: there is no such file to read settings from")
    path = env_file or Path(".env")
    return read_env_file(path, process) if path.is_file() else {}
