"""The messages of the notification queue, which are for clients."""

from __future__ import annotations

from dataclasses import dataclass

from cqrs_nest.context.tenants import tenant_of
from cqrs_nest.events import AwsEvent, EventFactory, NotificationEvent, SqsEvent

NOTIFICATION_QUEUE = "notification-queue"


@dataclass(frozen=True, slots=True)
class NotificationOptions:
    """What `NotificationModule.for_root` was told."""

    queue: str = NOTIFICATION_QUEUE


class OutgoingNotification(NotificationEvent):
    """A message that is to be pushed to clients: `{id, table, pk, sk, tenantCode, action, content}`."""

    @property
    def tenant(self) -> str | None:
        """The tenant whose clients may see the message, in lower case: that of the row it is about."""
        tenant = self.tenant_code if self.pk is None else tenant_of(self.pk)
        return tenant and tenant.lower()


@EventFactory()
class NotificationEventFactory:
    """Takes the messages of the notification queue, whose name may have a prefix."""

    def __init__(self, options: NotificationOptions) -> None:
        self._queue = options.queue

    def transform_sqs(self, record: SqsEvent) -> list[AwsEvent] | None:
        """Every message of that queue; one that is no notification fails when it is read."""
        return [OutgoingNotification(record.record)] if record.queue_name.endswith(self._queue) else None
