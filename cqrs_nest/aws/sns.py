"""Messages to SNS topics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cqrs_nest.aws.errors import AwsConfigurationError
from cqrs_nest.aws.json_text import to_json
from cqrs_nest.aws.session import AwsSession
from cqrs_nest.common import Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.config import Environment

BATCH_MESSAGES = 10


_MORE_ATTRIBUTES: Mapping[Any, Sequence[str]] = {
    "domain-event": ("traceparent",),
    "event": ("eventType", "id", "tenantCode", "schemaVersion", "traceparent"),
}
"""By action: what of a message is repeated in its attributes besides the action."""


class PublishBatchError(Exception):
    """SNS took only a part of a batch; the text says which messages it refused, and why."""


class WrittenMessage(Mapping[str, Any]):
    """A message that has its JSON text already, so that it is written once and known to have one.

    Raises UnsupportedValueError for what has no form in JSON.

    >>> WrittenMessage({"action": "order-placed", "total": 2.0}).text
    '{"action":"order-placed","total":2}'
    """

    def __init__(self, message: Mapping[str, Any]) -> None:
        self._message = {**message}
        self.text: Final = to_json(message)

    def __getitem__(self, name: str) -> Any:
        return self._message[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._message)

    def __len__(self) -> int:
        return len(self._message)


@SetMetadata(HOW_TO_PROVIDE, "add AwsModule to the imports of {module}")
@Injectable()
class SnsService:
    """Publishes JSON messages. Message attributes such as `action` repeat the body's, for filter policies."""

    def __init__(self, session: AwsSession, environment: Environment) -> None:
        self._session = session
        self._default_topic = environment.sns_topic_arn
        self._alarm_topic = environment.sns_alarm_topic_arn

    async def publish(self, message: Mapping[str, Any], topic_arn: str | None = None) -> None:
        """Publish one message, to `SNS_TOPIC_ARN` unless a topic is given.

        Raises AwsConfigurationError without a topic, ClientError when SNS refuses.
        """
        await self._session.call("sns", "publish", TopicArn=self._topic(topic_arn), **_entry(message))

    async def publish_batch(
        self, messages: Sequence[Mapping[str, Any]], topic_arn: str | None = None
    ) -> None:
        """Publish several messages in one call for every 10.

        Raises PublishBatchError when SNS took only some of them.
        """
        topic = self._topic(topic_arn)
        for start in range(0, len(messages), BATCH_MESSAGES):
            batch = messages[start : start + BATCH_MESSAGES]
            entries = [{"Id": str(index), **_entry(message)} for index, message in enumerate(batch)]
            answer = await self._session.call(
                "sns", "publish_batch", TopicArn=topic, PublishBatchRequestEntries=entries
            )
            if refused := answer.get("Failed"):
                reasons = "; ".join(f"{batch[int(f['Id'])].get('action')}: {f['Code']}" for f in refused)
                raise PublishBatchError(
                    f"{topic} took {len(batch) - len(refused)} of {len(batch)}: {reasons}"
                )

    async def publish_alarm(self, message: Mapping[str, Any]) -> None:
        """Publish to `SNS_ALARM_TOPIC_ARN`, or to the default topic when there is none."""
        await self.publish(message, self._alarm_topic)

    def _topic(self, topic_arn: str | None) -> str:
        topic = topic_arn or self._default_topic
        if not topic:
            raise AwsConfigurationError(
                "No topic ARN provided or configured as default: set SNS_TOPIC_ARN in the environment"
            )
        return topic


def _entry(message: Mapping[str, Any]) -> dict[str, Any]:
    action = message.get("action")
    names = ("action", *_MORE_ATTRIBUTES.get(action, ()))
    attributes = {name: _attribute(message[name]) for name in names if message.get(name)}
    text = message.text if isinstance(message, WrittenMessage) else to_json(message)
    return {"Message": text, **({"MessageAttributes": attributes} if attributes else {})}


def _attribute(value: object) -> dict[str, str]:
    return {"DataType": "Number" if isinstance(value, int) else "String", "StringValue": str(value)}
