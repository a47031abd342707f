"""`SnsEventPublisher`: the event bus of a service, reaching other services over a topic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from ulid_transform import ulid_now

from cqrs_nest.aws import SnsService, to_utc_iso
from cqrs_nest.buses import IEventPublisher, encode_event, event_message, saga_depth
from cqrs_nest.common import Injectable
from cqrs_nest.cqrs.message_context import current_message_context


@Injectable()
class SnsEventPublisher(IEventPublisher):
    """Sends every event of the bus to a topic: `CqrsModule.for_root(event_publisher=SnsEventPublisher)`.

    Events are `@EventType` classes. Type, id, tenant, schema version and trace context are message
    attributes, for filter policies. Services that get the topic's messages over a queue, this one
    included, find them as objects in their `@EventsHandler`s and sagas.
    """

    topic_arn: ClassVar[str | None] = None
    """The topic; by default `SNS_TOPIC_ARN`. Set it in a subclass."""

    def __init__(self, sns: SnsService) -> None:
        self._sns = sns

    async def publish(self, event: Any, context: Any = None) -> None:
        """Send one event. Raises TypeError for an event without a type, ClientError when SNS refuses."""
        await self._sns.publish(_message(event), self.topic_arn)

    async def publish_all(self, events: Sequence[Any], context: Any = None) -> list[Any]:
        """Send several, up to ten in a call. Raises as `publish`, or PublishBatchError for a part of them."""
        await self._sns.publish_batch([_message(event) for event in events], self.topic_arn)
        return [None] * len(events)


def _message(event: object) -> dict[str, Any]:
    return event_message(
        encode_event(event),
        current_message_context(),
        id=ulid_now(),
        time=to_utc_iso(datetime.now(UTC)),
        saga_depth=saga_depth(),
    )
