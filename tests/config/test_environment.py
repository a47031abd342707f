import os
from pathlib import Path

import pytest
from pydantic import ValidationError, field_validator

from cqrs_nest.config import Environment, InvalidEnvironmentError

REQUIRED = {"NODE_ENV": "dev", "APP_NAME": "todo"}


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_only_stage_and_name_are_required() -> None:
    env = Environment.load(environ=REQUIRED)

    assert (env.node_env, env.app_name, env.app_port) == ("dev", "todo", 3000)
    assert env.request_body_size_limit == env.attribute_limit_size == 102_400
    assert env.common_tenant_codes == ("common",)
    assert env.cross_tenant_roles == ("system_admin",)


def test_field_names_construct_it_in_tests() -> None:
    env = Environment(node_env="local", app_name="demo", common_tenant_codes=("common", "shared"))
    assert env.common_tenant_codes == ("common", "shared")


def test_it_is_frozen() -> None:
    env = Environment(node_env="local", app_name="demo")
    with pytest.raises(ValidationError, match="frozen"):
        env.app_name = "other"


def test_texts_become_lists_sizes_and_numbers() -> None:
    env = Environment.load(
        environ={
            **REQUIRED,
            "COMMON_TENANT_CODES": " common, Shared ,,",
            "REQUEST_BODY_SIZE_LIMIT": "2mb",
            "APP_PORT": "8080",
            "RYW_SESSION_TTL_MINUTES": "1.5",
        }
    )
    assert env.common_tenant_codes == ("common", "Shared")
    assert env.request_body_size_limit == 2 * 1024 * 1024
    assert (env.app_port, env.ryw_session_ttl_minutes) == (8080, 1.5)


def test_unknown_variables_are_allowed_and_empty_ones_are_not_set() -> None:
    env = Environment.load(environ={**REQUIRED, "PATH": "/bin", "DYNAMODB_ENDPOINT": "", "APP_PORT": ""})
    assert env.dynamodb_endpoint is None
    assert env.app_port == 3000


def test_every_problem_is_reported_at_once_by_variable_name() -> None:
    environ = {
        "NODE_ENV": "production",
        "APP_PORT": "many",
        "REQUEST_BODY_SIZE_LIMIT": "big",
        "LOG_LEVEL": "loud",
    }

    with pytest.raises(InvalidEnvironmentError) as caught:
        Environment.load(environ=environ)

    names = [problem.split()[0] for problem in caught.value.problems]
    assert sorted(names) == ["APP_NAME", "APP_PORT", "LOG_LEVEL", "NODE_ENV", "REQUEST_BODY_SIZE_LIMIT"]
    text = str(caught.value)
    assert "APP_NAME is not set (the service's name" in text
    assert "'local', 'dev', 'stg' or 'prod'" in text
    assert "100kb" in text
    assert "production" not in text


def test_a_name_that_no_table_may_have_is_refused() -> None:
    with pytest.raises(InvalidEnvironmentError, match="APP_NAME is wrong"):
        Environment.load(environ={"NODE_ENV": "dev", "APP_NAME": "my todo"})


@pytest.mark.parametrize("algorithms", ["none", "HS256", "RS256,HS512"])
def test_tokens_signed_with_a_shared_secret_or_with_nothing_cannot_be_allowed(algorithms: str) -> None:
    with pytest.raises(InvalidEnvironmentError, match="JWT_ALGORITHMS"):
        Environment.load(environ={**REQUIRED, "JWT_ALGORITHMS": algorithms})


class PaymentEnvironment(Environment):
    payment_key: str
    payment_limit: int = 5

    @field_validator("payment_key")
    @classmethod
    def starts_with_key(cls, value: str) -> str:
        if not value.startswith("key-"):
            raise ValueError(f"{value} is no payment key")
        return value


def test_a_subclass_adds_variables() -> None:
    env = PaymentEnvironment.load(environ={**REQUIRED, "PAYMENT_KEY": "key-1", "PAYMENT_LIMIT": "7"})
    assert (env.payment_key, env.payment_limit) == ("key-1", 7)


def test_no_value_is_shown_even_when_a_validator_quotes_it() -> None:
    environ = {**REQUIRED, "PAYMENT_KEY": "canary-5d1f", "PAYMENT_LIMIT": "canary-77aa"}

    with pytest.raises(InvalidEnvironmentError) as caught:
        PaymentEnvironment.load(environ=environ)

    assert "PAYMENT_KEY is wrong" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_database_password_is_not_in_the_representation() -> None:
    env = Environment(node_env="local", app_name="demo", database_url="postgresql+asyncpg://u:canary@h/d")
    assert "canary" not in repr(env)
    assert "canary" not in str(env)


def test_the_process_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("NODE_ENV=local\nAPP_NAME=from-file\n")

    env = Environment.load(file, {"APP_NAME": "from-process"})

    assert (env.node_env, env.app_name) == ("local", "from-process")


def test_dot_env_of_the_working_directory_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("NODE_ENV=stg\nAPP_NAME=todo\n")
    monkeypatch.delenv("NODE_ENV", raising=False)
    monkeypatch.delenv("APP_NAME", raising=False)

    assert Environment.load().node_env == "stg"
    assert "APP_NAME" not in os.environ


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.env"):
        Environment.load(tmp_path / "missing.env", REQUIRED)


def test_the_file_is_quoted_and_expanded_as_in_the_typescript_framework(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        "# a comment\n"
        "export NODE_ENV=local\n"
        'APP_NAME="demo" # another\n'
        "HOST=h\n"
        "S3_ENDPOINT=http://${HOST}:$PORT/x\n"
        "PORT=80\n"
        "SNS_ENDPOINT=${UNKNOWN:-fallback}\n"
        "SQS_ENDPOINT=\\$HOST\n"
        "SFN_ENDPOINT='$HOST'\n"
        "DYNAMODB_ENDPOINT=http://$PROCESS_HOST\n"
        'S3_REGION="multi\nline"\n'
    )

    env = Environment.load(file, {"PROCESS_HOST": "process"})

    assert env.s3_endpoint == "http://h:/x"
    assert env.sns_endpoint == "fallback"
    assert env.sqs_endpoint == "$HOST"
    assert env.sfn_endpoint == "h"
    assert env.dynamodb_endpoint == "http://process"
    assert env.s3_region == "multi\nline"


def test_references_use_the_process_value_rather_than_the_one_above(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("HOST=h\nS3_ENDPOINT=http://${HOST}\n")
    assert Environment.load(file, {**REQUIRED, "HOST": "process"}).s3_endpoint == "http://process"


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes("APP_NAME=caf\xe9".encode("latin-1"))
    with pytest.raises(InvalidEnvironmentError, match="byte 12 is not UTF-8: save it as UTF-8"):
        Environment.load(file, environ={})


@pytest.mark.parametrize("stage", ["dev", "stg", "prod"])
def test_keys_come_over_tls(stage: str) -> None:
    environ = {"NODE_ENV": stage, "APP_NAME": "x", "JWKS_URL": "http://issuer.example/jwks"}
    with pytest.raises(InvalidEnvironmentError, match=r"JWKS_URL is wrong: .*must begin with https://"):
        Environment.load(environ=environ)
    Environment.load(environ={**environ, "JWKS_URL": "https://issuer.example/jwks"})
    Environment.load(environ={**environ, "NODE_ENV": "local"})
