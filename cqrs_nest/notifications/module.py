"""`NotificationModule`: pushes the messages of the notification queue to clients."""

from __future__ import annotations

from cqrs_nest.aws import AwsModule, AwsResources, QueueResource
from cqrs_nest.common.modules import DynamicModule, Module
from cqrs_nest.common.providers import provide
from cqrs_nest.notifications.hub import NotificationHub
from cqrs_nest.notifications.outgoing import (
    NOTIFICATION_QUEUE,
    NotificationEventFactory,
    NotificationOptions,
)
from cqrs_nest.notifications.queue_listener import QueueListener
from cqrs_nest.notifications.server_sent_events import NotificationController, ServerSentEventsTransport
from cqrs_nest.notifications.transports import (
    AppSyncEventsTransport,
    AppSyncGraphqlTransport,
    NotificationTransports,
)

ACTIONS = ("command-status", "task-status", "notification-action")
"""What of the main topic's messages clients may be told."""


def _resources(options: NotificationOptions) -> AwsResources:
    return AwsResources(queues=[QueueResource(options.queue, ACTIONS)])


@Module(
    imports=[AwsModule],
    controllers=[NotificationController],
    providers=[
        provide(NotificationOptions, use_value=NotificationOptions()),
        provide(AwsResources, use_factory=_resources, inject=[NotificationOptions]),
        NotificationEventFactory,
        NotificationTransports,
        NotificationHub,
        AppSyncGraphqlTransport,
        AppSyncEventsTransport,
        ServerSentEventsTransport,
        QueueListener,
    ],
    exports=[NotificationHub],
)
class NotificationModule:
    """Takes the messages of the queue whose name ends in `notification-queue`, and pushes them to clients.

    `NOTIFICATION_TRANSPORTS` says how: `appsync-graphql` (the default), `appsync-event`, `sse`, and the names
    of providers with `@NotificationTransport`.
    """

    @staticmethod
    def for_root(*, queue: str = NOTIFICATION_QUEUE) -> DynamicModule:
        """The same for a queue whose name ends in something else."""
        return DynamicModule(
            module=NotificationModule,
            providers=[provide(NotificationOptions, use_value=NotificationOptions(queue))],
        )
