"""JSON objects in the service's private bucket."""

from __future__ import annotations

from typing import Any

from cqrs_nest.aws.errors import AwsConfigurationError
from cqrs_nest.aws.json_text import from_json, to_json
from cqrs_nest.aws.session import AwsSession
from cqrs_nest.common import Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.config import Environment


@SetMetadata(HOW_TO_PROVIDE, "add AwsModule to the imports of {module}")
@Injectable()
class S3Service:
    """Reads and writes JSON objects of the bucket `S3_BUCKET_NAME`."""

    def __init__(self, session: AwsSession, environment: Environment) -> None:
        self._session = session
        self._bucket = environment.s3_bucket_name

    @property
    def bucket(self) -> str:
        """The private bucket. Raises AwsConfigurationError when none is set."""
        if self._bucket is None:
            raise AwsConfigurationError(
                "There is no bucket for large attributes: set S3_BUCKET_NAME in the environment or in .env"
            )
        return self._bucket

    async def put_item(self, key: str, value: object) -> None:
        """Write a value as JSON."""
        body = to_json(value).encode()
        await self._session.call(
            "s3",
            "put_object",
            Bucket=self.bucket,
            Key=key,
            Body=body,
            ContentType="application/octet-stream",
        )

    async def get_item(self, key: str) -> Any:
        """Read a value. Raises ClientError `NoSuchKey` when there is no such object."""
        return await self._session.run(lambda: self._read(key))

    async def delete_item(self, key: str) -> None:
        """Delete an object; one that is not there does not matter."""
        await self._session.call("s3", "delete_object", Bucket=self.bucket, Key=key)

    def _read(self, key: str) -> Any:
        response = self._session.client("s3").get_object(Bucket=self.bucket, Key=key)
        with response["Body"] as body:
            return from_json(body.read())
